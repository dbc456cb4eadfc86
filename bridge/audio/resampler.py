"""Sample rates and channels of a result made those of a device, in chunks: the same samples as all at once."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray


class Resampler:
    """float32 (frames, any channels) at `samplerate` → (frames, `channels`) at `target` (both Hz); untouched where they agree.

    Other channels than the device's are all of them on each of its own.
    """

    def __init__(self, samplerate: int, target: int, channels: int):
        self._channels = channels
        self._stream = None if samplerate == target else soxr.ResampleStream(samplerate, target, channels, dtype="float32")

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        if samples.shape[1] != self._channels:
            samples = np.repeat(samples.mean(axis=1, keepdims=True), self._channels, axis=1)
        return samples if self._stream is None else self._stream.resample_chunk(np.ascontiguousarray(samples))

    def finish(self) -> NDArray[np.float32]:
        """What the filter still holds."""
        nothing = np.zeros((0, self._channels), np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)
