"""Of the bar lines that a take has, the one by which a loop goes round."""

import numpy as np
import pytest

from engine.music.loop import check_loop
from engine.music.loop_joins import best_join, loop_joins

RATE = 24_000
BAR, FRAMES = RATE, 2 * RATE
LEAD = RATE // 4
RNG = np.random.default_rng(0)


def take(*levels, bars=3):
    """Noise, with a bar more behind its lead-in; levels: of the 100 ms before each of its bar lines, the lead-in's first."""
    audio = (0.1 * RNG.standard_normal((LEAD + bars * BAR + RATE // 50, 1))).astype(np.float32)
    for number, level in enumerate(levels):
        line = LEAD + number * BAR
        audio[line - RATE // 10 : line] *= level
    return audio


def joined(audio, under_ceiling=lambda audio: audio):
    return best_join(audio, (LEAD, LEAD + BAR), FRAMES, BAR, RATE, under_ceiling)


def test_the_bar_line_where_it_begins_is_the_first_choice():
    audio = take()
    join = joined(audio)
    assert join.check.rank == (0, 0) and len(join.audio) == FRAMES
    np.testing.assert_array_equal(join.audio[:BAR], audio[LEAD : LEAD + BAR])


def test_it_begins_as_the_take_goes_on_where_every_other_bar_line_stands_out():
    """Silence before its own beginning and before its second bar; the take goes on evenly after the loop's end."""
    audio = take(0.001, 0.001)
    join = joined(audio)
    assert join.check.rank == (0, 0)
    end = LEAD + FRAMES
    np.testing.assert_allclose(join.audio[:200], audio[end : end + 200], rtol=0.07)
    np.testing.assert_array_equal(join.audio[RATE // 5 : BAR], audio[LEAD + RATE // 5 : LEAD + BAR])


def test_none_without_fault_gives_the_one_with_the_least():
    audio = take(0.001, 0.001, 0.001, 0.001)
    join = joined(audio)
    ranks = [one.check.rank for one in loop_joins(audio, (LEAD, LEAD + BAR), FRAMES, BAR, RATE)]
    assert join.check.rank == min(ranks) > (0, 0)


@pytest.mark.parametrize("line", range(6))
def test_no_join_steps_from_one_sample_to_the_next(line):
    """Tones that last no whole number of periods."""
    tone = (0.3 * np.sin(2 * np.pi * 203.7 * np.arange(LEAD + 3 * BAR + RATE // 8) / RATE)).astype(np.float32)[:, None]
    joins = list(loop_joins(tone, (LEAD, LEAD + BAR), FRAMES, BAR, RATE))
    if line < len(joins):
        out = joins[line].audio
        natural = np.abs(np.diff(tone, axis=0)).max()
        assert np.abs(np.diff(np.concatenate([out, out]), axis=0)).max() < 1.5 * natural


def test_it_is_judged_as_it_goes_out():
    join = joined(take(), under_ceiling=lambda audio: np.concatenate([0.5 * audio[:BAR], audio[BAR:]]))
    assert join.check.step_db == pytest.approx(-6, abs=0.7) and join.check == check_loop(join.audio, BAR, RATE)


def test_a_take_that_is_too_short_gives_none():
    assert joined(take()[: FRAMES - 1]) is None
