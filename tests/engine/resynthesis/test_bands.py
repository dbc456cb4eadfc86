"""Where a recording's spectrum ends, and a high-pass without delay."""

import numpy as np
import pytest
import soxr

from engine.resynthesis.bands import HighPass, band_db, upper_edge

NOISE = np.random.default_rng(0).normal(0, 0.1, 48_000 * 2).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 32_000])
def test_a_resampled_recording_ends_below_half_its_rate(rate):
    low = soxr.resample(soxr.resample(NOISE, 48_000, rate, "VHQ"), rate, 48_000, "VHQ")
    assert 0.42 * rate < upper_edge(low, 48_000, rate) < 0.5 * rate
    assert 0.42 * rate < upper_edge(low, 48_000, 48_000) < 0.51 * rate  # kept in a file of a higher rate


def test_music_that_falls_slowly_has_no_edge_of_its_own():
    falling = np.fft.irfft(np.fft.rfft(NOISE) * np.linspace(1, 0.01, len(NOISE) // 2 + 1) ** 2).astype(np.float32)
    assert upper_edge(falling, 48_000, 48_000) > 20_000
    assert upper_edge(np.zeros(48_000, np.float32), 48_000, 44_100) == pytest.approx(0.48 * 44_100)


@pytest.mark.parametrize("sizes", [[96_000], [100, 50, 7, 40_000, 55_843], [48_000] * 2])
def test_the_stream_is_what_the_whole_is(sizes):
    audio = np.stack([NOISE, -NOISE], axis=1)
    whole = HighPass(11_000, 48_000, 2).push(audio, last=True)
    stream, parts, begin = HighPass(11_000, 48_000, 2), [], 0
    for number, size in enumerate(sizes, 1):
        parts.append(stream.push(audio[begin : begin + size], last=number == len(sizes)))
        begin += size
    assert whole.shape == audio.shape
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    assert band_db(whole[:, 0], 48_000, 100, 10_000) < band_db(NOISE, 48_000, 100, 10_000) - 50


def test_what_lies_above_the_edge_is_neither_moved_nor_weakened():
    time = np.arange(48_000) / 48_000
    low, high = (np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in (9_000, 13_000))
    passed = HighPass(11_000, 48_000, 1).push((low + high)[:, None], last=True)[:, 0]
    np.testing.assert_allclose(passed[1_000:-1_000], high[1_000:-1_000], atol=2e-3)
