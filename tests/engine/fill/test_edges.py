"""Both ends of a filled region: no step, constant power, gaps not faded into."""

import numpy as np
import pytest

from engine.continuation.region import Region
from engine.fill.edges import fitted
from engine.rendering.level import rms_db

RATE = 48_000


def region(audio, begin, end, edge=960):
    """Of mono audio [frames] that has been read already."""
    whole = audio[:, None].astype(np.float32)
    closing = whole[end - edge : end] if end <= len(whole) else whole[:0]
    return Region(RATE, begin, end, len(whole), whole[:begin], whole[end:], whole[begin : begin + edge], closing)


def noise(seconds, seed):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)


def test_it_begins_and_ends_with_what_was_there():
    old, new = noise(3, 0), noise(1, 1)[:, None]
    out = fitted(new, region(old, RATE, 2 * RATE))
    assert out[0, 0] == pytest.approx(old[RATE], abs=1e-6) and out[-1, 0] == pytest.approx(old[2 * RATE - 1], abs=1e-6)
    np.testing.assert_array_equal(out[960:-960], new[960:-960])


@pytest.mark.parametrize("alike", [True, False])
def test_the_level_stays_in_the_cross_fades(alike):
    old = noise(3, 0)
    new = old[RATE : 2 * RATE, None] if alike else noise(1, 1)[:, None]
    out = fitted(new, region(old, RATE, 2 * RATE))
    for part in (out[:960], out[-960:]):
        assert rms_db(part) == pytest.approx(-20, abs=0.7)


def test_a_gap_is_filled_to_its_edges():
    """Where the region was silent, a cross-fade with it would leave two holes."""
    old = noise(3, 0)
    old[RATE : 2 * RATE] = 0
    out = fitted(noise(1, 1)[:, None], region(old, RATE, 2 * RATE))
    for part in (out[:240], out[-240:]):
        assert rms_db(part) == pytest.approx(-20, abs=1.5)


def test_where_nothing_is_beside_it_it_fades():
    old, new = noise(2, 0), np.full((RATE, 1), 0.5, np.float32)
    first = fitted(new, region(old, 0, RATE))
    assert abs(first[0, 0]) < 0.01 and first[RATE // 2, 0] == 0.5
    last = fitted(new, region(old, RATE, 2 * RATE))
    assert abs(last[-1, 0]) < 0.01 and last[-RATE // 10, 0] == 0.5
    beyond = fitted(new, region(old, RATE + RATE // 2, 2 * RATE + RATE // 2))
    assert abs(beyond[-1, 0]) < 0.01 and beyond[-RATE // 8, 0] == pytest.approx(0.25, abs=0.01)  # a piece fades for longer


def test_a_stroke_right_after_the_region_has_no_echo_before_it():
    """What leads to a stroke is soft, and no gap: mirrored, the stroke would be heard twice, 20 ms apart."""
    old = 1e-4 * noise(3, 0)
    old[2 * RATE :] += 0.5 * noise(1, 2) * np.exp(-np.arange(RATE) / 2_000)
    out = fitted(1e-3 * noise(1, 1)[:, None], region(old, RATE, 2 * RATE))
    assert rms_db(out[-960:-150]) < -70
