"""Rates and channels: in chunks the same as whole."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from bridge.audio.resampler import Resampler


def noise(frames: int, channels: int) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


def in_chunks(samples: np.ndarray, samplerate: int, target: int, channels: int) -> np.ndarray:
    """Odd ones, and some of nothing."""
    dice, resampler, out, start = np.random.default_rng(1), Resampler(samplerate, target, channels), [], 0
    while start < len(samples):
        count = int(dice.choice([0, 1, 7, 1_000, 12_345]))
        out.append(resampler.feed(samples[start : start + count]))
        start += count
    return np.concatenate([*out, resampler.finish()])


@pytest.mark.parametrize("target", [44_100, 48_000, 88_200, 96_000, 176_400, 192_000])
@pytest.mark.parametrize("samplerate", [24_000, 48_000])
@pytest.mark.parametrize("frames", [1, 100, 100_003])
def test_streamed_in_chunks_is_resampled_whole(samplerate, target, frames):
    samples = noise(frames, 2)
    out = in_chunks(samples, samplerate, target, 2)
    assert out.dtype == np.float32 and len(out) == pytest.approx(frames * target / samplerate, abs=1)
    whole = soxr.resample(samples, samplerate, target)
    np.testing.assert_allclose(out, whole, rtol=0, atol=1e-6)


def test_the_same_rate_and_channels_are_untouched():
    samples = noise(10_000, 2)
    np.testing.assert_array_equal(in_chunks(samples, 48_000, 48_000, 2), samples)


def test_one_channel_is_played_on_both_and_two_on_one():
    mono, stereo = noise(1_000, 1), noise(1_001, 2)
    np.testing.assert_array_equal(in_chunks(mono, 48_000, 48_000, 2), np.repeat(mono, 2, axis=1))
    np.testing.assert_allclose(in_chunks(stereo, 48_000, 48_000, 1)[:, 0], stereo.mean(axis=1), atol=1e-7)
