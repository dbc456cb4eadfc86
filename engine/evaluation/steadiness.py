"""Whether drums and level stay once they are there, or come and go within seconds. Mono [N] audio in, decibels out."""

from __future__ import annotations

import numpy as np

from engine.arrays import FloatArray
from engine.evaluation.measures import log_mel

WINDOW_S, STEP_S = 2.0, 0.1  # music rests for less than a window, a bar at 120 bpm, without having gone
RANGE_DB = 40.0  # what lies further below the loudest window is silence
RISE_S = 0.02  # within which a stroke rises
LEVEL_DB, STROKES_DB = 8.0, 12.0  # a change there and back that is heard as coming and going


def level_db(audio: FloatArray, samplerate: int) -> FloatArray:
    """RMS of each window."""
    return _windows(np.square(audio, dtype=np.float64), samplerate)


def strokes_db(audio: FloatArray, samplerate: int) -> FloatArray:
    """How much rises in each window, within RISE_S and over all bands: strokes of drums before all."""
    amplitude = 10 ** (log_mel(audio, samplerate, 40) / 20)
    rate = amplitude.shape[1] / (len(audio) / samplerate)
    frames = max(1, round(RISE_S * rate))
    rise = np.maximum(0, amplitude[:, frames:] - amplitude[:, :-frames])
    return _windows((rise**2).sum(0), rate)


def there_and_back_db(levels: FloatArray) -> float:
    """The greatest fall between two louder moments, or rise between two softer ones."""
    levels = np.maximum(levels, levels.max() - RANGE_DB)
    least, most = (f.accumulate(levels) for f in (np.minimum, np.maximum))
    least_after, most_after = (f.accumulate(levels[::-1])[::-1] for f in (np.minimum, np.maximum))
    return float(max((np.minimum(most, most_after) - levels).max(), (levels - np.maximum(least, least_after)).max()))


def _windows(power: FloatArray, rate: float) -> FloatArray:
    """Mean power of each window, in dB."""
    length, step = max(1, round(WINDOW_S * rate)), max(1, round(STEP_S * rate))
    total = np.cumsum(np.r_[0.0, power])
    starts = np.arange(0, max(1, len(power) - length + 1), step)
    return np.asarray(10 * np.log10((total[np.minimum(starts + length, len(power))] - total[starts]) / length + 1e-12))
