"""Loudness by ITU-R BS.1770, measured while a stream goes by, and a gain that brings one to a target.

Audio is float32 (frames, channels) at a rate in Hz; loudness is in LUFS, -70 for silence. One channel counts as two that are
alike: it is played on both sides.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from engine.arrays import Audio

STEP_S, BLOCK_STEPS = 0.1, 4  # loudness is judged in blocks of 400 ms, one every 100 ms
SILENCE_LUFS = -70.0  # at which the standard's first gate opens
GATE_LU = 10.0  # so far under the mean of what passes it, a block does not count
OFFSET_LU = -0.691  # so that a full-scale sine at 997 Hz in one channel reads -3.01 LUFS

TARGET_LUFS = -14.0
SECTION_LU = {"intro": -1.5, "outro": -1.5, "chorus": 0.5}  # against the target: an intro is softer than what it leads to
USUAL_LUFS, USUAL_DRUMLESS_LUFS = -16.5, -20.0  # of what a model plays, as long as little of it was measured
USUAL_S = 1.0  # that what is usual counts for, against what was measured
BEGINNING_SHARE = 0.5  # by which the first chunk's own loudness moves what is expected of the whole
MOST_DB_S = 1.0  # at which the gain moves
MOST_LOOP_DB_S = 0.5  # in a piece that goes round: its end shall be as loud as its beginning
MOST_CAUGHT_UP_DB = 3.0  # beyond the gain that what was played asks for, so that the whole comes to the target
LEAST_REST_S = 4.0  # in which that is caught up: less would be a jump at the end
LOWEST_DB, HIGHEST_DB = -6.0, 14.0  # that it may be
MOST_LOST_DB = 3.0  # of what a limiter takes away that is made up for


class KWeighting:
    """The standard's filter in front of the meter: a shelf for the head, and a high-pass."""

    def __init__(self, samplerate: int, channels: int) -> None:
        self._stages = [_shelf(samplerate), _high_pass(samplerate)]
        self._states = [np.zeros((2, channels)) for _ in self._stages]

    def push(self, audio: Audio) -> NDArray[np.float64]:
        weighted: NDArray[np.float64] = audio.astype(np.float64)
        for index, (b, a) in enumerate(self._stages):
            weighted, self._states[index] = lfilter(b, a, weighted, axis=0, zi=self._states[index])
        return weighted


