"""How a result's audio comes, and when playing it may begin so that it does not run dry. Pure: times are seconds of one clock.

Chunks double from a short first one to a longest, so that the pause before the next one is longer than any before it. So the lead
is reckoned with all chunks that are still to come: how long they will be is known from those that came, how long they take is
measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from engine.api import LONGEST_CHUNK_S

_TOGETHER_S = 0.05  # between chunks of a burst
_SLOWER = 1.02  # than measured so far: reckoned with for what is to come
_ON_ITS_WAY_S = 0.08  # from the engine to the device's ring
_PRIOR_SLOWER = 1.05  # than the job before


class Supply:
    """`total_s`: about how much new audio there will be; `prior_rtf`: what a second of it took in the job before, in seconds."""

    def __init__(self, total_s: float, prior_rtf: float | None = None):
        self.total_s = total_s
        self._prior_rtf = prior_rtf
        self._work_at: float | None = None
        self._new_s = 0.0
        self._bursts: list[tuple[float, float]] = []  # of new audio: when each came, and how long it is
        self._came_at: float | None = None

    def begin(self, now: float) -> None:
        """Work on the result begins, the model being loaded."""
        self._work_at = now

    def came(self, duration_s: float, now: float, is_new: bool = True) -> None:
        """A chunk; not new: the clip's own audio, which took no work."""
        self._came_at = now
        if not is_new:
            return
        self._new_s += duration_s
        if self._bursts and now - self._bursts[-1][0] <= _TOGETHER_S:
            duration_s += self._bursts.pop()[1]
        self._bursts.append((now, duration_s))

    def wait_s(self, ahead_s: float, least_s: float, now: float) -> float:
        """How much longer playing should wait, with `ahead_s` there to be played: 0 to begin, infinite until more has come."""
        rtf = self._rtf()
        if rtf is None or (ahead_s < least_s and self._new_s < self.total_s):
            return math.inf
        came_at = self._came_at if self._came_at is not None else now
        work_s, wait_s = 1.25 * self._late_s(), 0.0
        for next_s in self._to_come():
            work_s += rtf * next_s
            wait_s = max(wait_s, came_at + work_s + _ON_ITS_WAY_S - now - ahead_s)
            ahead_s += next_s
        return wait_s

    def _rtf(self) -> float | None:
        """What a second of new audio will take; None while nothing is known."""
        if not self._bursts:
            return self._prior_rtf and self._prior_rtf * _PRIOR_SLOWER
        (first_at, first_s), (last_at, last_s) = self._bursts[0], self._bursts[-1]
        if len(self._bursts) == 1:  # it took also what must be done before any audio
            began_at = self._work_at if self._work_at is not None else first_at
            return _SLOWER * max(0.0, last_at - began_at) / last_s
        before_at, _ = self._bursts[-2]
        return _SLOWER * max((last_at - first_at) / (self._new_s - first_s), (last_at - before_at) / last_s)

    def _late_s(self) -> float:
        """By how much it has fallen behind its own pace, from any moment to any later one: pauses between bursts."""
        if len(self._bursts) < 3:
            return 0.0
        first_at, first_s = self._bursts[0]
        pace = (self._bursts[-1][0] - first_at) / (self._new_s - first_s)
        behind_s = least_s = late_s = 0.0
        for (before_at, _), (at, size) in pairwise(self._bursts):
            behind_s += at - before_at - pace * size
            least_s = min(least_s, behind_s)
            late_s = max(late_s, behind_s - least_s)
        return late_s

    def _to_come(self) -> Iterator[float]:
        """How long the bursts will be that are still to come, in seconds."""
        left_s = self.total_s - self._new_s
        sizes = [size for _, size in self._bursts[-2:]]
        size = sizes[-1] if sizes else LONGEST_CHUNK_S / 2
        grows = len(sizes) < 2 or sizes[1] > 1.5 * sizes[0]
        while left_s > 1e-3:
            size = min(2 * size, max(size, LONGEST_CHUNK_S)) if grows else size
            yield min(size, left_s)
            left_s -= size
