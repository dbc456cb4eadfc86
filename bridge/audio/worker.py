"""The child's half of the audio device: finds it, opens a stream on it, plays what comes over the pipe.

In a process of its own, as PortAudio lists the devices once, does not outlive a JACK server that dies (closing its stream waits
for ten minutes, then aborts: PortAudio's issue 820), and calls back under the interpreter's lock, which a daemon needs for more.

Threads: the main thread obeys; `_beat` reports the state; PortAudio's runs `Playout.fill`. The messages are `protocol`'s.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, Protocol

from bridge import log as log_lines
from bridge.audio import protocol
from bridge.audio.callback import Playout
from bridge.audio.protocol import Begin, Close, Closed, Failed, Final, Found, Gain, Open, Opened, Quit, State, Stop, Write
from bridge.audio.steady_clock import SteadyClock
from bridge.errors import BridgeError
from bridge.link import Link, Samples

STATE_EVERY_S = 0.05
MAX_LATENCY_S = 2.0  # some drivers name nonsense: JACK days, for a port of a program
STUCK_S = 5.0  # without a call of the callback: some devices go without a word

log = logging.getLogger("inspire.audio")


class DeviceError(BridgeError):
    """There is no audio device to play on, or it went away."""

    code = "no_device"


@dataclass(frozen=True)
class Wanted:
    """Where to play: see AudioDevice."""

    device: str
    channels: tuple[int, ...] = (1, 2)
    samplerate: int = 0

    @property
    def selector(self) -> int | str | None:
        """The device as sounddevice takes it."""
        if self.device == "default":
            return None
        return int(self.device) if self.device.isdecimal() else self.device


class _Stream(Protocol):
    """What is used of sounddevice's OutputStream, which has no types."""

    latency: float  # seconds
    time: float  # seconds
    active: bool

    def close(self) -> None: ...


class _Times(Protocol):
    """What is used of the times that PortAudio gives a callback."""

    outputBufferDacTime: float  # seconds, on the stream's clock


class _Status(Protocol):
    """What is used of the flags that PortAudio gives a callback."""

    output_underflow: bool


