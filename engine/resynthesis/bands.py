"""Where a recording's spectrum ends, and what lies above: for super resolution that leaves the recording itself alone."""

from __future__ import annotations

import numpy as np
from scipy import signal

from engine.arrays import Audio

FULL_BAND_HZ = 20_000.0  # a recording that reaches so high lacks nothing that is audible
LEAST_EDGE_HZ = 3_000.0
CLIFF_DB = 30.0  # by which all above the edge lies below what is right under it
_BIN_HZ = 125.0
_FLOOR_DB = -110.0  # of the strongest bin
_TAPS = 511


def upper_edge(audio: Audio, samplerate: int, recorded_at: int) -> float:
    """The frequency in Hz where a recording ends: a cliff in its spectrum, else what its own sample rate could hold.

    audio: mono float32 [frames] at `samplerate`; recorded_at: the rate in Hz it came in.
    """
    limit = min(0.48 * recorded_at, 0.48 * samplerate)
    power = signal.welch(audio, samplerate, nperseg=min(len(audio), round(samplerate / _BIN_HZ)))[1]
    level = np.maximum(10 * np.log10(power / max(power.max(), 1e-30) + 1e-30), _FLOOR_DB)
    below, above = round(1_000 / _BIN_HZ), round(500 / _BIN_HZ)
    highest_above = np.maximum.accumulate(level[::-1])[::-1]
    for edge in range(round(LEAST_EDGE_HZ / _BIN_HZ), min(len(level) - above, round(limit / _BIN_HZ))):
        if level[edge - below : edge].mean() - highest_above[edge + above] > CLIFF_DB:
            return edge * _BIN_HZ
    return float(limit)


class HighPass:
    """A linear-phase high-pass for a stream, without delay: what comes out stands where it stood. (frames, channels)."""

    def __init__(self, edge_hz: float, samplerate: int, channels: int) -> None:
        self._taps = signal.firwin(_TAPS, edge_hz, pass_zero=False, fs=samplerate, window=("kaiser", 8.0))
        self._half = _TAPS // 2
        self._kept = np.zeros((self._half, channels), np.float32)  # before the stream there is silence

    def push(self, audio: Audio, *, last: bool) -> Audio:
        """The next filtered frames: as many as came in from the second call on, `_TAPS // 2` later; the rest with the last."""
        tail = np.zeros((self._half if last else 0, audio.shape[1]), np.float32)
        joined = np.concatenate([self._kept, audio, tail])
        self._kept = joined[max(0, len(joined) - (_TAPS - 1)) :]
        if len(joined) < _TAPS:
            return joined[:0]
        return np.asarray(signal.oaconvolve(joined, self._taps[:, None], mode="valid", axes=0), np.float32)


def band_db(audio: Audio, samplerate: int, low_hz: float, high_hz: float) -> float:
    """Level in dB of what mono audio [frames] has between two frequencies; -120 where there is nothing."""
    spectrum = np.abs(np.fft.rfft(audio.astype(np.float64)))
    frequencies = np.fft.rfftfreq(len(audio), 1 / samplerate)
    energy = float(np.square(spectrum[(frequencies >= low_hz) & (frequencies < high_hz)]).sum()) / max(len(audio), 1) ** 2
    return float(10 * np.log10(max(energy, 1e-12)))
