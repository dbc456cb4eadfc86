"""How well music keeps a grid: its tempo and how late its beats are, each with its certainty. Mono float32 [frames]."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.arrays import Audio
from engine.music.grid import Grid

HOP_S, WINDOW_S = 0.0025, 0.0225
BANDS = 24
ANALYSED_S = 30.0  # of a long result: its tempo does not change
LEAST_S = 2.0
TEMPO_SPAN = 0.03  # about the asked tempo, in which the measured one is looked for
WEIGHTS = (1.0, 0.5, 0.25)  # of onsets on a beat, on its half, on its quarters
DOWNBEAT = 2.0  # times as much as another beat counts the first of a bar
NEAR_S = 0.06  # of a place in the grid: an onset further away does not belong to it
# Half a window that an attack is seen before it comes, less what instruments take to speak: by the median of the corpus', whose
# notes are on the grid exactly. A click, which takes no time, is so 8 ms early.
LAG_S = -0.0005
SURE = 3.0  # times its likely error must a drift be to be one
ELSEWHERE, OTHERWISE = 1.35, 1.7  # by so much clearer must beats be elsewhere, or at another tempo, than on the asked grid

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class GridCheck:
    """bpm: quarter notes a minute. late_s: the beats against the asked grid, negative where early. confidence: 0 to 1, how much
    of what begins, begins on the grid that was measured; 0.5 and more is a beat that a listener would tap to.
    """

    bpm: float
    late_s: float
    confidence: float


def check_grid(audio: Audio, samplerate: int, grid: Grid) -> GridCheck | None:
    """`grid`: where the first sample is to be. None for what has no onsets, or is shorter than 2 s or two beats."""
    audio = audio[: round(ANALYSED_S * samplerate)]
    seconds, beat_s = len(audio) / samplerate, 60 / grid.bpm
    if seconds < max(LEAST_S, 2 * beat_s):
        return None
    flux = _onsets(audio, samplerate)
    if flux.max(initial=0) <= 0:
        return None
    grid = _at_its_tempo(flux, grid, seconds)
    home_s = min(NEAR_S, beat_s / 5)  # nearer than the next quarter of a beat
    # Half a beat away are off-beats: where they are the loudest, as in house, the music is on its grid all the same.
    steps = _steps(beat_s / 2 - home_s)
    curve = _along(flux, grid, seconds, steps)
    at_home = np.abs(steps) * HOP_S <= home_s
    best = int(np.argmax(curve))
    if not at_home[best] and curve[best] < ELSEWHERE * curve[at_home].max():
        best = int(np.flatnonzero(at_home)[np.argmax(curve[at_home])])
    late_s = float(_peak(curve, best) + steps[0]) * HOP_S
    bpm, late_s = _fitted(flux, grid, seconds, late_s)
    return GridCheck(bpm, late_s, _confidence(flux, grid, seconds, late_s))


def _at_its_tempo(flux: Curve, grid: Grid, seconds: float) -> Grid:
    """The grid, at another tempo where the onsets are much clearer at that."""
    steps = _steps(30 / grid.bpm)
    count = int(np.ceil(TEMPO_SPAN * seconds / NEAR_S * 4))
    tempi = grid.bpm * (1 + TEMPO_SPAN * np.arange(-count, count + 1) / count)
    clear = [float(_along(flux, replace(grid, bpm=bpm), seconds, steps).max()) for bpm in tempi]
    best = int(np.argmax(clear))
    return replace(grid, bpm=float(tempi[best])) if clear[best] > OTHERWISE * clear[count] else grid


def _steps(span_s: float) -> NDArray[np.int64]:
    """Hops by which a grid is moved, so far at most either way."""
    return np.arange(-round(span_s / HOP_S), round(span_s / HOP_S) + 1)


def _onsets(audio: Audio, samplerate: int) -> Curve:
    """How much louder the spectrum gets, every HOP_S from 0 on: [n], slow changes and noise removed."""
    hop, size = HOP_S * samplerate, round(WINDOW_S * samplerate)
    count = int(len(audio) / hop)
    padded = np.pad(audio, (size, size))
    starts = np.round(np.arange(count) * hop).astype(int) + size - size // 2
    power = np.empty((count, BANDS))
    for first in range(0, count, 4096):
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[starts[first : first + 4096]]
        power[first : first + 4096] = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) @ _bands(size // 2 + 1)
    level = np.log1p(20 * power / max(power.mean(), 1e-9))
    flux = np.zeros(count)
    ahead = 4  # hops: as long as an attack takes
    flux[ahead // 2 : count - ahead // 2] = np.maximum(0, level[ahead:] - level[:-ahead]).mean(1)
    flux = ndimage.gaussian_filter1d(flux, 1.0)
    usual = ndimage.median_filter(flux, round(0.25 / HOP_S))
    return np.asarray(np.maximum(0.0, flux - usual - 0.1 * flux.std()))


@lru_cache
def _bands(bins: int) -> NDArray[np.float64]:
    """[bins, BANDS], each bin in one."""
    edges = np.unique(np.geomspace(1, bins, BANDS + 1).round().astype(int))
    weights = np.zeros((bins, BANDS))
    for band, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
        weights[low:high, band] = 1 / (high - low)
    return weights


def _places(grid: Grid, seconds: float) -> tuple[Curve, Curve]:
    """Times of the grid's quarter beats inside the audio, and how much each counts."""
    beats_per_s = grid.bpm / 60
    first = int(np.ceil(4 * grid.beat))
    number = np.arange(first, int(np.floor(4 * (grid.beat + seconds * beats_per_s))) + 1)
    weight = np.choose(np.abs(number) % 4, [WEIGHTS[0], WEIGHTS[2], WEIGHTS[1], WEIGHTS[2]]).astype(float)
    weight[number % round(4 * grid.beats_per_bar) == 0] *= DOWNBEAT
    return (number / 4 - grid.beat) / beats_per_s, weight


