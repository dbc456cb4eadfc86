"""True peaks stay under the ceiling, and nothing else changes."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from engine.rendering.limiter import AHEAD_S, CEILING_DB, RELEASE_DB_S, TruePeakLimiter, true_peak_db
from tests.synthetic import clicks, noise

RATE = 48_000


def limited(audio, *cuts, ceiling_db=CEILING_DB, rate=RATE):
    limiter, pieces = TruePeakLimiter(rate, audio.shape[1], ceiling_db), np.split(audio, cuts)
    return np.concatenate([limiter.push(piece, last=i == len(pieces) - 1) for i, piece in enumerate(pieces)])


def peak_db(audio):
    """By another filter, at eight times the rate."""
    return 20 * np.log10(np.abs(resample_poly(audio.astype(np.float64), 8, 1, axis=0)).max())


def stereo(mono):
    return np.stack([mono, 0.5 * mono], axis=1).astype(np.float32)


SOUNDS = {
    "between the samples": lambda: np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4),  # samples at 0.71, peaks at 1
    "noise": lambda: 4 * noise(2, RATE),
    "strokes": lambda: 3 * clicks(140, 2, rate=RATE),
    "a low tone": lambda: 1.5 * np.sin(2 * np.pi * 50 * np.arange(2 * RATE) / RATE),
    "one sample": lambda: np.eye(1, RATE, 24_000)[0] * 4,
    "a beginning in full": lambda: 2 * np.cos(np.arange(RATE)),
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("rate", [24_000, 48_000])
def test_no_true_peak_is_above_the_ceiling(name, rate):
    audio = stereo(SOUNDS[name]())
    out = limited(audio, 1000, 1001, 20_000, rate=rate)
    assert out.shape == audio.shape
    inner = out[200:-200] if "beginning" in name or "between" in name else out  # a meter's own filter rings at an edge
    assert peak_db(inner) <= CEILING_DB and np.abs(out).max() < 10 ** (CEILING_DB / 20)
    assert peak_db(inner) > CEILING_DB - 3  # nor is it far under it


def test_what_is_under_the_ceiling_is_left_bit_for_bit():
    audio = 0.15 * stereo(noise(2, RATE))
    np.testing.assert_array_equal(limited(audio, 777, 40_000), audio)


@pytest.mark.parametrize("cuts", [(1,), (100, 200, 300), (24_000,), tuple(range(1000, 90_000, 1000))])
def test_it_is_the_same_however_the_stream_is_cut(cuts):
    audio = stereo(1.5 * noise(2, RATE) * (clicks(120, 2, rate=RATE)[: 2 * RATE] != 0) + 0.3 * noise(2, RATE))
    np.testing.assert_allclose(limited(audio, *cuts), limited(audio), atol=1e-6)


def test_the_gain_goes_down_before_a_peak_and_comes_back_slowly():
    audio = np.full((RATE, 1), 0.2, np.float32)
    audio[RATE // 2] = 1.5
    gains_db = 20 * np.log10(limited(audio) / audio)[:, 0]
    peak, ahead = RATE // 2, round(AHEAD_S * RATE)
    assert (gains_db[: peak - ahead - 40] == 0).all()  # not before it is seen
    assert (np.diff(gains_db[peak - ahead - 40 : peak]) <= 1e-4).all()
    back = gains_db[peak + 40 : peak + 1000]
    assert (np.diff(back) >= -1e-4).all() and np.diff(back).max() <= 1.05 * RELEASE_DB_S / RATE + 1e-4
    assert gains_db[-1] == 0


def test_both_channels_get_the_same_gain():
    audio = stereo(0.9 * noise(1, RATE))
    out = limited(audio)
    np.testing.assert_allclose(out[:, 0], 2 * out[:, 1], atol=1e-6)


def test_nothing_is_behind_by_more_than_three_milliseconds():
    limiter = TruePeakLimiter(RATE, 2)
    assert limiter.delay / RATE < 0.003
    assert len(limiter.push(np.zeros((RATE, 2), np.float32))) == RATE - limiter.delay
    assert len(limiter.push(np.zeros((0, 2), np.float32), last=True)) == limiter.delay


@pytest.mark.parametrize("name", [*SOUNDS])
def test_a_true_peak_is_read_as_another_filter_reads_it(name):
    audio = stereo(SOUNDS[name]())  # faded in and out: over an edge each filter rings in its own way
    audio[:100] *= np.linspace(0, 1, 100, dtype=np.float32)[:, None]
    audio[-100:] *= np.linspace(1, 0, 100, dtype=np.float32)[:, None]
    assert true_peak_db(audio) == pytest.approx(peak_db(audio), abs=0.3)
    assert true_peak_db(audio[:0]) == -120
