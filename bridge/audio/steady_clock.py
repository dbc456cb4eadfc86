"""When blocks of a stream are played, from what the system says of each.

It says so with a jitter of up to a block: PortAudio on JACK, for one, takes the moment at which the callback runs for that at
which its cycle began. But a stream's blocks follow each other without a gap, so their places are known to the sample: what the
system says only moves the whole, slowly.
"""

from __future__ import annotations

_SETTLED = 32  # blocks, of which the mean is taken at first
_ELSEWHERE_S = 0.1  # from where it is expected: the stream was held up


class SteadyClock:
    """Asked once a block, in the callback's thread."""

    def __init__(self, samplerate: int):
        self._samplerate = samplerate
        self._next: float | None = None  # when the next block is played
        self._blocks = 0

    def plays_at(self, said: float, frames: int) -> float:
        """When this block of so many frames is played, in seconds of the stream's clock; `said`: by the system."""
        if self._next is None or abs(said - self._next) > _ELSEWHERE_S:
            self._next, self._blocks = said, 0
        self._blocks = min(self._blocks + 1, _SETTLED)
        now = self._next + (said - self._next) / self._blocks
        self._next = now + frames / self._samplerate
        return now
