"""A take that goes out when it is whole: measured against its grid, moved onto it, and of several the one that keeps it best.

A loop is made a bar longer than it is: so there is a choice of where it begins, and of what leads to that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.api import AudioChunk
from engine.arrays import Audio
from engine.music.grid import Grid
from engine.music.grid_check import GridCheck
from engine.music.loop import LoopCheck, check_loop
from engine.music.loop_joins import best_join
from engine.rendering.level import fade_out
from engine.rendering.limiter import TruePeakLimiter
from engine.rendering.measurement import Meter
from engine.rendering.track import Track

MARGIN_S = 0.02  # by which a take may be moved; what is further off is made again
ROLLS = 3  # takes at most
FAULTLESS = (0.0, (0.0, 0.0))  # rank of a take that needs no other
SURE = 0.3  # confidence below which there is no beat that could be late
LEAST_MOVE_S = 0.005  # nearer it cannot be measured: of the corpus' pieces, which are on it, 95 % are found within 5 ms


class MovableTrack(Track):
    """A track from words with a margin at both ends: `settle` chooses which of its frames are the result."""

    def __init__(self, *args: Any, frames: int, fade_s: float, loop_bar: int, **options: Any) -> None:
        self._own_frames, self._own_fade_s, self._own_bar = frames, fade_s, loop_bar
        super().__init__(*args, frames=frames, fade_s=0.0, **options)
        margin = round(MARGIN_S * self.samplerate) + loop_bar
        self.wanted += margin
        self.made = self.wanted
        self.tokens += math.ceil(margin * options.get("stretch", 1.0) / self.hop) + 1
        self.round: LoopCheck | None = None  # of a loop, once it is settled

    def settle(self, samples: Audio, late_s: float) -> AudioChunk:
        """The result as one chunk, of all `samples` that came: moved by `late_s`, which is negative where they came early.

        All of a cancelled track is the result as it is.
        """
        move = round(late_s * self.samplerate)
        self.wanted = self._own_frames
        before = np.concatenate(self.led) if self.led else samples[:0]
        if len(samples) < self._own_frames + max(0, move):
            out = samples[: self._own_frames]
        else:
            whole = np.concatenate([before, samples])
            first = len(before) + move
            out = self._looped(whole, first) if self._own_bar else self._under_ceiling(whole[first : first + self._own_frames])
            out = fade_out(out, self.samplerate, self._own_fade_s)
        self.meter = Meter(self.samplerate)
        self.meter.add(out)
        self.frames = len(out)
        return AudioChunk(0, 0, self.samplerate, out, self.number)

    def _looped(self, whole: Audio, first: int) -> Audio:
        """From frame `first` of `whole` on, or from a bar later, whichever goes round better."""
        begins = first, first + self._own_bar
        join = best_join(whole, begins, self._own_frames, self._own_bar, self.samplerate, self._under_ceiling)
        assert join is not None, "it is as long as the loop at least"
        self.round, self.loop = join.check, join.end
        return join.audio

    def _under_ceiling(self, audio: Audio) -> Audio:
        """The lead-in may be louder than what was limited as it came, and so may a loop's end that was made louder."""
        return TruePeakLimiter(self.samplerate, audio.shape[1]).push(audio, last=True)


@dataclass(eq=False)
class Take:
    """What one seed gave: its track, and what of it has not gone out."""

    track: Track
    seed: int
    grid: Grid | None = None
    held: list[AudioChunk] = field(default_factory=list)
    check: GridCheck | None = None
    round: LoopCheck | None = None  # of a loop
    rolls: int = 1
    moved_s: float = 0.0

    def measure(self) -> Take:
        """Measures it, and moves it onto its grid where it can be. All of it has come, or it was cancelled."""
        if self.grid is not None and self.track.new_frames:
            self.check = self.track.meter.grid(self.grid)
        samples = np.concatenate([chunk.samples for chunk in self.held]) if self.held else None
        if isinstance(self.track, MovableTrack) and samples is not None:
            may_move = self.check is not None and LEAST_MOVE_S <= self.off_s <= MARGIN_S
            self.moved_s = self.check.late_s if self.check is not None and may_move else 0.0
            self.held = [self.track.settle(samples, self.moved_s)]
            self.round = self.track.round
        elif self.track.loop and samples is not None and self.track.new_frames == self.track.wanted:
            self.round = check_loop(samples[-self.track.wanted :], self.track.loop.bar, self.track.samplerate)
        return self

    @property
    def off_s(self) -> float:
        """By how much its beats are away from the grid, whichever way; 0 where there are none."""
        return 0.0 if self.check is None or self.check.confidence < SURE else abs(self.check.late_s)

    @property
    def is_off(self) -> bool:
        """So much that moving it does not help."""
        return self.off_s > MARGIN_S

    @property
    def rank(self) -> tuple[float, tuple[float, float]]:
        """Of two takes the less is better: the one that is nearer to its grid, then the one that goes round better."""
        return self.off_s if self.is_off else 0.0, self.round.rank if self.round else FAULTLESS[1]

    def go(self, number: int) -> Iterator[AudioChunk]:
        """All that is held, as variation `number`."""
        self.track.number = number
        yield from (replace(chunk, variation=number) for chunk in self.held)


def roll_note(first: Take, chosen: Take) -> str:
    """What is to be said of a take whose first roll was off its grid, or is heard to begin again as a loop, in a sentence."""
    if not first.is_off:
        return _loop_note(first, chosen)

    def off(take: Take) -> str:
        late_s = take.check.late_s if take.check is not None and take.off_s else 0.0
        return f"{abs(1000 * late_s):.0f} ms {'late' if late_s >= 0 else 'early'}"

    rolls = f"after {chosen.rolls} rolls" if chosen.rolls > 1 else "and was not rolled again"
    was = f"the beats of seed {first.seed} are {off(first)}"
    if chosen.is_off:
        return f"{was}: {rolls} the nearest are those of seed {chosen.seed}, {off(chosen)}"
    return f"{was}: seed {chosen.seed} was kept, whose are {off(chosen)}"


def _loop_note(first: Take, chosen: Take) -> str:
    assert first.round is not None
    steps, _ = first.round.rank
    fault = f"the level changes by {first.round.step_db:+.1f} dB" if steps else "the level jumps more than almost anywhere in it"
    was = f"where the loop of seed {first.seed} begins again {fault}"
    if chosen is first:
        return was + (f": none better was found in {chosen.rolls} rolls" if chosen.rolls > 1 else " and was not rolled again")
    return f"{was}: seed {chosen.seed} was kept, which goes round {'better' if any(chosen.rank[1]) else 'without a fault'}"
