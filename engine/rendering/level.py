"""Gains and ends: float32 (frames, channels) or [frames] in, the same out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.arrays import Audio
from engine.music.level import rms_db

KNEE = 0.85
MEMORY_S = 1.5  # that a Leveller judges the level by
# At which it moves, at most. Down is sooner than up: what swells after a quiet beginning would be far too loud for seconds.
RISE_DB_S, FALL_DB_S = 4.0, 12.0
REACH_DB = 20.0  # from where it began, at most
PAUSE_DB = 24.0  # so far under its target a stream pauses, and is left alone


class Leveller:
    """Brings a stream to a level, so slowly that bars keep their dynamics."""

    def __init__(self, target_db: float, gain_db: float, before: Audio, samplerate: int) -> None:
        """gain_db: where it begins. before: what came before it, mono [frames], at the stream's own level."""
        self.target_db, self.begun_db, self.gain_db, self.samplerate = target_db, gain_db, gain_db, samplerate
        self.power = float(np.mean(np.square(before, dtype=np.float64)))

    def gains(self, audio: Audio) -> NDArray[np.float32]:
        """Linear gain of each frame of the next piece of the stream, mono [frames]."""
        seconds = len(audio) / self.samplerate
        if rms_db(audio) + self.gain_db < self.target_db - PAUSE_DB:
            return np.full(len(audio), 10 ** (self.gain_db / 20), np.float32)
        self.power += (float(np.mean(np.square(audio, dtype=np.float64))) - self.power) * (1 - np.exp(-seconds / MEMORY_S))
        wanted = np.clip(self.target_db - 10 * np.log10(self.power + 1e-12), self.begun_db - REACH_DB, self.begun_db + REACH_DB)
        passed_s = np.arange(len(audio) + 1) / self.samplerate
        gains_db = self.gain_db + np.clip(wanted - self.gain_db, -FALL_DB_S * passed_s, RISE_DB_S * passed_s)
        self.gain_db = float(gains_db[-1])
        gains: NDArray[np.float32] = (10 ** (gains_db[:-1] / 20)).astype(np.float32)
        return gains


def soft_limit(audio: Audio) -> Audio:
    """Bends what lies above 0.85 of full scale so that nothing reaches 1; below, nothing changes. Works sample by sample."""
    over = np.abs(audio) > KNEE
    if not over.any():
        return audio
    bent = audio.copy()
    bent[over] = np.sign(audio[over]) * (KNEE + (1 - KNEE) * np.tanh((np.abs(audio[over]) - KNEE) / (1 - KNEE)) * 0.98)
    return bent


def fade_out(audio: Audio, samplerate: int, seconds: float) -> Audio:
    """Linear fade of the last `seconds` to zero, over the whole when that is shorter. Time runs along axis 0."""
    n = min(int(samplerate * seconds), len(audio))
    if n == 0:
        return audio
    faded = audio.copy()
    ramp = np.linspace(1, 0, n, dtype=audio.dtype)
    faded[-n:] *= ramp.reshape(-1, *[1] * (audio.ndim - 1))
    return faded


def decay(audio: Audio, before: int, frames: int) -> Audio:
    """Audio (frames, channels) of a piece that goes on for `before` frames more, and dies away in the last `frames` of it."""
    left = before + len(audio) - 1 - np.arange(len(audio))
    gain: NDArray[np.float32] = (np.clip(left / max(1, frames), 0, 1) ** 2).astype(audio.dtype)
    decayed: Audio = audio * gain[:, None]
    return decayed


def crossfade(old: Audio, new: Audio) -> Audio:
    """From `old` to `new` over their whole (equal) length, at constant power. (frames, channels) both."""
    assert old.shape == new.shape, f"{old.shape} and {new.shape} must be equal"
    angle = np.linspace(0, np.pi / 2, len(old), dtype=np.float32)[:, None]
    mixed: Audio = old * np.cos(angle) + new * np.sin(angle)
    return mixed
