"""Drift and repetition on pieces that are made to drift, or to repeat."""

import numpy as np
import pytest

from engine.evaluation.long_form import (
    drift,
    longest_repeat,
    repetition,
    repetition_by_window,
    self_similarity,
    similarity_to_beginning,
    windows,
)
from tests.synthetic import clicks, noise, progression

RATE = 12_000


@pytest.fixture(scope="module")
def steady():
    return 0.5 * clicks(120, 60, rate=RATE) + progression("A minor", 120, 60, RATE)


@pytest.fixture(scope="module")
def drifting():
    """Faster, in another key, softer and with more highs in its second half."""
    first = 0.5 * clicks(120, 30, rate=RATE) + progression("A minor", 120, 30, RATE)
    second = 0.5 * clicks(132, 30, rate=RATE) + progression("F# minor", 132, 30, RATE)
    return np.concatenate([first, 0.25 * second + 0.06 * np.diff(noise(30, RATE), prepend=0)])


def test_windows_of_a_steady_piece(steady):
    found = windows(steady, RATE, 120)
    assert [one.start_s for one in found] == [0, 30] and [one.seconds for one in found] == [30, 30]
    assert all(one.bpm == pytest.approx(120, rel=0.01) for one in found)
    measured = drift(found, (9, "minor"))
    assert measured.in_key == 1 and measured.tempo < 0.01 and measured.loudness_db < 0.5 and measured.balance_db < 1


def test_drift_is_measured(drifting):
    measured = drift(windows(drifting, RATE, 120), (9, "minor"))
    assert measured.in_key == 0.5 and measured.tempo == pytest.approx(6 / 126, rel=0.1)
    assert measured.loudness_db > 6 and measured.balance_db > 2


def test_a_short_rest_belongs_to_the_last_window(steady):
    assert [one.seconds for one in windows(steady[: 35 * RATE], RATE)] == [35]


def test_silence_has_neither_tempo_nor_key():
    (one,) = windows(np.zeros(20 * RATE), RATE)
    assert one.bpm is None and one.key is None and drift([one]) == drift([one], None) and drift([one]).tempo is None


def test_what_repeats_is_alike_and_what_is_new_is_not(steady, drifting):
    loop, change = (similarity_to_beginning(self_similarity(audio, RATE)) for audio in (steady, drifting))
    assert len(loop) == len(change) == 2
    assert loop[1] > 0.95 and change[1] < loop[1] - 0.3 and loop[0] > 0.9
    matrix = self_similarity(steady, RATE)
    assert matrix.shape == (60, 60) and np.allclose(np.diag(matrix), 1) and np.allclose(matrix, matrix.T)


def test_repetition_of_tokens():
    rng = np.random.default_rng(0)
    fresh = rng.integers(0, 2048, 600).tolist()
    loop = fresh[:100] * 6
    assert repetition(fresh, 4) == 0 and repetition(loop, 4) == pytest.approx(1 - 100 / 597)
    assert repetition([], 4) == 0
    assert longest_repeat(fresh[:300] + [5000] + fresh[100:180]) == 80 and longest_repeat([1, 2, 3]) == 0
    assert longest_repeat(loop) == 500 and longest_repeat([]) == 0


def test_repetition_by_window_counts_what_came_before():
    rng = np.random.default_rng(0)
    idea, other = (rng.integers(0, 2048, 300).tolist() for _ in range(2))
    shares = repetition_by_window(idea + other + idea, 8, token_rate=10)  # windows of 300
    assert shares[:2] == [0, 0] and shares[2] == pytest.approx(1, abs=0.03)