class LoudnessMeter:
    """Push a stream, ask for its loudness at any time."""

    def __init__(self, samplerate: int, channels: int) -> None:
        self._weighting = KWeighting(samplerate, channels)
        self._size = round(STEP_S * samplerate)
        self._rest: NDArray[np.float64] = np.zeros(0)  # weighted squares of a step that is not whole yet
        self.steps: list[float] = []  # mean square of each step, channels added up

    def push(self, audio: Audio) -> None:
        squares = np.square(self._weighting.push(audio)).sum(1) * (2 if audio.shape[1] == 1 else 1)
        squares = np.concatenate([self._rest, squares])
        whole = len(squares) // self._size
        self.steps += squares[: whole * self._size].reshape(whole, self._size).mean(1).tolist()
        self._rest = squares[whole * self._size :]

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness of all whole steps; of what there is when that is less than one block."""
        steps = np.array(self.steps) if self.steps else np.array([self._rest.mean() if len(self._rest) else 0.0])
        size = min(BLOCK_STEPS, len(steps))
        blocks = np.convolve(steps, np.full(size, 1 / size), "valid")
        blocks = blocks[blocks > _power(SILENCE_LUFS)]
        if not len(blocks):
            return SILENCE_LUFS
        return lufs(float(blocks[blocks > blocks.mean() * 10 ** (-GATE_LU / 10)].mean()))


class LoudnessGain:
    """Brings a stream to a target: by a gain chosen at the first piece, and moved so slowly that no one hears it move.

    Where it is known how long the stream is, what was too soft or too loud so far is made up for in what is left, so that the
    whole is at the target. So is what a limiter behind it takes away: hand it what comes out (`measure_output`).
    """

    def __init__(
        self, samplerate: int, channels: int, target_lufs: float = TARGET_LUFS, *, usual_lufs: float = USUAL_LUFS,
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        """usual_lufs: what is expected before anything is measured. seconds: of the whole; None for one that goes round."""
        self.target_lufs, self.gain_db, self._samplerate = target_lufs, 0.0, samplerate
        self._usual_lufs, self._seconds = usual_lufs, seconds
        self._most_db_s = MOST_LOOP_DB_S if seconds is None else MOST_DB_S
        self._before, self._between, self.after = (LoudnessMeter(samplerate, channels) for _ in range(3))
        self._expected_lufs: float | None = None

    def push(self, audio: Audio) -> Audio:
        """The next piece at its loudness: the gain goes in a straight line to where it is wanted, or as far as it may."""
        if not len(audio):
            return audio
        self._before.push(audio)
        begin_db = self.gain_db
        if self._expected_lufs is None:
            own = max(self._before.integrated_lufs, self._usual_lufs - 12)
            self._expected_lufs = self._usual_lufs + BEGINNING_SHARE * (own - self._usual_lufs)
            begin_db = self.gain_db = self._wanted(self._expected_lufs)
        most = self._most_db_s * len(audio) / self._samplerate
        self.gain_db += float(np.clip(self._wanted(self._expected_lufs) - self.gain_db, -most, most))
        gains_db = np.linspace(begin_db, self.gain_db, len(audio), endpoint=False)
        louder = audio * (10 ** (gains_db / 20)).astype(np.float32)[:, None]
        self._between.push(louder)
        return louder

    def measure_output(self, audio: Audio) -> None:
        """What came out in the end."""
        self.after.push(audio)

    def _wanted(self, expected_lufs: float) -> float:
        """Gain in dB: from what was measured so far, and from what is expected as long as that is little."""
        seconds = len(self._before.steps) * STEP_S
        own = max(self._before.integrated_lufs, expected_lufs - 12)
        mean = (expected_lufs * USUAL_S + own * seconds) / (USUAL_S + seconds)
        lost = 0.0
        if self.after.steps:
            lost = float(np.clip(self._between.integrated_lufs - self.after.integrated_lufs, 0, MOST_LOST_DB))
        return float(np.clip(self.target_lufs - mean + lost + self._behind_db(), LOWEST_DB, HIGHEST_DB))

    def _behind_db(self) -> float:
        """By how much what is left has to be louder than the target for the whole to be at it."""
        if self._seconds is None or not self.after.steps:
            return 0.0
        played_s = len(self.after.steps) * STEP_S
        left_s = max(LEAST_REST_S, self._seconds - played_s)
        missing = 1 - _power(self.after.integrated_lufs) / _power(self.target_lufs)  # of the target's power, each second
        wanted = 10 * math.log10(max(1e-3, 1 + missing * played_s / left_s))
        return float(np.clip(wanted, -MOST_CAUGHT_UP_DB, MOST_CAUGHT_UP_DB))


def lufs(power: float) -> float:
    """Of a weighted mean square."""
    return OFFSET_LU + 10 * math.log10(power) if power > 1e-12 else SILENCE_LUFS


def _power(loudness: float) -> float:
    return float(10 ** ((loudness - OFFSET_LU) / 10))


def _shelf(samplerate: int) -> tuple[list[float], list[float]]:
    """Raises what is above 1.7 kHz by 4 dB, at any rate as the standard's table does at 48 kHz."""
    k, q, high = math.tan(math.pi * 1681.974450955533 / samplerate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    b = [(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0]
    return b, [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]


def _high_pass(samplerate: int) -> tuple[list[float], list[float]]:
    """Takes away what is below 38 Hz."""
    k, q = math.tan(math.pi * 38.13547087602444 / samplerate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return [1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