def main(connection: Connection, wanted: Wanted) -> None:
    """Entry point of the spawned process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the daemon gets them too, and fades out first
    log_lines.start()
    worker = _Worker(Link(connection), wanted)
    try:
        worker.run()
    except (EOFError, OSError):
        pass  # the daemon is gone
    except Exception:
        log.exception("a fault of the audio device's process")
    if worker.is_open:
        os._exit(0)  # PortAudio's own end would wait for the stream's


class _Worker:
    def __init__(self, link: Link, wanted: Wanted):
        self._link = link
        self._wanted = wanted
        self._playout: Playout | None = None
        self._stream: _Stream | None = None  # open while there is one
        self._closing = threading.Lock()  # nobody asks a stream that was closed

    @property
    def is_open(self) -> bool:
        return self._stream is not None

    def run(self) -> None:
        try:
            self._found = find(self._wanted)
            self._send(self._found)
            threading.Thread(target=self._beat, name="state", daemon=True).start()
            while not isinstance(message := protocol.decode(*self._link.receive()), Quit):
                self._obey(message)
        except DeviceError as error:
            self._send(Failed(str(error)))

    def _obey(self, message: protocol.ToProcess | protocol.FromProcess) -> None:
        if isinstance(message, Open):
            self._open(message.gain)
        stream, playout = self._stream, self._playout
        assert stream is not None and playout is not None, f"{type(message).__name__} came while no stream is open"
        match message:
            case Open():
                self._send(Opened(min(stream.latency, MAX_LATENCY_S), playout.ring.capacity))
            case Begin():
                playout.final = playout.stopping = False
                playout.start_every_s = message.every_s
                playout.start_at = message.at and message.at - time.monotonic() + stream.time
                if message.amid:
                    playout.interrupted()
            case Write():
                taken = playout.ring.write(message.samples)
                assert taken == len(message.samples), "more came than the ring holds"
            case Final():
                playout.final = True
            case Stop():
                playout.stopping = True
            case Gain():
                playout.gain = message.gain
            case Close():
                with self._closing:
                    stream.close()
                    self._stream = None
                self._send(Closed())

    def _send(self, message: protocol.FromProcess) -> None:
        self._link.send(*protocol.encode(message))

    def _open(self, gain: float) -> None:
        import sounddevice

        channels = self._found.channels
        self._playout = Playout(self._found.samplerate, len(channels), gain)
        self._clock = SteadyClock(self._found.samplerate)
        self._ours = _columns(channels)
        self._beats_without_fill = 0
        try:
            stream = sounddevice.OutputStream(
                samplerate=self._found.samplerate,
                device=self._wanted.selector,
                channels=max(channels),
                dtype="float32",
                latency="high",
                callback=self._fill,
            )
            stream.start()
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"the audio device {self._found.name} does not open ({error.args[0]})") from None
        self._stream = stream

    def _fill(self, out: Samples, frames: int, times: _Times, status: _Status) -> None:
        """PortAudio's thread."""
        self._beats_without_fill = 0
        out.fill(0)
        assert self._playout is not None, "it is made before its stream"
        plays_at = self._clock.plays_at(times.outputBufferDacTime, frames)
        self._playout.fill(out[:, self._ours], status.output_underflow, plays_at)

    def _beat(self) -> None:
        while True:
            time.sleep(STATE_EVERY_S)
            with self._closing:
                if self._stream is not None and self._playout is not None:
                    self._beats_without_fill += 1  # counted: a clock would run on while this process is stopped
                    stuck = self._beats_without_fill * STATE_EVERY_S > STUCK_S
                    self._report(self._playout, lost=stuck or not self._stream.active)

    def _report(self, playout: Playout, lost: bool) -> None:
        levels = playout.meter.peak_db, playout.meter.rms_db
        state = State(playout.ring.frames_read, playout.underruns, *levels, lost, playout.missed)
        try:
            self._send(state)
        except OSError:
            os._exit(0)  # the daemon is gone


def find(wanted: Wanted) -> Found:
    """Raises DeviceError."""
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(f"{error}: install PortAudio (Debian and Ubuntu: libportaudio2)") from None
    try:
        found = sounddevice.query_devices(wanted.selector, "output")
        rate = wanted.samplerate or _samplerate(sounddevice, found)
    except (ValueError, sounddevice.PortAudioError) as error:
        why = " ".join(str(error.args[0]).split())
        raise DeviceError(f"no output device {wanted.device!r} ({why}): {_devices(sounddevice)}") from None
    name, count = found["name"], found["max_output_channels"]
    channels = (1,) if count == 1 and wanted.channels == (1, 2) else wanted.channels
    if max(channels) > count:
        raise DeviceError(f"{name} has {count} output channels: {max(channels)} (setting audio_channels) is not among them")
    return Found(name, rate, channels)


def _devices(sounddevice: ModuleType) -> str:
    outputs = [f"{device['index']} {device['name']}" for device in sounddevice.query_devices() if device["max_output_channels"]]
    return f"audio_device may be default, none, {', '.join(outputs)}" if outputs else "the system has none"


def _columns(channels: tuple[int, ...]) -> slice:
    """Which of a block's, as a view: one or two are always evenly apart."""
    first, last = channels[0] - 1, channels[-1] - 1
    step = last - first or 1
    stop = last + (1 if step > 0 else -1)
    return slice(first, None if stop < 0 else stop, step)


def _samplerate(sounddevice: ModuleType, found: dict[str, Any]) -> int:
    """The rate a device runs at, in Hz. ALSA names 44.1 kHz for whatever can take it, but sound servers run at 48 kHz."""
    if sounddevice.query_hostapis(found["hostapi"])["name"] == "ALSA":
        try:
            sounddevice.check_output_settings(found["index"], samplerate=48_000)
            return 48_000
        except sounddevice.PortAudioError:
            log.info("%s does not take 48 kHz", found["name"])
    return int(found["default_samplerate"])
