"""Time that stands still while nobody looks."""

from __future__ import annotations

from bridge.observed_time import ObservedTime


def test_it_counts_what_is_observed_and_no_sleep():
    now = [100.0]
    time = ObservedTime(0.5, lambda: now[0])
    assert time() == 0.0
    for _ in range(4):
        now[0] += 0.5
        time.observe()
    assert time() == 2.0
    now[0] += 40.0  # the machine slept
    assert time() == 2.0 and time.observe() == 3.0
    now[0] += 0.75  # a look that is a little late counts in full
    assert time.observe() == 3.75
