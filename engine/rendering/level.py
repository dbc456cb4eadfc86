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
# Beyond its reach: what a limiter behind it takes away, and what was too soft so far, made up for in what is left.
MOST_LOST_DB, MOST_CAUGHT_UP_DB, LEAST_REST_S = 3.0, 3.0, 4.0


class Leveller:
    """Brings a stream to a level, so slowly that bars keep their dynamics.

    Where it is known how long the stream is, what was too soft so far is made up for in what is left. So is what a limiter behind
    it takes away (`measure_limited`).
    """

    def __init__(
        self, target_db: float, gain_db: float, before: Audio, samplerate: int, *, seconds: float | None = None,
        most_caught_up_db: float = MOST_CAUGHT_UP_DB,
    ) -> None:  # fmt: skip
        """gain_db: where it begins. before: what came before it, mono [frames], at the stream's own level. seconds: of the whole
        stream; None for one that goes round, whose end shall be as loud as its beginning.
        """
        self.target_db, self.begun_db, self.gain_db, self.samplerate = target_db, gain_db, gain_db, samplerate
        self.power = float(np.mean(np.square(before, dtype=np.float64)))
        self._seconds, self._most_caught_up_db = seconds, most_caught_up_db
        self._given = self._played = (0.0, 0.0)  # seconds and energy of what it gave, and of what was played in its place
        self._limited = (0.0, 0.0)  # energy before and behind the limiter

    def gains(self, audio: Audio) -> NDArray[np.float32]:
        """Linear gain of each frame of the next piece of the stream, mono [frames]."""
        seconds, gain_db = len(audio) / self.samplerate, self.gain_db
        if rms_db(audio) + gain_db < self.target_db - PAUSE_DB:
            gains: NDArray[np.float32] = np.full(len(audio), 10 ** (gain_db / 20), np.float32)
        else:
            self.power += (_energy(audio) / len(audio) - self.power) * (1 - np.exp(-seconds / MEMORY_S))
            near_db = self.target_db - 10 * np.log10(self.power + 1e-12)
            wanted = np.clip(near_db, self.begun_db - REACH_DB, self.begun_db + REACH_DB) + self._lost_db + self.behind_db
            passed_s = np.arange(len(audio) + 1) / self.samplerate
            gains_db = gain_db + np.clip(wanted - gain_db, -FALL_DB_S * passed_s, RISE_DB_S * passed_s)
            self.gain_db = float(gains_db[-1])
            gains = (10 ** (gains_db[:-1] / 20)).astype(np.float32)
        self._given = (self._given[0] + seconds, self._given[1] + _energy(audio * gains) / self.samplerate)
        return gains

    def measure_limited(self, before: Audio, behind: Audio) -> None:
        """What went into a limiter behind it and what came out, (frames, channels) both."""
        self._limited = (self._limited[0] + _energy(before), self._limited[1] + _energy(behind))

    def measure_played(self, audio: Audio, samplerate: int, apart_db: float) -> None:
        """What is played in the stream's place, (frames, channels): `apart_db` above the target is where it should be."""
        energy = _energy(audio) / audio.shape[1] / samplerate * 10 ** (-apart_db / 10)
        self._played = (self._played[0] + len(audio) / samplerate, self._played[1] + energy)

    @property
    def behind_db(self) -> float:
        """By how much what is left has to be above the target for the whole to be at it, 0 at least."""
        seconds, energy = self._played if self._played[0] else self._given
        if self._seconds is None or not seconds:
            return 0.0
        share = energy / seconds * 10 ** ((-self._lost_db - self.target_db) / 10)  # of the target's power
        wanted = 1 + (1 - share) * seconds / max(LEAST_REST_S, self._seconds - seconds)
        return float(np.clip(10 * np.log10(max(1.0, wanted)), 0, self._most_caught_up_db))

    @property
    def _lost_db(self) -> float:
        before, behind = self._limited
        return float(np.clip(10 * np.log10((before + 1e-12) / (behind + 1e-12)), 0, MOST_LOST_DB))


def _energy(audio: Audio) -> float:
    """Sum of squares."""
    return float(np.square(audio, dtype=np.float64).sum())


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
