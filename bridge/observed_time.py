"""A clock that stands still while nobody looks: for limits on how long another process may be silent.

The system's clocks run on while the machine sleeps, or processes are stopped (SIGSTOP, a debugger, a frozen container). Who
measured a process's silence with them would end a healthy one on waking.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class ObservedTime:
    """Seconds, counted from one `observe` to the next, but never more than two intervals of `every_s` at once.

    One thread observes, about every `every_s`; any thread may call it for the time now.
    """

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic):
        self._most_s = 2 * every_s
        self._clock = clock
        self._seen_at = clock()
        self._now_s = 0.0

    def __call__(self) -> float:
        return self._now_s

    def observe(self) -> float:
        """Looks at the clock; gives the time now."""
        seen_at = self._clock()
        self._now_s += min(seen_at - self._seen_at, self._most_s)
        self._seen_at = seen_at
        return self._now_s
