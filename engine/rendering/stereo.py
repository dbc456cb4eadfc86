"""Width for a model that plays in one channel: the middle stays as it is, the sides are a decorrelated shadow of it.

Left is middle plus side, right is middle minus side: their sum is the middle alone, so a mono system plays what the model played.
Bass and strokes (kick, snare, bass notes' beginnings) stay in the middle: the side is made of what lasts, from 200 Hz on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, oaconvolve, sosfilt

from engine.arrays import Audio
from engine.music.channels import dc_of

LOWEST_HZ, SPLIT_HZ = 200.0, 2_500.0
SIDE_DB = -9.5  # of the side against the middle, at full width, that a piece comes to
WIDEST_DB, MONO_DB = -6.0, -30.0  # beyond which it is no more, and not at all
SIDE_GAIN, MOST_GAIN = 0.75, 1.8  # of what lasts, in the beginning and at most
STEP_S, USUAL_S, MOST_DB_S = 0.1, 1.0, 3.0  # by which the side's level is judged; how soon it moves
BALANCE_S = 0.5  # over which left and right come to the same level
LENGTHS_S = (0.030, 0.016)  # of the noise that each is spread by: longer would be heard as a room
DENSITY_HZ = 2_000.0  # pulses a second
DECAY_DB = 20.0  # from a noise's beginning to its end
FAST_S, SLOW_S = 0.004, 0.250  # over which the level is taken: a stroke is where the one is above the other
STROKE_RATIO = 1.2  # of the levels, from which on it is one
SEED = 1770


class Widener:
    """Push mono [frames], get (frames, 2) of as many frames, at once."""

    def __init__(self, samplerate: int, width: float = 1.0) -> None:
        """width: 0 is mono on both sides, 1 as wide as records are."""
        self._width, self._level = width, _SideLevel(samplerate)
        self._balances = [_Balance(samplerate) for _ in LENGTHS_S]
        self._low_cut = butter(3, LOWEST_HZ, "highpass", fs=samplerate, output="sos")
        self._split = butter(2, SPLIT_HZ, "lowpass", fs=samplerate, output="sos")
        self._side_state = np.zeros((len(self._low_cut), 2))
        self._cut_state, self._split_state = np.zeros((len(self._low_cut), 2)), np.zeros((len(self._split), 2))
        self._strokes = [_Strokes(samplerate) for _ in LENGTHS_S]
        self._spreads = [_Spread(_velvet(length, samplerate, SEED + n)) for n, length in enumerate(LENGTHS_S)]

    def push(self, mono: Audio) -> Audio:
        if not len(mono):
            return np.zeros((0, 2), np.float32)
        cut, self._cut_state = sosfilt(self._low_cut, mono.astype(np.float64), zi=self._cut_state)
        low, self._split_state = sosfilt(self._split, cut, zi=self._split_state)
        side = np.zeros(len(mono))
        parts = zip((low, cut - low), self._strokes, self._spreads, self._balances, strict=True)
        for band, strokes, spread, balance in parts:
            lasting = band * strokes.lasting(band)
            side += balance.push(mono.astype(np.float64), lasting, spread.push(lasting))
        side, self._side_state = sosfilt(self._low_cut, side, zi=self._side_state)  # what a changing gain has let down again
        out = (self._width * self._level.push(mono, side)).astype(np.float32)
        return np.stack([mono + out, mono - out], axis=1)


def width_of(audio: Audio) -> float:
    """The width that comes to the side of a recording (frames, channels): 0 for mono and what is nearly so, and other than 2."""
    if audio.shape[1] != 2 or not len(audio):
        return 0.0
    left, right = (audio - dc_of(audio)).astype(np.float64).T
    middle, side = np.mean((left + right) ** 2), np.mean((left - right) ** 2)
    side_db = 10 * np.log10((side + 1e-12) / (middle + 1e-12))
    return 0.0 if side_db < MONO_DB else float(10 ** ((min(side_db, WIDEST_DB) - SIDE_DB) / 20))


class _Strokes:
    """Separates what lasts from what is struck, in one band."""

    def __init__(self, samplerate: int) -> None:
        self._poles = [float(np.exp(-1 / (seconds * samplerate))) for seconds in (FAST_S, SLOW_S)]
        self._states = [np.zeros(1), np.zeros(1)]

    def lasting(self, band: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of each frame that is no stroke: 1 where the level is steady or falls."""
        levels, power = [], np.square(band)
        for index, pole in enumerate(self._poles):
            level, self._states[index] = lfilter([1 - pole], [1.0, -pole], power, zi=self._states[index])
            levels.append(np.sqrt(level) + 1e-6)
        lasting: NDArray[np.float64] = np.minimum(1.0, STROKE_RATIO * levels[1] / levels[0]) ** 3
        return lasting


