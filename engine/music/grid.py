"""Musical time on the model's clock: where in its bar each token frame lies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

CLOCKS_PER_BEAT = 24  # as MIDI clock counts
BARS_PER_PHRASE = 8
MAX_BEATS_PER_BAR = 16
LOOP_BARS, LOOP_TOLERANCE = 16, 0.006  # a clip that is no loop must not be bent to one; measure_bpm errs by less
MAX_STRETCH, MAX_STRETCH_WITHOUT_CLIP = 0.0125, 0.003  # a fifth of a semitone, five cents


def bar_frames(bpm: float, beats_per_bar: float, token_rate: float, step: int) -> int:
    """Token frames to a bar at the tempo nearest to `bpm` at which bars last a multiple of `step` frames."""
    return max(1, round(60.0 * beats_per_bar * token_rate / bpm / step)) * step


@dataclass(frozen=True)
class Grid:
    """A steady tempo, and where on it a piece begins: `beat` is counted from the first downbeat of a phrase."""

    bpm: float
    beats_per_bar: float = 4  # quarter notes: 3.5 in 7/8
    beat: float = 0.0

    def after(self, seconds: float) -> Grid:
        """Of the same music, from so much later on."""
        return replace(self, beat=self.beat + seconds * self.bpm / 60.0)

    def new_phrase(self) -> Grid:
        """Of the same bars; the bar line nearest to where the piece begins begins a phrase."""
        half = self.beats_per_bar / 2
        return replace(self, beat=(self.beat + half) % self.beats_per_bar - half)

    def new_phrase_at(self, seconds: float) -> Grid:
        """Of the same bars; a phrase begins at the bar line nearest to so much later on."""
        bars = round((self.beat + seconds * self.bpm / 60.0) / self.beats_per_bar)
        return replace(self, beat=self.beat - bars * self.beats_per_bar)

    def stretched(self, ratio: float) -> Grid:
        """Of the same music, lasting `ratio` times as long."""
        return replace(self, bpm=self.bpm / ratio)


def clock(grid: Grid, token_rate: float, first: int, count: int) -> NDArray[np.int64]:
    """Clocks since its bar began and bars since its phrase did, of `count` token frames from `first` on: [count, 2] int64.

    A frame lies where its middle is. Any tempo is kept exactly, for however long, for nothing is added up.
    """
    beats = grid.beat + (first + 0.5 + np.arange(count)) / token_rate * grid.bpm / 60.0
    bars, within = np.divmod(beats, grid.beats_per_bar)
    clocks = np.minimum(within * CLOCKS_PER_BEAT, grid.beats_per_bar * CLOCKS_PER_BEAT - 1)  # rounding must not leave the bar
    return np.stack([clocks, bars % BARS_PER_PHRASE], axis=1).astype(np.int64)


def stretch_ratio(grid: Grid, token_rate: float, step: int, most: float) -> float:
    """How many times as long music at `grid` is to last, 1 ± `most`, so that its bars, or else two or four of them, last a
    multiple of `step` token frames: then equal bars become equal tokens. 1 where none do.
    """
    for bars in (1, 2, 4):
        frames = bars * grid.beats_per_bar * 60.0 / grid.bpm * token_rate
        ratio = max(1, round(frames / step)) * step / frames
        if abs(ratio - 1) <= most:
            return ratio
    return 1.0


def frames_to_bar(grid: Grid, token_rate: float, first: int, bars: int) -> int:
    """Token frames from frame `first` to the next bar line whose number is a multiple of `bars`: 1 at least."""
    length = bars * grid.beats_per_bar
    beat = grid.beat + first / token_rate * grid.bpm / 60.0
    return max(1, round((length - beat % length) * 60.0 / grid.bpm * token_rate))


def loop_bpm(measured: float, seconds: float, beats_per_bar: float = 4) -> float:
    """The tempo at which a short clip lasts whole bars, as loops are cut, where `measured` bpm comes near it; else `measured`."""
    bars = round(seconds * measured / 60.0 / beats_per_bar)
    return bars * beats_per_bar * 60.0 / seconds if lasts_bars(measured, seconds, beats_per_bar) else measured


def lasts_bars(bpm: float, seconds: float, beats_per_bar: float = 4) -> bool:
    """Whether a clip is cut as loops are: a few bars, and whole ones."""
    bars = seconds * bpm / 60.0 / beats_per_bar
    return 1 <= round(bars) <= LOOP_BARS and abs(round(bars) / bars - 1) <= LOOP_TOLERANCE
