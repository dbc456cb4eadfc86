"""The daemon's half of the audio device: its process, and a stream of it that plays results one after the other.

Used from the event loop's thread; nothing here waits but what is awaited. A writer thread sends, a reader thread receives: a
child that hangs holds up neither the loop nor a job. The child is ended and a new one started for whatever goes wrong, and for a
new look at what devices there are.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from bridge.audio import protocol, worker
from bridge.audio.callback import FLOOR_DB
from bridge.audio.protocol import Begin, Close, Closed, Failed, Final, Found, Gain, Open, Opened, Quit, State, Stop, Write
from bridge.audio.worker import DeviceError, Wanted
from bridge.link import Link, Samples
from bridge.observed_time import ObservedTime

_PATIENCE_S = 20.0  # for an answer
_SILENCE_S = 10.0  # of the child while its stream is open
_LOOKED_AT_EVERY_S = 0.5  # or more often, while it plays
_END_S = 2.0  # until it is ended by force

_Answer = TypeVar("_Answer", Found, Opened, Closed)
_CLOSED = State(0, 0, FLOOR_DB, FLOOR_DB, False)


class Output:
    """One child. `find` first, once; then `open`, results, `close`, as often as wanted; `end`. After a DeviceError only `end`."""

    def __init__(
        self, wanted: Wanted, on_underruns: Callable[[int], None], on_missed: Callable[[int], None] = lambda times: None
    ):  # fmt: skip
        """`on_underruns` is reported how many there were, soon after; `on_missed`, how often a result was not ready when due."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=worker.main, args=(theirs, wanted), name="inspire-audio", daemon=True)
        self._process.start()
        theirs.close()  # else the pipe would not end with the child
        self.state = _CLOSED
        self._capacity = self._sent = 0
        self._open = self._gone = False
        self._time = ObservedTime(_LOOKED_AT_EVERY_S)
        self._last_message_at = self._time()
        self._on_underruns, self._on_missed = on_underruns, on_missed
        self._link = Link(ours)
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[protocol.ToProcess | protocol.FromProcess] = asyncio.Queue()
        self._messages: queue.SimpleQueue[protocol.ToProcess | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=run, name="audio-link", daemon=True) for run in (self._read, self._write_out)]
        for thread in self._threads:
            thread.start()

    async def find(self) -> Found:
        """What the system has. Raises DeviceError, as all that is awaited here."""
        self.found = await self._answer(Found)
        return self.found

    async def open(self, gain: float) -> None:
        """`gain` is linear."""
        self._send(Open(gain))
        opened = await self._answer(Opened)
        self.latency_s, self._capacity = opened.latency_s, opened.ring_frames
        self.state, self._sent, self._last_message_at, self._open = _CLOSED, 0, self._time(), True

    async def close(self) -> None:
        """Drops what the system still holds."""
        self._open = False
        self._send(Close())
        await self._answer(Closed)

    async def end(self) -> None:
        """In order, or by force after a moment."""
        self._send(Quit())
        self._messages.put(None)
        await asyncio.to_thread(self._join)

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def lost(self) -> bool:
        """The open device is gone. Asked again and again while it plays."""
        return self._gone or self.state.lost or self._time.observe() - self._last_message_at > _SILENCE_S

    @property
    def unplayed(self) -> int:
        """Frames that were written and not played yet, as last reported."""
        return self._sent - self.state.frames_read

    def begin(self, at: float | None, amid: bool, every_s: float = 0.0) -> None:
        """A result, played from a moment of `time.monotonic` on, or at once; `amid` it: fades in. The last one has ended. Where
        it is not ready then, it waits for so many seconds more, and so on.
        """
        self._send(Begin(at, amid, every_s))

    def write(self, samples: Samples) -> int:
        """Of float32 (frames, channels) at the device's rate as much as there is room for. Returns the number of frames."""
        count = min(len(samples), self._capacity - self.unplayed)
        if count:
            self._sent += count
            self._send(Write(samples[:count]))
        return count

    def final(self) -> None:
        """All of the result is written."""
        self._send(Final())

    def stop(self) -> None:
        """Fade out, forget what is unplayed."""
        self._send(Stop())

    def set_gain(self, gain: float) -> None:
        self._send(Gain(gain))

    def _send(self, message: protocol.ToProcess) -> None:
        self._messages.put(message)

    async def _answer(self, expected: type[_Answer]) -> _Answer:
        try:
            message = await asyncio.wait_for(self._answers.get(), _PATIENCE_S)
        except TimeoutError:
            raise DeviceError(f"the audio device gave no answer for {_PATIENCE_S:g} s") from None
        if isinstance(message, Failed):
            raise DeviceError(message.message)
        assert isinstance(message, expected), f"the audio device's process answered {type(message).__name__}"
        return message

    def _write_out(self) -> None:
        """The writer thread."""
        while (message := self._messages.get()) is not None:
            try:
                self._link.send(*protocol.encode(message))
            except OSError:
                return  # the child is gone: the reader reports

    def _read(self) -> None:
        """The reader thread."""
        try:
            while True:
                self._loop.call_soon_threadsafe(self._receive, protocol.decode(*self._link.receive()))
        except (EOFError, OSError):
            self._loop.call_soon_threadsafe(self._receive, Failed("the process of the audio device ended"))

    def _receive(self, message: protocol.ToProcess | protocol.FromProcess) -> None:
        self._last_message_at = self._time()
        if isinstance(message, State):
            before, self.state = self.state, message
            if self.state.underruns > before.underruns:
                self._on_underruns(self.state.underruns - before.underruns)
            if self.state.missed > before.missed:
                self._on_missed(self.state.missed - before.missed)
            return
        self._gone = isinstance(message, Failed)
        self._answers.put_nowait(message)

    def _join(self) -> None:
        self._process.join(_END_S)
        self._process.kill()
        self._process.join()
        for thread in self._threads:
            thread.join()
        self._process.close()
        self._link.close()
