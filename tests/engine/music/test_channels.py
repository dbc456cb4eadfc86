"""Many channels become one without a sound being lost."""

from __future__ import annotations

import numpy as np
import pytest

from engine.music.channels import dc_of, mean_over_channels, peak_over_channels, surround_to_stereo, swing, to_mono

RATE = 8_000


def tone(hz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def test_channels_are_averaged():
    left, right = tone(200), tone(300)
    np.testing.assert_allclose(to_mono(np.stack([left, right], 1)), (left + right) / 2, atol=1e-7)


def test_opposite_polarity_is_not_silence():
    np.testing.assert_array_equal(to_mono(np.stack([tone(200), -0.9 * tone(200)], 1)), tone(200))


def test_what_cancels_in_a_register_that_matters_is_kept():
    left, right = tone(100) + tone(2_000), tone(100) - tone(2_000)
    np.testing.assert_array_equal(to_mono(np.stack([left, right], 1)), left)


def test_one_channel_and_no_audio_are_themselves():
    np.testing.assert_array_equal(to_mono(tone(200)[:, None]), tone(200))
    assert to_mono(np.zeros((0, 2), np.float32)).shape == (0,)


def test_surround_is_mixed_as_the_standard_has_it():
    left, right, centre, lfe, back_left, back_right = audio = np.eye(6, dtype=np.float32)
    mixed = surround_to_stereo(audio, (0, 1, 2, 4, 5))
    level = np.float32(0.5**0.5)
    np.testing.assert_allclose(mixed.T, [left + level * (centre + back_left), right + level * (centre + back_right)])
    assert not mixed[3].any()  # the LFE channel


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_figures_of_channels_are_those_across_the_rows(channels):
    audio = (0.1 * np.random.default_rng(0).standard_normal((999, channels)) + 0.2).astype(np.float32)
    before = audio.copy()
    np.testing.assert_array_equal(mean_over_channels(audio), audio.mean(1))
    np.testing.assert_array_equal(peak_over_channels(audio), np.abs(audio).max(1))
    np.testing.assert_allclose(dc_of(audio), audio.mean(0, np.float64), rtol=1e-6)
    np.testing.assert_allclose(dc_of(audio[:, 0]), audio[:, 0].mean(), rtol=1e-6)
    assert swing(audio) == np.ptp(audio, axis=0).max()
    np.testing.assert_array_equal(audio, before)
