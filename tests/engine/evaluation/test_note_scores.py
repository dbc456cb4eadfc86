"""Pairs of found and played notes."""

import pytest

from engine.evaluation.note_scores import Score, score_bass, score_times
from engine.music.bass_line import BassNote


def test_each_note_is_paired_once():
    assert score_times([1.0, 1.01, 2.0], [1.0, 2.04, 3.0]) == Score(right=2, found=3, played=3)
    assert score_times([1.04, 1.08], [1.0, 1.05]) == Score(2, 2, 2)  # the later may not take the earlier one's
    assert score_times([], [1.0]) == Score(0, 0, 1) and score_times([1.0], []) == Score(0, 1, 0)


def test_scores_add_up():
    both = Score(right=3, found=4, played=6) + Score(right=1, found=1, played=4)
    assert (both.precision, both.recall) == (0.8, 0.4) and both.f1 == pytest.approx(8 / 15)
    assert Score().f1 == 0


def test_a_bass_note_must_have_its_pitch():
    played = [(0.0, 0.5, 33), (0.5, 1.0, 40), (1.0, 1.5, 33)]
    found = [BassNote(0.01, 0.4, 33), BassNote(0.5, 1.0, 28), BassNote(1.2, 1.5, 33)]
    assert score_bass(found, played) == Score(1, 3, 3)
    assert score_bass(found, played, octaves=False) == Score(2, 3, 3)
