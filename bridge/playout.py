"""What the audio callback does: plays a ring, and never lets its gaps click.

`fill` is called in PortAudio's thread; it copies, fades where it must, and never waits or raises. Everything else belongs to
the thread that feeds the ring. What crosses between the two: the ring; `final`, `stopping` and `start_at`, set by the feeder;
`underruns`, counted by `fill`.

A ring that is about to run dry is faded out, counted, and faded in again once it has filled a little: nothing is skipped. A
result that simply begins and ends is left alone, sample by sample, at a gain of 1. A new gain is come to in a ramp.
"""

from __future__ import annotations

import math

import numpy as np

from bridge.ring_buffer import RingBuffer

RING_S = 1.0
RESUME_S = 0.1  # in the ring before anything sounds
FADE_S = 0.005
GAIN_RAMP_S = 0.05  # for a change of gain by 1
METER_S = 0.3
FLOOR_DB = -120.0


class Playout:
    """Between a feeder that writes to `ring` and a callback that calls `fill`."""

    def __init__(self, samplerate: int, channels: int, gain: float = 1.0):
        self.ring = RingBuffer(int(RING_S * samplerate), channels)
        self.final = False  # the ring holds a result's end: it may run empty
        self.stopping = False  # fade out, forget the rest
        self.start_at: float | None = None  # on the stream's clock, in seconds: the ring waits for this moment
        self.underruns = 0
        self._samplerate = samplerate
        self.gain = gain  # linear, set by the feeder
        self.meter = Meter(int(METER_S * samplerate))
        self._gain = gain  # as heard now
        self._gain_step = 1 / (GAIN_RAMP_S * samplerate)
        self._silent = True
        self._broken = False  # fell silent in the middle: fade in
        self._resume_frames = int(RESUME_S * samplerate)
        self._fade_frames = int(FADE_S * samplerate)

    def interrupted(self) -> None:
        """While nobody calls `fill`: it stopped in the middle and goes on with a fade, on a stream with another clock."""
        self._silent = self._broken = True
        self.start_at = None

    def fill(self, out: np.ndarray, host_underflow: bool, heard_at: float = 0.0) -> None:
        """`out`: float32 (frames, channels), heard from `heard_at` on (seconds, the stream's clock).

        `host_underflow`: the system says that it ran dry itself.
        """
        self._play(out, host_underflow, heard_at)
        self._amplify(out)
        self.meter.measure(out)

    def _play(self, out: np.ndarray, host_underflow: bool, heard_at: float) -> None:
        if self.start_at is not None and not self.stopping:
            wait = max(0, round((self.start_at - heard_at) * self._samplerate))
            out[:wait] = 0
            if wait >= len(out):
                return
            out, self.start_at = out[wait:], None
        ring, frames = self.ring, len(out)
        fade_in = self._silent and self._broken
        if self._silent:
            if self.stopping:
                ring.discard()
            if ring.readable < self._resume_frames and not (self.final and ring.readable):
                out.fill(0)
                return
        elif host_underflow:
            self.underruns += 1
        dry = ring.readable - frames < self._fade_frames and not self.final
        count = ring.read_into(out)
        out[count:] = 0
        if fade_in:
            _ramp(out[: self._fade_frames], 0, 1)
        if dry or self.stopping:
            _ramp(out[max(0, count - self._fade_frames) : count], 1, 0)
        if self.stopping:
            ring.discard()
        elif dry:
            self.underruns += 1
        self._broken = dry and not self.stopping
        self._silent = dry or self.stopping or count < frames

    def _amplify(self, out: np.ndarray) -> None:
        start, target = self._gain, self.gain
        if start != target:
            reach = self._gain_step * np.arange(1, len(out) + 1, dtype=np.float32)
            gains = start + np.clip(target - start, -reach, reach)
            out *= gains[:, None]
            self._gain = target if abs(target - start) <= reach[-1] else float(gains[-1])
        elif target != 1:
            out *= np.float32(target)


class Meter:
    """Levels of what was heard, over one interval after the other: anyone may read `peak_db` and `rms_db` at any time."""

    def __init__(self, interval_frames: int):
        self._interval_frames = interval_frames
        self.peak_db = self.rms_db = FLOOR_DB  # dBFS: 0 is full scale; a square wave of full scale has an RMS of 0
        self._start()

    def measure(self, out: np.ndarray) -> None:
        self._peak = max(self._peak, float(np.abs(out).max(initial=0)))
        self._energy += float(np.square(out, dtype=np.float64).mean(axis=1).sum())
        self._frames += len(out)
        if self._frames >= self._interval_frames:
            self.peak_db, self.rms_db = _decibels(self._peak), _decibels(math.sqrt(self._energy / self._frames))
            self._start()

    def _start(self) -> None:
        self._peak, self._energy, self._frames = 0.0, 0.0, 0


def _decibels(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * math.log10(max(amplitude, 1e-9)))


def _ramp(samples: np.ndarray, start: float, end: float) -> None:
    """Fades (frames, channels) in place."""
    samples *= np.linspace(start, end, len(samples), dtype=np.float32)[:, None]
