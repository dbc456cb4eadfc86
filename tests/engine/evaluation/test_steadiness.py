"""Drums and level that come and go, on sounds of which it is known."""

import numpy as np
import pytest

from engine.evaluation.steadiness import LEVEL_DB, STROKES_DB, level_db, strokes_db, there_and_back_db
from tests.synthetic import chords, clicks

RATE = 24_000
HELD = chords([(48, 60, 64, 67)], 12.0, RATE)


def fallen(audio, from_s, to_s, by_db):
    audio = audio.copy()
    audio[round(from_s * RATE) : round(to_s * RATE)] *= 10 ** (-by_db / 20)
    return audio


def test_steady_drums_and_chords_stay():
    for audio in (clicks(120, 12, rate=RATE), HELD):
        assert there_and_back_db(level_db(audio, RATE)) < 2 and there_and_back_db(strokes_db(audio, RATE)) < 6


def test_drums_that_are_gone_for_some_bars_are_found_under_chords_that_stay():
    drums = 0.2 * clicks(120, 12, rate=RATE)
    audio = HELD + fallen(drums, 4, 8, 40)
    assert there_and_back_db(strokes_db(audio, RATE)) > STROKES_DB
    assert there_and_back_db(level_db(audio, RATE)) < LEVEL_DB


@pytest.mark.parametrize(("from_s", "to_s", "found"), [(4, 8, True), (0, 6, False), (6, 12, False), (5.0, 5.5, False)])
def test_a_fall_of_the_level_counts_where_it_comes_back_and_lasts(from_s, to_s, found):
    audio = fallen(HELD, from_s, to_s, 20)
    assert (there_and_back_db(level_db(audio, RATE)) > LEVEL_DB) is found


def test_a_rise_that_goes_again_counts_as_well():
    loud = fallen(fallen(HELD, 0, 4, 20), 8, 12, 20)
    assert there_and_back_db(level_db(loud, RATE)) > 15
    assert there_and_back_db(np.array([-30.0, -20.0, -10.0])) == 0
