"""The messages between the daemon and the audio device's process: every field by its name.

To the process: Open, answered with Opened; Begin a result, Write it, its Final end, or Stop it; Gain; Close, answered with
Closed; Quit. From it: Found, once; State; Failed, the last.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bridge.link import Samples


@dataclass(frozen=True)
class Open:
    """Open a stream on the device; `gain` is linear."""

    gain: float


@dataclass(frozen=True)
class Begin:
    """A result, played from `at` on (seconds of `time.monotonic`), None for at once; `amid` it: fades in.

    every_s: where it is not ready at `at`, so many seconds later, and so on; 0: as soon as it is ready.
    """

    at: float | None
    amid: bool
    every_s: float = 0.0


@dataclass(frozen=True)
class Write:
    """The next of a result: float32 (frames, channels) at the device's rate."""

    samples: Samples


@dataclass(frozen=True)
class Final:
    """All of the result is written."""


@dataclass(frozen=True)
class Stop:
    """Fade out, forget what is unplayed."""


@dataclass(frozen=True)
class Gain:
    """The linear `gain` from now on."""

    gain: float


@dataclass(frozen=True)
class Close:
    """Close the stream."""


@dataclass(frozen=True)
class Quit:
    """End the process."""


@dataclass(frozen=True)
class Found:
    """A device as the system has it, opened at `samplerate` in Hz; `channels` are those that are played on, from 1."""

    name: str
    samplerate: int
    channels: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}, {self.samplerate / 1000:g} kHz"


@dataclass(frozen=True)
class Opened:
    """The stream is open: its latency in seconds, and how many frames may be written before they are played."""

    latency_s: float
    ring_frames: int


@dataclass(frozen=True)
class State:
    """Of an open stream: what it has played, and how loud (dBFS). `lost`: its device is gone. `missed`: how often a result was
    not ready when it was due, and waited for the next time.
    """

    frames_read: int
    underruns: int
    peak_db: float
    rms_db: float
    lost: bool
    missed: int = 0


@dataclass(frozen=True)
class Closed:
    """The stream is closed."""


@dataclass(frozen=True)
class Failed:
    """There is no device to play on, or it does not open: the process ends."""

    message: str


ToProcess = Open | Begin | Write | Final | Stop | Gain | Close | Quit
FromProcess = Found | Opened | State | Closed | Failed
_TYPES: dict[str, type[ToProcess | FromProcess]] = {
    type_.__name__.lower(): type_
    for type_ in (Open, Begin, Write, Final, Stop, Gain, Close, Quit, Found, Opened, State, Closed, Failed)
}


def encode(message: ToProcess | FromProcess) -> tuple[dict[str, Any], Samples | None]:
    """As `Link` carries it: its values by their names, and the samples that go with it."""
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    samples: Samples | None = values.pop("samples", None)
    return {"type": type(message).__name__.lower(), **values}, samples


def decode(carried: dict[str, Any], samples: Samples | None) -> ToProcess | FromProcess:
    """`encode` backwards. Raises KeyError for a type that there is not and TypeError for fields that it does not have."""
    values = {name: value for name, value in carried.items() if name not in ("type", "shape")}
    if samples is not None:
        values["samples"] = samples
    if "channels" in values:
        values["channels"] = tuple(values["channels"])  # JSON has lists only
    return _TYPES[carried["type"]](**values)