class _Spread:
    """A stream through a filter of finite length."""

    def __init__(self, taps: NDArray[np.float64]) -> None:
        self._taps, self._before = taps, np.zeros(len(taps) - 1)

    def push(self, stream: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = np.concatenate([self._before, stream])
        self._before = whole[len(whole) - len(self._before) :]
        spread: NDArray[np.float64] = oaconvolve(whole, self._taps, "valid")
        return spread


class _Balance:
    """Takes out of a side what it has of the middle: left and right would not be equally loud."""

    def __init__(self, samplerate: int) -> None:
        self._pole = float(np.exp(-1 / (BALANCE_S * samplerate)))
        self._common, self._power = np.zeros(1), np.zeros(1)

    def push(
        self, middle: NDArray[np.float64], lasting: NDArray[np.float64], side: NDArray[np.float64]
    ) -> NDArray[np.float64]:  # fmt: skip
        b, a = [1 - self._pole], [1.0, -self._pole]
        common, self._common = lfilter(b, a, middle * side, zi=self._common)
        power, self._power = lfilter(b, a, middle * lasting, zi=self._power)
        own: NDArray[np.float64] = side - lasting * np.clip(common / np.where(np.abs(power) < 1e-9, 1e-9, power), -0.7, 0.7)
        return own


class _SideLevel:
    """Brings a side, slowly, to its level against the middle, judged by all that went by."""

    def __init__(self, samplerate: int) -> None:
        self._size, self._most = round(STEP_S * samplerate), 10 ** (MOST_DB_S * STEP_S / 20)
        self._gains = (SIDE_GAIN, SIDE_GAIN)  # at the beginning and the end of the step that goes on
        self._powers: NDArray[np.float64] = np.zeros(2)  # of middle and side, summed up over whole steps
        self._rest: NDArray[np.float64] = np.zeros((0, 2))  # squares of the step that goes on

    def push(self, middle: Audio, side: NDArray[np.float64]) -> NDArray[np.float64]:
        """The next frames of a side with its gain, which is a straight line over each step."""
        passed = len(self._rest)
        squares = np.concatenate([self._rest, np.square(np.stack([middle.astype(np.float64), side], axis=1))])
        whole, corners = len(squares) // self._size, list(self._gains)
        for step in range(whole):
            self._powers = self._powers + squares[step * self._size : (step + 1) * self._size].sum(0)
            corners.append(float(np.clip(self._wanted(), corners[-1] / self._most, corners[-1] * self._most)))
        self._rest, self._gains = squares[whole * self._size :], (corners[-2], corners[-1])
        at = np.arange(passed, passed + len(side))
        return side * np.interp(at, np.arange(len(corners)) * self._size, corners)

    def _wanted(self) -> float:
        """The gain that all of the audio so far asks for; in the beginning it counts little."""
        middle, side = self._powers
        usual = USUAL_S / STEP_S * self._size * 0.01  # at a level of -20 dBFS
        target = 10 ** (SIDE_DB / 10)
        power = (target * (middle + usual)) / (side + target * usual / SIDE_GAIN**2)
        return float(min(np.sqrt(power), MOST_GAIN))


def _velvet(length_s: float, samplerate: int, seed: int) -> NDArray[np.float64]:
    """Sparse noise of single pulses of either sign, decaying, of energy 1: it spreads a sound in time and leaves its timbre.

    Its pulses stand at the same times at every rate.
    """
    count, rng = round(length_s * DENSITY_HZ), np.random.default_rng(seed)
    at = (np.arange(count) + rng.uniform(size=count)) / DENSITY_HZ
    heights = np.where(np.arange(count) % 2, 1.0, -1.0)[rng.permutation(count)] * 10 ** (-DECAY_DB / 20 * at / length_s)
    taps = np.zeros(round(length_s * samplerate))
    np.add.at(taps, np.minimum((at * samplerate).astype(int), len(taps) - 1), heights)
    return np.asarray(taps / np.sqrt(np.square(taps).sum()))
