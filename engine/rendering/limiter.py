"""A limiter that keeps true peaks under a ceiling: it sees them come, and where none does, it changes nothing.

True peaks are those of the waveform between the samples, found at four times the rate (ITU-R BS.1770, annex 2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d
from scipy.signal import upfirdn

from engine.arrays import Audio
from engine.music.channels import peak_over_channels

CEILING_DB = -1.0  # dBTP
MARGIN_DB = 0.3  # that four times the rate may miss of a peak
OVERSAMPLING, HALF_TAPS = 4, 16  # frames on either side that a value between two samples is made of
AHEAD_S = 0.002  # in which the gain goes down, before the peak
SEARCHED = 12  # of 200 blocks, in which a true peak is looked for
_EDGE = 2 * HALF_TAPS * OVERSAMPLING  # of a filtered piece, that depends on what is outside of it
RELEASE_DB_S = 70.0  # at which it comes back


class TruePeakLimiter:
    """Push a stream; what comes out is `delay` frames behind, and with `last` all of it is out.

    The gain falls in a straight line (in dB) before a peak, holds, and rises slowly, alike in all channels and however the
    stream is cut. A stream that stays under the ceiling comes out bit for bit.
    """

    def __init__(self, samplerate: int, channels: int, ceiling_db: float = CEILING_DB) -> None:
        self._ceiling = 10 ** ((ceiling_db - MARGIN_DB) / 20)
        self._ahead = max(1, round(AHEAD_S * samplerate))
        self.delay = self._ahead - 1 + HALF_TAPS
        self._release_db = RELEASE_DB_S / samplerate  # a frame
        self._held: Audio = np.zeros((0, channels), np.float32)  # audio that is not out
        self._around: Audio = np.zeros((2 * HALF_TAPS, channels), np.float32)  # what the next peaks depend on
        self._asked_db = np.zeros(self._ahead - 1)  # gains that the last frames need
        self._released_db = np.zeros(self._ahead - 1)
        self._skipped = 0  # frames of the filter's beginning that are taken off

    def push(self, audio: Audio, *, last: bool = False) -> Audio:
        if last:
            audio = np.concatenate([audio, np.zeros((self.delay, audio.shape[1]), np.float32)])
        self._held = np.concatenate([self._held, audio])
        gains_db = self._gains_db(audio)
        # The first gains belong to frames before the first.
        early = min(self.delay - self._skipped, len(gains_db))
        gains_db, self._skipped = gains_db[early:], self._skipped + early
        out, self._held = self._held[: len(gains_db)], self._held[len(gains_db) :]
        if not gains_db.any():
            return out
        return out * (10 ** (gains_db / 20)).astype(np.float32)[:, None]

    def _gains_db(self, audio: Audio) -> NDArray[np.float64]:
        """One for each frame pushed, for the frame `delay` before it."""
        if not len(audio):
            return np.zeros(0)
        asked = np.concatenate([self._asked_db, -20 * np.log10(np.maximum(self._peaks(audio) / self._ceiling, 1.0))])
        lowest = minimum_filter1d(asked, self._ahead, origin=(self._ahead - 1) // 2)[self._ahead - 1 :]
        # Each value at most `release` above the one before: the least of all earlier ones, each raised by what has passed since.
        ramp = self._release_db * np.arange(len(lowest) + 1)
        risen = np.minimum.accumulate(np.concatenate([self._released_db[-1:], lowest]) - ramp) + ramp
        released = np.concatenate([self._released_db, np.minimum(risen[1:], 0.0)])
        self._asked_db, self._released_db = asked[len(asked) - self._ahead + 1 :], released[len(released) - self._ahead + 1 :]
        if not released.any():
            return np.zeros(len(audio))
        means = np.convolve(released, np.full(self._ahead, 1 / self._ahead), "valid")
        return np.where(means > -1e-9, 0.0, means)

    def _peaks(self, audio: Audio) -> NDArray[np.float64]:
        """The highest of all channels at each frame and between it and the next, HALF_TAPS frames ago."""
        around = np.concatenate([self._around, audio])
        self._around = around[-2 * HALF_TAPS :]
        dense = upfirdn(_taps(), around, up=OVERSAMPLING, axis=0)
        first = OVERSAMPLING * 2 * HALF_TAPS
        dense = peak_over_channels(dense[first : first + OVERSAMPLING * len(audio)])
        return np.maximum.reduceat(dense, np.arange(0, len(dense), OVERSAMPLING)).astype(np.float64)


def true_peak_db(audio: Audio) -> float:
    """Of audio (frames, channels), in dBTP; -120 for silence. Looked for around the highest samples only."""
    if not len(audio):
        return -120.0
    size = max(64, len(audio) // 200)
    blocks = np.maximum.reduceat(peak_over_channels(audio), np.arange(0, len(audio), size))
    padded = np.pad(audio, ((2 * HALF_TAPS, 2 * HALF_TAPS), (0, 0)))
    peak = 0.0
    for block in np.argsort(blocks)[-SEARCHED:]:
        around = padded[block * size : (block + 1) * size + 4 * HALF_TAPS]
        peak = max(peak, float(np.abs(upfirdn(_taps(), around, up=OVERSAMPLING, axis=0)[_EDGE:-_EDGE]).max()))
    return float(20 * np.log10(max(peak, 1e-6)))


def _taps() -> NDArray[np.float32]:
    """Of the filter between the samples, which begins and ends between two."""
    at = np.arange(-HALF_TAPS * OVERSAMPLING, HALF_TAPS * OVERSAMPLING + 1) / OVERSAMPLING
    return (np.sinc(at) * np.kaiser(len(at), 8.0)).astype(np.float32)
