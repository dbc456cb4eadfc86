"""Fewer channels of more, and figures of each. Audio is float32 (frames, channels).

Channel by channel: along a last axis of two NumPy takes twenty to fifty times as long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len, rfft

from engine.arrays import Audio

_MINUS_3_DB = np.float32(0.5**0.5)
_LOST = 0.25  # of the power that unrelated channels keep in their mean: what is left with less has cancelled
_OF_ALL = 0.1  # of the power of all: a register that has less may cancel


def to_mono(audio: Audio) -> Audio:
    """The channels' mean [frames]; their strongest alone where they cancel each other, in a register that matters or in all:
    opposite polarity must not be silence.
    """
    mean = mean_over_channels(audio)
    if audio.shape[1] == 1 or not len(audio):
        return mean
    length = next_fast_len(len(audio), real=True)  # a prime number of frames takes ten times as long
    octaves = 2.0 ** np.arange(-11, -1)  # of the sample rate
    edges = np.unique(np.r_[1, np.round(octaves * length).astype(int)])
    spectra = np.stack([rfft(channel, length) for channel in audio.T])
    powers = np.stack([_power(spectrum, edges) for spectrum in spectra])
    expected = powers.sum(0) / len(powers) ** 2
    matters = expected > _OF_ALL * expected.sum()
    if not (matters & (_power(spectra.mean(0), edges) < _LOST * expected)).any():
        return mean
    return np.ascontiguousarray(audio[:, powers.sum(1).argmax()])


def mean_over_channels(audio: Audio) -> Audio:
    """The channels' mean at each frame: [frames]."""
    total = audio[:, 0].copy()
    for channel in audio.T[1:]:
        total += channel
    return total / np.float32(audio.shape[1])


def peak_over_channels(audio: Audio) -> Audio:
    """The greatest magnitude of all channels at each frame: [frames]."""
    peak = np.abs(audio[:, 0])
    for channel in audio.T[1:]:
        np.maximum(peak, np.abs(channel), out=peak)
    return peak


def dc_of(audio: Audio) -> Audio:
    """Mean of each channel, [channels]; of [frames] one number."""
    return np.array([channel.mean() for channel in audio.T] if audio.ndim == 2 else audio.mean(), np.float32)


def swing(audio: Audio) -> float:
    """From the lowest to the highest value of the channel in which they are farthest apart."""
    return max(float(np.ptp(channel)) for channel in audio.T)


def surround_to_stereo(audio: Audio, order: tuple[int, int, int, int, int]) -> Audio:
    """As ITU-R BS.775 mixes 5.1. order: where left, right, centre and both surrounds are; the LFE channel is left out."""
    left, right, centre, surround_left, surround_right = audio[:, order].T
    sides = (left + _MINUS_3_DB * (centre + surround_left), right + _MINUS_3_DB * (centre + surround_right))
    return np.stack(sides, axis=1)


def _power(spectrum: NDArray[np.complexfloating], edges: NDArray[np.intp]) -> NDArray[np.float64]:
    """In each register, from one of `edges` (bins) to the next. The first bin, which is no sound, is left out."""
    power = np.square(np.abs(spectrum), dtype=np.float64)
    return np.add.reduceat(power, np.minimum(edges, len(power) - 1))
