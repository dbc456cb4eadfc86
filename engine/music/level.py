"""How loud audio is, and a fade undone. float32 (frames, channels) or [frames] in, the same out."""

from __future__ import annotations

import numpy as np

from engine.arrays import FloatArray
from engine.music.channels import dc_of

FADE_STEP_S = 0.5  # in which a fade is followed
FADED_STEPS = 2  # that a fade lasts at least; what is shorter is a rest
FADED_DB = 24.0  # so far under the level of the whole has faded out what does so at its end
UNFADED_DB = 6.0  # and so far under it it is kept
MOST_UNFADED_DB = 40.0  # by which a fade is undone


def rms_db(audio: FloatArray) -> float:
    """Root mean square in dB full scale; -120 for silence."""
    return float(20 * np.log10(max(np.sqrt(np.mean(np.square(audio, dtype=np.float64))), 1e-6))) if audio.size else -120.0


def rms_db_without_dc(audio: FloatArray) -> float:
    """Root mean square in dB full scale without the mean of each channel (DC), which is no sound."""
    return rms_db(audio - dc_of(audio)) if len(audio) else -120.0


def without_fade(audio: FloatArray, samplerate: int) -> FloatArray:
    """What fades out at its end as if it sounded on; anything else is left alone."""
    size = round(FADE_STEP_S * samplerate)
    steps = len(audio) // size
    begin, kept_db = len(audio) - steps * size, rms_db_without_dc(audio) - UNFADED_DB
    missing = np.array([kept_db - rms_db_without_dc(step) for step in audio[begin:].reshape(steps, size, *audio.shape[1:])])
    fade = 1 + max(np.flatnonzero(missing <= 0), default=-1)  # its first step
    if steps - fade < FADED_STEPS or missing[-1] < FADED_DB - UNFADED_DB:
        return audio
    missing[:fade] = 0
    middles = begin + size * (np.arange(steps) + 0.5)
    gains_db = np.interp(np.arange(len(audio)), middles, np.minimum(missing, MOST_UNFADED_DB))
    gains: FloatArray = (10 ** (gains_db / 20)).astype(audio.dtype)
    whole: FloatArray = audio * gains.reshape(-1, *[1] * (audio.ndim - 1))
    return whole
