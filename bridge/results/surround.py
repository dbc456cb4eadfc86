"""New audio of one or two channels in a file of more: each plays it as loud as it is beside it.

An engine makes mono from more than two channels, and stereo from 5.1 (ITU-R BS.775), where the left channels get the left, the
right ones the right, the centre both, and the LFE channel what of both is below 120 Hz. Audio is float32 (frames, channels).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EDGE_S = 0.02  # of the cross-fades at both ends
LFE_HZ = 120.0
_LEAST = 0.5  # of the level that the mean of unrelated channels has: what has less has cancelled
_MINUS_3_DB = np.float32(0.5**0.5)
# Where left, right, centre, LFE and both surrounds are in a file of six channels.
_LFE = 3
_ORDERS, _ORDER = {"OGG": (0, 2, 1, 5, 3, 4)}, (0, 1, 2, 3, 4, 5)

Audio = NDArray[np.float32]


def spread(new: Audio, beside: Audio, opening: Audio, closing: Audio, samplerate: int, file_format: str = "WAV") -> Audio:
    """new: (frames, 1 or 2). beside: of the file's channels, as what is around. opening, closing: what the file has at both ends
    of the new audio, from which and into which each channel cross-fades; none where it has none. file_format: libsndfile's name.
    Returns (frames, the file's channels).
    """
    order = _ORDERS.get(file_format, _ORDER) if beside.shape[1] == 6 and new.shape[1] == 2 else None
    parts, old = (_parts(audio, beside.shape[1], order, samplerate) for audio in (new, _mixed(beside, order)))
    own = list(beside.T)
    if order is not None:
        own[order[_LFE]] = _low(own[order[_LFE]], samplerate)
    out = np.stack([part * _gain(*levels) for part, *levels in zip(parts, own, old, strict=True)], axis=1)
    fade: Audio = np.linspace(0, 1, len(opening), dtype=np.float32)[:, None]
    out[: len(opening)] = opening + fade * (out[: len(opening)] - opening)
    fade = np.linspace(1, 0, len(closing), dtype=np.float32)[:, None]
    out[len(out) - len(closing) :] = closing + fade * (out[len(out) - len(closing) :] - closing)
    return out


def _mixed(beside: Audio, order: tuple[int, ...] | None) -> Audio:
    """As an engine mixes it: where channels cancel each other their strongest stands for all."""
    if order is None:
        mean, levels = beside.mean(1, keepdims=True), beside.std(0)
        cancels = mean.std() < _LEAST * np.sqrt(np.square(levels).sum()) / len(levels)
        return beside[:, [int(levels.argmax())]] if len(beside) and cancels else mean
    left, right, centre, _, surround_left, surround_right = beside[:, order].T
    sides = (left + _MINUS_3_DB * (centre + surround_left), right + _MINUS_3_DB * (centre + surround_right))
    return np.stack(sides, axis=1)


def _parts(mix: Audio, channels: int, order: tuple[int, ...] | None, samplerate: int) -> list[Audio]:
    """What each of a file's channels gets of a mix, at the level it has there."""
    if order is None:
        return [mix.mean(1)] * channels
    left, right = mix.T
    middle = mix.mean(1)
    parts = {0: left, 1: right, 2: middle, _LFE: _low(middle, samplerate), 4: left, 5: right}
    return [parts[order.index(channel)] for channel in range(channels)]


def _gain(own: Audio, mix: Audio) -> np.float32:
    """From the mix to a channel's own level."""
    return np.float32(own.std() / max(float(mix.std()), 1e-9)) if len(own) else np.float32(1)


def _low(audio: Audio, samplerate: int) -> Audio:
    spectrum = np.fft.rfft(audio)
    hz = np.fft.rfftfreq(len(audio), 1 / samplerate) if len(audio) else np.zeros(1)
    spectrum *= 1 / (1 + (hz / LFE_HZ) ** 8)
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)
