"""What the language model reads before it goes on: pieces longer than it was trained to read are made window by window.

Positions are token frames at the model's rate, counted from the first token that is made; the clip's lie before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.continuation.recurrence import bars_until_again
from engine.music.grid import BARS_PER_PHRASE, Grid, clock, frames_to_bar

IDEA_BARS = 16  # two phrases, after which a piece goes on from its last bar alone: it would repeat them for ever


@dataclass(frozen=True, eq=False)
class Window:
    """One stretch of tokens, and what it is made from: `clip_tokens[clip]`, then what was made from `first_made` on."""

    clip: slice
    first_made: int
    count: int  # tokens to make
    clock: NDArray[np.int64] | None  # [prompt + count + beyond, 2], see `engine.music.grid.clock`; None without musical time

    @property
    def clip_count(self) -> int:
        return int(self.clip.stop - self.clip.start)

    def prompt(self, clip_tokens: Sequence[int], made: Sequence[int]) -> list[int]:
        """The tokens it goes on from, of one variation."""
        return [*clip_tokens[self.clip], *made[self.first_made :]]


@dataclass(frozen=True, eq=False)
class ContextWindow:
    """How one piece is made in windows. Immutable: `windows` may be asked again, and from any place.

    Past the length the language model was trained on, a piece goes on from the clip and the end of what was made; past
    IDEA_BARS, of that from the last bar alone.
    """

    clip_tokens: tuple[int, ...]  # of the clip's end, all of which the first window reads; empty without a clip
    grid: Grid | None  # as the model plays it, from the first token that is made
    token_rate: float  # Hz
    views: int  # of the codec, whose tokens alternate: windows begin and end between whole groups of them
    max_tokens: int  # a window's length, prompt included; 0: no limit
    beyond: int = 0  # so many tokens more are read after a window's last one: it leaves room for them, and its clock goes on

    def windows(self, wanted: int, made: int = 0) -> Iterator[Window]:
        """Windows up to `wanted` tokens. made: how many there are already, when a piece goes on from a place inside of it."""
        clip, bar = len(self.clip_tokens), self._bar
        again = None if bar is None else bars_until_again(self.clip_tokens, bar) * bar
        quarter = self._most // 4
        usual: tuple[float, float] = (quarter if clip else self._most // 2, self._most // 2)
        begin, end, first = self._look_back(made, usual, again) if made and self._most else (0, clip, 0)
        while made < wanted:
            room = self._most - (end - begin) - (made - first) if self._most else wanted
            count, recent = min(wanted - made, max(room, quarter)), usual
            rows = None
            if self.grid is not None and bar is not None:
                if (idea := self._until_new_idea(made)) <= count:
                    count, recent = idea, (bar, bar)
                parts = ((begin - clip, end - begin), (first, made + count + self.beyond - first))
                rows = np.concatenate([clock(self.grid, self.token_rate, *part) for part in parts])
            yield Window(slice(begin, end), first, count, rows)
            made += count
            if self._most:
                begin, end, first = self._look_back(made, recent, again)

    @property
    def _most(self) -> int:
        """Tokens of a window, prompt included; 0: no limit."""
        return self.max_tokens and self.max_tokens - self.beyond

    @property
    def _bar(self) -> float | None:
        """Tokens to a bar."""
        return None if self.grid is None else self.grid.beats_per_bar * 60 / self.grid.bpm * self.token_rate

    def _until_new_idea(self, made: int) -> int:
        assert self.grid is not None
        from_phrase = replace(self.grid, beat=self.grid.beat % (BARS_PER_PHRASE * self.grid.beats_per_bar))
        return max(self.views, self._whole_groups(frames_to_bar(from_phrase, self.token_rate, made, IDEA_BARS)))

    def _look_back(self, made: int, recent: tuple[float, float], again: float | None) -> tuple[int, int, int]:
        """Of the clip's tokens from which to which, of the `made` ones from which on: three quarters of `max_tokens` in all.

        The clip stays in the context, or what follows would be less and less like it: up to where it goes on as what was made
        does, so that the two are one music. So what is missing between them lasts as long as music takes to repeat itself,
        `again`, or a multiple of it; for that `recent` says from how much to how much is kept of what was made. again: None
        without musical time.
        """
        clip, most = len(self.clip_tokens), self._most - self._most // 4
        end, first = clip, max(0, made - recent[0])
        if clip and again is not None:
            last = first // again * again
            first = last if last >= made - recent[1] else first
            end = max(0, clip - self._whole_groups(-first % again))
        first = self._whole_groups(first)
        return max(0, end - (most - (made - first))), end, first

    def _whole_groups(self, tokens: float) -> int:
        """The nearest number of tokens that holds equally many of each view."""
        return round(tokens / self.views) * self.views
