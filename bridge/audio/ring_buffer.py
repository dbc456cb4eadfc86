"""A ring of audio frames between one producer and one consumer, without locks.

Contract:
- One thread writes, one other thread reads; each may be a real-time audio callback.
- Memory is allocated once, in the constructor. `write` and `read_into` copy and return; they never wait, allocate or raise.
- `_written` is changed by the producer only, `_read` by the consumer only; both only grow. Each side may see the other's
  count late, never early: the producer then sees too little room, the consumer too little audio, and neither harms.
- A count moves after its frames have been copied. (CPython's interpreter lock makes the order visible to the other thread.)
- Overruns and underruns are the callers' to count: `write` and `read_into` say how many frames they moved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class RingBuffer:
    """`capacity` frames of `channels` float32 samples."""

    def __init__(self, capacity: int, channels: int):
        self._frames = np.zeros((capacity, channels), np.float32)
        self._written = 0
        self._read = 0

    @property
    def capacity(self) -> int:
        return len(self._frames)

    @property
    def readable(self) -> int:
        return self._written - self._read

    @property
    def frames_read(self) -> int:
        """All there ever were, discarded ones too."""
        return self._read

    @property
    def writable(self) -> int:
        return self.capacity - self.readable

    def write(self, samples: NDArray[np.float32]) -> int:
        """Producer: takes as much of `samples` (frames, channels) as fits. Returns the number of frames taken."""
        count = min(len(samples), self.writable)
        start = self._written % self.capacity
        first = min(count, self.capacity - start)
        self._frames[start : start + first] = samples[:first]
        self._frames[: count - first] = samples[first:count]
        self._written += count
        return count

    def read_into(self, out: NDArray[np.float32]) -> int:
        """Consumer: fills `out` (frames, channels) from its front as far as there is audio. Returns the number of frames."""
        count = min(len(out), self.readable)
        start = self._read % self.capacity
        first = min(count, self.capacity - start)
        out[:first] = self._frames[start : start + first]
        out[first:count] = self._frames[: count - first]
        self._read += count
        return count

    def discard(self) -> None:
        """Consumer: forgets what is readable now."""
        self._read = self._written
