"""Distances of decoded audio to the original: known values, and what grows with the damage."""

import numpy as np
import pytest

from engine.evaluation.distances import cloud, distance_between, si_sdr_db, stft_distance
from tests.synthetic import clicks, noise, progression

RATE = 24_000


@pytest.fixture(scope="module")
def music():
    return clicks(120, 4, rate=RATE) + progression("A minor", 120, 4, RATE)


def test_stft_distance_is_zero_for_equal_audio_and_grows_with_noise(music):
    hiss = noise(4, RATE)
    little, much = (stft_distance(music + gain * hiss, music, RATE) for gain in (0.01, 0.3))
    assert stft_distance(music, music, RATE) == 0 and 0 < little < 0.6 * much
    assert stft_distance(2 * music, music, RATE) == pytest.approx(1 + np.log(2), rel=0.35)  # convergence 1, ln 2 above the floor


def test_si_sdr_is_the_ratio_that_was_mixed_whatever_the_gain(music):
    rng = np.random.default_rng(0)
    hiss = rng.standard_normal(len(music))
    hiss *= np.linalg.norm(music) / np.linalg.norm(hiss) * 10 ** (-20 / 20)
    assert si_sdr_db(0.3 * (music + hiss), music) == pytest.approx(20, abs=0.3)
    assert si_sdr_db(music, music) == 100 and si_sdr_db(hiss, music) < -20


def test_frechet_distance_separates_other_sounds_from_more_of_the_same(music):
    halves = [music[: 2 * RATE], music[2 * RATE :]]
    other = [noise(2, RATE), clicks(90, 2, rate=RATE)]
    assert distance_between([music], [music[:RATE]], RATE) is None and distance_between([music], [], RATE) is None
    assert cloud([music], RATE).shape == (7, 40)
    assert distance_between(halves[:1], halves[1:], RATE) < 0.2 * distance_between(other, halves, RATE)
