"""New audio in a file of more than two channels: in each as loud as that was, and cross-faded from what was there."""

import numpy as np
import pytest

from bridge.results.surround import EDGE_S, spread

RATE = 48_000
NOISE = np.random.default_rng(0).standard_normal((RATE, 6)).astype(np.float32)
EDGE = round(EDGE_S * RATE)
NONE = np.zeros((0, 6), np.float32)


def level(audio):
    return audio.std(0)


@pytest.mark.parametrize(("form", "lfe", "lefts", "rights"), [("WAV", 3, [0, 4], [1, 5]), ("OGG", 5, [0, 3], [2, 4])])
def test_each_channel_of_surround_gets_its_side(form, lfe, lefts, rights):
    new = NOISE[:, :2] * np.float32(0.1)
    out = spread(new, 0.1 * NOISE, NONE, NONE, RATE, form)
    assert out.shape == (RATE, 6)
    for channel in lefts:
        assert np.corrcoef(out[:, channel], new[:, 0])[0, 1] > 0.999
    for channel in rights:
        assert np.corrcoef(out[:, channel], new[:, 1])[0, 1] > 0.999
    spectrum = np.abs(np.fft.rfft(out[:, lfe])) ** 2
    assert spectrum[200:].sum() < 0.01 * spectrum.sum()


def test_what_is_as_loud_as_its_surroundings_is_so_in_every_channel():
    beside = NOISE[:, :4] * np.array([0.1, 0.2, 0.0, 0.4], np.float32)
    out = spread(beside.mean(1, keepdims=True), beside, NONE[:, :4], NONE[:, :4], RATE)
    np.testing.assert_allclose(level(out), level(beside), rtol=0.01)


def test_channels_that_cancel_each_other_are_not_made_loud():
    one = 0.1 * NOISE[:, :1]
    beside = np.concatenate([one, -one, one, -one], axis=1)
    np.testing.assert_allclose(level(spread(one, beside, NONE[:, :4], NONE[:, :4], RATE)), 0.1, rtol=0.01)


def test_both_ends_lead_from_and_to_what_each_channel_had():
    old = 0.1 * NOISE[: 2 * EDGE]
    out = spread(np.zeros((RATE, 2), np.float32), 0.1 * NOISE, old[:EDGE], old[EDGE:], RATE)
    np.testing.assert_array_equal(out[0], old[0])
    np.testing.assert_array_equal(out[-1], old[-1])
    assert not out[EDGE : RATE - EDGE].any()
