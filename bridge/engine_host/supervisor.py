"""The daemon's half of the engine process: starts it, watches it, restarts it, runs one request at a time in it.

Used from the event loop's thread. One reader thread per child takes messages off the pipe; it hands a run's events over
through a bounded queue, so that a slow disk slows the engine down instead of filling memory. However a child dies (crash,
kill, killed by the watch below), it is noticed in one way: its pipe ends.

The child is spawned, never forked: it inherits no socket, no thread and no audio stream of the daemon.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import asdict, dataclass

from bridge.engine_host import protocol, worker
from bridge.errors import EngineFailure
from bridge.link import Link
from bridge.observed_time import ObservedTime
from engine.api import AudioChunk, Event, GenerationRequest, ModelReport, Progress

_EVENTS_AHEAD = 16  # messages between the pipe and the disk
_WATCH_EVERY_S = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timeouts:
    """When a child is given up, in seconds of ObservedTime: one that was stopped together with the daemon is not to blame."""

    silence_s: float = 30.0  # without a sign of life of its interpreter
    stall_s: float = 300.0  # at work without an event: loading a large model from a slow disk is the longest
    cancel_s: float = 20.0  # after a cancel


class Supervisor:
    """Keeps one engine process and runs requests in it, one after the other.

    `model` is the loaded one, `problem` says why there is none.
    """

    def __init__(self, engine: str, model: str, timeouts: Timeouts):
        self._engine = engine
        self._model_name = model
        self._timeouts = timeouts
        self._child: _Child | None = None
        self._run = 0
        self._running = False
        self._cancelled_at: float | None = None
        self._time = ObservedTime(_WATCH_EVERY_S)
        self.model: ModelReport | None = None
        self.loaded = ""  # the name or folder it was asked for by
        self.problem = ""
        self.restarts = 0

    @property
    def state(self) -> str:
        if self._child is None:
            return "down"
        if self._running:
            return "busy"
        return "idle" if self.model or self.problem else "starting"

    @property
    def pid(self) -> int | None:
        return self._child.process.pid if self._child else None

    async def start(self) -> None:
        self._start_child()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        self._watching.cancel()
        child, self._child = self._child, None
        if child:
            await asyncio.to_thread(child.end)

    async def run(self, request: GenerationRequest, weights: str = "") -> AsyncGenerator[Event]:
        """The engine's events; `weights` are those its model must have, empty for any.

        Raises EngineFailure when it rejects the run, fails, dies or stalls; the next run gets a fresh child. Close the iterator
        (`contextlib.aclosing`) to give a run up early: the engine is cancelled and waited for.
        """
        assert not self._running, "one request at a time"
        self._running, self._cancelled_at = True, None
        event: Event | EngineFailure | None = None
        try:
            child, event = await self._begin(request, weights)
            if isinstance(event, EngineFailure) and event.code == EngineFailure.DIED and self._cancelled_at is None:
                log.info("the engine died before it began: once more with a fresh one")
                child, event = await self._begin(request, weights)
            while isinstance(event, (Progress, AudioChunk)):
                yield event
                event = await child.next_event()
            if isinstance(event, EngineFailure):
                raise event
            yield event
        finally:
            if isinstance(event, (Progress, AudioChunk)):  # given up early
                self.cancel()
                while isinstance(await child.next_event(), (Progress, AudioChunk)):
                    pass
            self._running = False

    async def _begin(self, request: GenerationRequest, weights: str) -> tuple[_Child, Event | EngineFailure]:
        """Hands a request to the child and waits for its first event."""
        child = self._child or self._start_child()
        self._run += 1
        child.progressed_at = self._time()
        child.send({"type": "generate", "run": self._run, "request": asdict(request), "weights": weights})
        return child, await child.next_event()

    def cancel(self) -> None:
        """Asks the running request to stop; its iterator then ends with a cancelled Finished. Harmless when none runs."""
        if self._running and self._cancelled_at is None:
            self._cancelled_at = self._time()
            if self._child:
                self._child.send({"type": "cancel", "run": self._run})

    def _start_child(self) -> _Child:
        self.loaded, self.model, self.problem = "", None, ""
        self._child = child = _Child(self._engine, self._time, self._on_notice, self._on_end)
        child.send({"type": "load", "model": self._model_name})
        return child

    def _on_notice(self, child: _Child, message: protocol.Message) -> None:
        """What a child says outside a run."""
        if child is not self._child:
            return
        if message["type"] == "loaded":
            self.loaded, self.model, self.problem = message["name"], ModelReport(**message["model"]), ""
            log.info("model %s is loaded (engine process %d)", self.model.model, child.process.pid)
        elif message["type"] == "failed":
            self.problem = message["message"]
            log.error("the engine cannot load its model: %s", self.problem)

    def _on_end(self, child: _Child, failure: EngineFailure) -> None:
        if child is not self._child:
            return
        log.error("%s", failure)
        self._child = None
        if child.has_answered:  # else it would die again at once: the next request tries
            self.restarts += 1
            self._start_child()
        else:
            self.problem = str(failure)

    async def _watch(self) -> None:
        """Gives up a child that is silent, stalled, or ignores a cancel."""
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            child, now = self._child, self._time.observe()
            if child is None or child.handing_over:
                continue
            if now - child.last_message_at > self._timeouts.silence_s:
                child.give_up(f"the engine gave no sign of life for {self._timeouts.silence_s:g} s")
            elif self._running and now - child.progressed_at > self._timeouts.stall_s:
                child.give_up(f"the engine made no progress for {self._timeouts.stall_s:g} s")
            elif self._running and self._cancelled_at is not None and now - self._cancelled_at > self._timeouts.cancel_s:
                child.give_up(f"the engine did not heed a cancel within {self._timeouts.cancel_s:g} s")


class _Child:
    """One engine process, its pipe and the thread that reads it. Never restarted: a new one takes its place."""

    def __init__(
        self,
        engine: str,
        now: ObservedTime,
        on_notice: Callable[[_Child, protocol.Message], None],
        on_end: Callable[[_Child, EngineFailure], None],
    ):
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.process = context.Process(target=worker.main, args=(theirs, engine), name="inspire-engine", daemon=True)
        self.process.start()
        theirs.close()  # else the pipe would not end with the child
        self._now = now
        self.last_message_at = self.progressed_at = now()
        self.handing_over = False  # the reader waits for the event loop: the child is not to blame for silence
        self.has_answered = False  # that its model is loaded, or why not
        self._link = Link(ours)
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event | EngineFailure] = asyncio.Queue(_EVENTS_AHEAD)
        self._on_notice = on_notice
        self._on_end = on_end
        self._verdict: EngineFailure | None = None
        self._reader = threading.Thread(target=self._read, name="engine-reader", daemon=True)
        self._reader.start()

    def send(self, message: protocol.Message) -> None:
        try:
            self._link.send(message)
        except OSError:
            log.info("the engine process is gone: %s not sent", message["type"])  # the reader sees the end of the pipe

    async def next_event(self) -> Event | EngineFailure:
        return await self._events.get()

    def give_up(self, reason: str) -> None:
        if self._verdict is None:
            self._verdict = EngineFailure(f"{reason} and was ended; the next job gets a fresh one", "engine_stalled")
            self.process.kill()

    def end(self) -> None:
        """Ends the process in order, or by force after a moment. Blocks."""
        self.send({"type": "quit"})
        self._reader.join(2)  # it waits for the process: only one thread may
        self.process.kill()
        self._reader.join()

    def _read(self) -> None:
        """The reader thread."""
        try:
            while True:
                message, samples = self._link.receive()
                self.last_message_at = self._now()
                if message["type"] == "dying":
                    self._verdict = EngineFailure(f"the engine failed: {message['message']}; the log has the details")
                elif message.get("run") is not None:
                    self.progressed_at = self.last_message_at
                    self._hand_over(protocol.decode(message, samples))
                elif message["type"] != "heartbeat":
                    self.has_answered = self.has_answered or message["type"] != "ready"
                    self._loop.call_soon_threadsafe(self._on_notice, self, message)
        except (EOFError, OSError):
            self._conclude()

    def _conclude(self) -> None:
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        died = f"the engine process {_how(self.process.exitcode)}; what it had made is kept, the next job gets a fresh one"
        failure = self._verdict or EngineFailure(died, EngineFailure.DIED)
        self._link.close()
        self._loop.call_soon_threadsafe(self._on_end, self, failure)
        self._hand_over(failure)

    def _hand_over(self, event: Event | EngineFailure) -> None:
        self.handing_over = True
        asyncio.run_coroutine_threadsafe(self._events.put(event), self._loop).result()
        self.last_message_at = self.progressed_at = self._now()
        self.handing_over = False


def _how(exitcode: int | None) -> str:
    assert exitcode is not None, "it has ended"
    if exitcode >= 0:
        return f"ended with status {exitcode}"
    name = signal.Signals(-exitcode).name if -exitcode in list(signal.Signals) else str(-exitcode)
    hint = ", often for lack of memory" if name in ("SIGKILL", "SIGABRT") else ""
    return f"was killed by {name}{hint}"
