"""What the audio callback does: plays a ring, and never lets its gaps click.

`fill` is called in PortAudio's thread; it copies, fades where it must, and never waits or raises. Everything else belongs to
the thread that feeds the ring. What crosses between the two: the ring; `final`, `stopping` and `start_at`, set by the feeder;
`underruns`, counted by `fill`.

A ring that is about to run dry is faded out, counted, and faded in again once it has filled a little: nothing is skipped. A
result that simply begins and ends is left alone, sample by sample.
"""

from __future__ import annotations

import numpy as np

from bridge.ring_buffer import RingBuffer

RING_S = 1.0
RESUME_S = 0.1  # in the ring before anything sounds
FADE_S = 0.005


class Playout:
    """Between a feeder that writes to `ring` and a callback that calls `fill`."""

    def __init__(self, samplerate: int, channels: int):
        self.ring = RingBuffer(int(RING_S * samplerate), channels)
        self.final = False  # the ring holds a result's end: it may run empty
        self.stopping = False  # fade out, forget the rest
        self.start_at: float | None = None  # on the stream's clock, in seconds: the ring waits for this moment
        self.underruns = 0
        self._samplerate = samplerate
        self._silent = True
        self._broken = False  # fell silent in the middle: fade in
        self._resume_frames = int(RESUME_S * samplerate)
        self._fade_frames = int(FADE_S * samplerate)

    def fill(self, out: np.ndarray, host_underflow: bool, heard_at: float = 0.0) -> None:
        """`out`: float32 (frames, channels), heard from `heard_at` on (seconds, the stream's clock).

        `host_underflow`: the system says that it ran dry itself.
        """
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


def _ramp(samples: np.ndarray, start: float, end: float) -> None:
    """Fades (frames, channels) in place."""
    samples *= np.linspace(start, end, len(samples), dtype=np.float32)[:, None]
