"""How a loop that is whole before it goes out can lead to its beginning: by any bar line of the take that it is cut from.

The take is longer than the loop. Right before the loop's first frame the take leads to it; right after its last frame the take
goes on to another bar; and there are the bar lines inside. Each of these was played, so each can be what sounds where the loop
begins again: its last moment cross-faded in before the join, its first moment after the join cross-faded into the loop's own
beginning, both where they agree most. Audio is float32 (frames, channels).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine.arrays import Audio
from engine.music.loop import SEARCH_S, LoopCheck, LoopEnd, check_loop, crossfaded, most_alike

FADE_S = 0.02  # of the cross-fade into the loop's own beginning
BAR_LINES = 6  # of a take that are tried at most


@dataclass(frozen=True, eq=False)
class LoopJoin:
    """A loop as it goes out. end: what was done to its last bar."""

    audio: Audio
    end: LoopEnd
    check: LoopCheck


def best_join(
    take: Audio, begins: tuple[int, ...], frames: int, bar: int, samplerate: int, under_ceiling: Callable[[Audio], Audio]
) -> LoopJoin | None:  # fmt: skip
    """Of the loops of so many `frames` that can be cut from `take` the first without fault, or else the best; None where it is
    too short for any. begins: frames of the take where a loop may begin, the likeliest first; bar: frames of a bar.
    under_ceiling: what limits a loop before it goes out, and so before it is judged.
    """
    best: LoopJoin | None = None
    for join in loop_joins(take, begins, frames, bar, samplerate):
        out = under_ceiling(join.audio)
        join = replace(join, audio=out, check=check_loop(out, bar, samplerate))
        if best is None or join.check.rank < best.check.rank:
            best = join
        if best.check.rank == (0, 0):
            break
    return best


def loop_joins(take: Audio, begins: tuple[int, ...], frames: int, bar: int, samplerate: int) -> Iterator[LoopJoin]:
    """First those by the bar line where each begins, which leave its beginning as it is."""
    begins = tuple(begin for begin in begins if begin + frames <= len(take))
    for begin in begins:
        yield _joined(take, begin, begin, frames, bar, samplerate)
    for begin in begins:
        lines = [begin + frames, *(place for place in range(begin % bar, begin + frames, bar) if place != begin)]
        for line in lines[:BAR_LINES]:
            if line + round(FADE_S * samplerate) <= len(take):
                yield _joined(take, begin, line, frames, bar, samplerate)


def _joined(take: Audio, begin: int, line: int, frames: int, bar: int, samplerate: int) -> LoopJoin:
    """The loop from frame `begin` on, beginning again as the take does at frame `line`."""
    own = take[begin : begin + frames]
    end = LoopEnd(frames, bar, samplerate)
    if line != begin + frames:  # that is where it ends
        end.lead_in(take[:line])
    out = np.concatenate([end.push(own), end.finish()])
    if line != begin:
        gain = np.float32(10 ** (end.gain_db / 20)) if line == begin + frames else np.float32(1)
        _go_on(out, gain * take[line : line + round(SEARCH_S * samplerate)], round(FADE_S * samplerate))
    return LoopJoin(out, end, check_loop(out, bar, samplerate))


def _go_on(loop: Audio, beyond: Audio, fade: int) -> None:
    """Begins `loop` with `beyond`, cross-faded into its own beginning."""
    near = min(len(beyond), len(loop))
    start, alike = most_alike(beyond[:near], loop[:near], fade)
    fading = slice(start, start + fade)
    loop[fading] = crossfaded(beyond[fading], loop[fading], alike)
    loop[:start] = beyond[:start]
