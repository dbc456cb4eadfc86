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
from numpy.typing import NDArray

from bridge.audio.ring_buffer import RingBuffer

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
        self.start_every_s = 0.0  # until it comes again, where the ring is not ready then; 0: it need not
        self.missed = 0  # such moments, counted by `fill`
        self.underruns = 0
        self._samplerate = samplerate
        self.gain = gain  # linear, set by the feeder
        self.meter = Meter(int(METER_S * samplerate))
        self._gain = gain  # as it is now
        self._gain_step = 1 / (GAIN_RAMP_S * samplerate)
        self._silent = True
        self._broken = False  # fell silent in the middle: fade in
        self._falling = False  # fading out
        self._level = 0  # of the fade, up to _fade_frames
        self._resume_frames = int(RESUME_S * samplerate)
        self._fade_frames = int(FADE_S * samplerate)

    def interrupted(self) -> None:
        """What is written next goes on from the middle of a result: it fades in."""
        self._broken = True

    def fill(self, out: NDArray[np.float32], host_underflow: bool, plays_at: float = 0.0) -> None:
        """`out`: float32 (frames, channels), played from `plays_at` on (seconds, the stream's clock).

        `host_underflow`: the system says that it ran dry itself.
        """
        self._play(out, host_underflow, plays_at)
        self._amplify(out)
        self.meter.measure(out)

    def _play(self, out: NDArray[np.float32], host_underflow: bool, plays_at: float) -> None:
        if self.start_at is not None and not self.stopping:
            wait = self._wait(self.start_at, len(out), plays_at)
            out[:wait] = 0
            if wait >= len(out):
                return
            out, self.start_at = out[wait:], None
        ring, frames = self.ring, len(out)
        if self._silent:
            if self.stopping:
                ring.discard()
            if not self._is_ready(frames):
                out.fill(0)
                return
            self._silent = False
            self._level = 0 if self._broken else self._fade_frames
        elif host_underflow:
            self.underruns += 1
        dry = ring.readable - frames < self._fade_frames and not self.final
        if not self._falling and (dry or self.stopping):
            self._falling = True
            self.underruns += not self.stopping
        count = ring.read_into(out[: self._level] if self._falling else out)
        out[count:] = 0
        self._fade(out[:count])
        if count < frames:
            if self.stopping:
                ring.discard()
            self._broken = self._falling and not self.stopping
            self._silent, self._falling = True, False

    def _wait(self, start_at: float, frames: int, plays_at: float) -> int:
        """Frames until it begins. What is more than a block late, or not ready in the block that it is due in, waits for the next
        time that it may begin.
        """
        wait = round((start_at - plays_at) * self._samplerate)
        if self.start_every_s and (wait < -frames or (wait < frames and not self._is_ready(frames))):
            block_ends = plays_at + frames / self._samplerate
            times = max(1, math.ceil((block_ends - start_at) / self.start_every_s))
            self.start_at = start_at + times * self.start_every_s
            self.missed += times
            wait = round((self.start_at - plays_at) * self._samplerate)
        return max(0, wait)

    def _is_ready(self, frames: int) -> bool:
        """The ring holds enough to begin with, or all that there is."""
        enough = self.ring.readable >= max(self._resume_frames, frames + self._fade_frames)
        return enough or (self.final and self.ring.readable > 0)

    def _fade(self, samples: NDArray[np.float32]) -> None:
        """Towards silence or full level, from block to block."""
        direction = -1 if self._falling else 1
        if self._level < self._fade_frames or self._falling:
            levels = self._level + direction * np.arange(len(samples) + 1, dtype=np.float32)
            levels = levels.clip(0, self._fade_frames)
            samples *= levels[:-1, None] / self._fade_frames
            self._level = int(levels[-1])

    def _amplify(self, out: NDArray[np.float32]) -> None:
        start, target = self._gain, self.gain
        if start != target:
            reach = self._gain_step * np.arange(1, len(out) + 1, dtype=np.float32)
            gains = start + np.clip(target - start, -reach, reach)
            out *= gains[:, None]
            self._gain = target if abs(target - start) <= reach[-1] else float(gains[-1])
        elif target != 1:
            out *= np.float32(target)


class Meter:
    """Levels of what was played, over one interval after the other: anyone may read `peak_db` and `rms_db` at any time."""

    def __init__(self, interval_frames: int):
        self._interval_frames = interval_frames
        self.peak_db = self.rms_db = FLOOR_DB  # dBFS: 0 is full scale; a square wave of full scale has an RMS of 0
        self._peak, self._energy, self._frames = 0.0, 0.0, 0

    def measure(self, out: NDArray[np.float32]) -> None:
        self._peak = max(self._peak, float(np.abs(out).max(initial=0)))
        self._energy += float(np.square(out, dtype=np.float64).mean(axis=1).sum())
        self._frames += len(out)
        if self._frames >= self._interval_frames:
            self.peak_db, self.rms_db = _decibels(self._peak), _decibels(math.sqrt(self._energy / self._frames))
            self._peak, self._energy, self._frames = 0.0, 0.0, 0


def _decibels(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * math.log10(max(amplitude, 1e-9)))
