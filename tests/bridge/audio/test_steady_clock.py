"""A stream's blocks follow each other to the sample, however unevenly the system says when they are heard."""

import numpy as np
import pytest

from bridge.audio.steady_clock import SteadyClock

RATE, BLOCK = 48_000, 1024


def places(clock: SteadyClock, said: np.ndarray) -> np.ndarray:
    return np.array([clock.plays_at(float(moment), BLOCK) for moment in said])


def test_an_even_system_is_believed_to_the_sample():
    true = 5.0 + np.arange(500) * BLOCK / RATE
    np.testing.assert_allclose(places(SteadyClock(RATE), true), true, atol=1e-9)


def test_jitter_of_a_block_is_evened_out():
    true = 5.0 + np.arange(500) * BLOCK / RATE
    jitter = np.random.default_rng(0).uniform(0, BLOCK / RATE, len(true))
    found = places(SteadyClock(RATE), true + jitter)
    assert np.abs(found - true - jitter.mean())[16:].max() < 0.2 * BLOCK / RATE  # where it was itself off by half
    assert np.abs(np.diff(found)[32:] - BLOCK / RATE).max() * RATE < BLOCK / 32 + 1


def test_a_stream_that_was_held_up_is_found_again_at_once():
    true = 5.0 + np.arange(200) * BLOCK / RATE
    true[100:] += 3.0
    np.testing.assert_allclose(places(SteadyClock(RATE), true), true, atol=1e-9)


@pytest.mark.parametrize("rate", [47_990, 48_010])
def test_a_device_that_runs_a_little_fast_or_slow_is_followed(rate):
    true = 5.0 + np.arange(3_000) * BLOCK / rate
    assert np.abs(places(SteadyClock(RATE), true) - true).max() * RATE < 16
