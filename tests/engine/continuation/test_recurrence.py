"""What is expected to follow a clip's end, and where music comes back to itself."""

import numpy as np
import pytest

from engine.continuation.recurrence import NEXT_S, bars_until_again, what_followed
from tests import synthetic

RATE = 24_000
NEXT = round(NEXT_S * RATE)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.6, 1.7531, 4.0])
def test_a_loop_begins_again(seconds):
    loop = noise(seconds)
    np.testing.assert_array_equal(what_followed(np.tile(loop, round(10 / seconds)), RATE), loop[:NEXT])


def test_a_place_is_known_by_what_sounds_there_and_not_by_how_loud_it_is():
    phrase, after = noise(2.0), noise(0.5, seed=1)
    audio = np.concatenate([0.2 * phrase, after, 3 * noise(2.0, seed=2), phrase])
    np.testing.assert_array_equal(what_followed(audio, RATE), after[:NEXT])


def test_a_beat_goes_on_as_it_went():
    """Cut in the middle of a bar, off the beat."""
    audio = synthetic.clicks(124, 8.0, rate=RATE).astype(np.float32)
    join = round(6.1 * RATE)
    expected = audio[join : join + NEXT]
    np.testing.assert_allclose(what_followed(audio[:join], RATE), expected, atol=0.1 * np.abs(audio).max())


@pytest.mark.parametrize("audio", [noise(0.0), noise(0.7)[: 3 * NEXT - 2]])
def test_what_is_too_short_to_come_back_says_nothing(audio):
    assert len(what_followed(audio, RATE)) == 0


@pytest.mark.parametrize("quiet_s", [3.0, 9.9])
def test_after_a_silence_it_is_a_number(quiet_s):
    audio = noise(10.0)
    audio[-round(quiet_s * RATE) :] = 0
    expected = what_followed(audio, RATE)
    assert len(expected) == NEXT and np.isfinite(expected).all()


@pytest.mark.parametrize(("bars", "bar"), [(1, 100), (2, 86), (4, 85.75), (3, 120.5)])
def test_a_loop_comes_back_after_its_bars(bars, bar):
    rng = np.random.default_rng(0)
    loop = rng.integers(0, 1_000, round(bars * bar))
    alike = round(0.9 * bar)  # of its first bar and its last
    loop[:alike] = loop[round((bars - 1) * bar) :][:alike]
    measured = np.tile(loop, 20)[-500:]
    measured[rng.random(500) < 0.02] = 1_000  # a measurement that is not quite sure
    assert bars_until_again(measured.tolist(), bar) == bars


@pytest.mark.parametrize("tokens", [[], [1, 2, 3], list(range(500))])
def test_what_does_not_come_back_or_is_too_short_to_say_counts_in_fours(tokens):
    assert bars_until_again(tokens, 100) == 4