def _along(flux: Curve, grid: Grid, seconds: float, steps: NDArray[np.int64]) -> Curve:
    """How clear onsets are on the grid when it is moved by so many hops: [steps]."""
    times, weight = _places(grid, seconds)
    room = len(flux) + len(steps)  # on either side: nothing sounds there
    padded = np.pad(ndimage.gaussian_filter1d(flux, 1.5), room)
    at = np.round((times - LAG_S) / HOP_S).astype(int) + room
    return np.asarray(padded[steps[:, None] + at] @ weight)


def _peak(curve: Curve, at: int) -> float:
    """Its place between the steps."""
    if not 0 < at < len(curve) - 1:
        return float(at)
    low, here, high = curve[at - 1 : at + 2]
    bend = low - 2 * here + high
    return at + (0.5 * (low - high) / bend if bend < 0 else 0.0)


def _fitted(flux: Curve, grid: Grid, seconds: float, late_s: float) -> tuple[float, float]:
    """Tempo and lateness by a straight line through the onsets that are near the grid."""
    times, weight = _places(grid, seconds)
    near = min(NEAR_S, 60 / grid.bpm / 8)
    reach = _steps(near)
    at = (times + late_s - LAG_S) / HOP_S
    around = np.interp(at[:, None] + reach, np.arange(len(flux)), flux, left=0, right=0)
    strength = around.max(1)
    found = np.array([_peak(row, int(row.argmax())) for row in around]) + reach[0]
    weight = weight * strength
    keep = strength > 0.15 * strength.max(initial=0)
    if keep.sum() < 3:
        return grid.bpm, late_s
    offset, time, weight = found[keep] * HOP_S, times[keep], weight[keep]
    order = np.argsort(offset)
    middle = offset[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)]  # weighted median
    close = np.abs(offset - middle) < 0.025
    mean = float(np.average(offset[close], weights=weight[close]))
    return grid.bpm / (1 + _drift(time[close], offset[close], weight[close])), late_s + mean


def _drift(time: Curve, offset: Curve, weight: Curve) -> float:
    """By how much later each second is than the one before; 0 where the onsets scatter too much to say."""
    if len(time) < 6 or np.ptp(time) < 2 * LEAST_S:
        return 0.0
    share = weight / weight.sum()
    from_middle = time - time @ share
    spread = float(from_middle**2 @ share)
    slope = float((from_middle * offset) @ share / spread)
    left = offset - offset @ share - slope * from_middle
    error = float(np.sqrt((left**2) @ share / spread * (share @ share)))
    return float(np.clip(slope, -TEMPO_SPAN, TEMPO_SPAN)) if abs(slope) > SURE * error else 0.0


def _confidence(flux: Curve, grid: Grid, seconds: float, late_s: float) -> float:
    """Of the onsets' strength the share that is on quarter beats, beyond what scattered ones would have there."""
    quarter_s = 15 / grid.bpm
    time = np.arange(len(flux)) * HOP_S + LAG_S - late_s + grid.beat * 60 / grid.bpm
    away = np.abs((time / quarter_s + 0.5) % 1 - 0.5) * quarter_s
    width = min(0.015, quarter_s / 6)
    share, by_chance = float(flux[away <= width].sum() / flux.sum()), 2 * width / quarter_s
    return float(np.clip((share - by_chance) / (1 - by_chance), 0, 1))
