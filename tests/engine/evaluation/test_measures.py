"""Every measure on sounds whose answer is known."""

import numpy as np
import pytest
from scipy import signal

from engine.evaluation import measures
from engine.evaluation.excerpts import RATE
from tests.synthetic import chords, clicks, noise, progression


@pytest.mark.parametrize(
    ("measured", "met"), [(124, True), (126.4, True), (121.6, True), (126.6, False), (62, False), (248, False), (None, False)]
)
def test_tempo_is_met_within_two_percent_and_half_or_double_are_misses(measured, met):
    assert measures.tempo_met(measured, 124) is met


@pytest.mark.parametrize(
    ("measured", "asked", "met"),
    [
        ((9, "minor"), (9, "minor"), True),
        ((0, "major"), (9, "minor"), True),
        ((9, "minor"), (0, "major"), True),
        ((9, "major"), (9, "minor"), False),
        ((4, "minor"), (9, "minor"), False),
        (None, (9, "minor"), False),
    ],
)
def test_relative_key_is_a_hit_and_parallel_key_is_not(measured, asked, met):
    assert measures.key_met(measured, asked) is met


def test_loudness_of_a_known_sine_and_of_silence():
    """BS.1770: a 997 Hz sine at full scale in one channel is -3.01 LUFS."""
    sine = np.sin(2 * np.pi * 997 * np.arange(3 * 48_000) / 48_000)
    assert measures.loudness_db(sine, 48_000) == pytest.approx(-3.01, abs=0.05)
    assert measures.loudness_db(0.1 * sine, 48_000) == pytest.approx(-23.01, abs=0.05)
    assert measures.loudness_db(np.zeros(48_000), 48_000) == measures.loudness_db(sine[:100], 48_000) == -70


def test_onset_density_counts_hits_and_neither_level_nor_held_notes():
    quarter, eighth = clicks(120, 8, rate=RATE), clicks(120, 8, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)
    density = measures.onset_density(quarter, RATE)
    assert 2 * 6 <= density <= 2 * 8  # two hits a second, each in most of eight registers
    assert measures.onset_density(eighth, RATE) == pytest.approx(2 * density, rel=0.15)
    assert measures.onset_density(1e-2 * quarter, RATE) == pytest.approx(density)
    assert measures.onset_density(chords([(57, 60, 64)], 8, RATE), RATE) == measures.onset_density(np.zeros(RATE), RATE) == 0


def test_onset_density_is_not_less_where_more_is_played():
    """Chords held under the same drums hide none of their hits."""
    drums = clicks(120, 8, rate=RATE)
    band = drums + chords([(57, 60, 64), (53, 57, 60)], 8, RATE) + 1e-3 * noise(8, RATE)
    assert measures.onset_density(drums, RATE) <= measures.onset_density(band, RATE)


def test_longest_silence():
    audio = noise(6, RATE)
    assert measures.longest_silence_s(audio, RATE) == 0
    audio[2 * RATE : round(4.5 * RATE)] = 0
    audio[5 * RATE : round(5.5 * RATE)] = 0
    assert measures.longest_silence_s(audio, RATE) == pytest.approx(2.5, abs=0.05)


def test_tempo_drift_of_a_piece_that_speeds_up():
    steady, faster = clicks(120, 20, rate=RATE), clicks(126, 20, rate=RATE)
    assert measures.tempo_drift(np.concatenate([steady, steady]), RATE, 120) < 0.002
    assert measures.tempo_drift(np.concatenate([steady, faster]), RATE, 120) == pytest.approx(0.05, abs=0.002)
    assert measures.tempo_drift(np.concatenate([steady, noise(20, RATE)]), RATE, 120) < 0.002
    halved = clicks(120, 20, (0, 2), rate=RATE)
    assert measures.tempo_drift(np.concatenate([steady, halved]), RATE, 120) < 0.002  # another level of the same metre


def test_repeats_are_counted_in_a_row_and_noise_does_not_hide_them():
    a, b = progression("A minor", 120, 8, RATE), progression("F major", 120, 8, RATE)
    hiss = 0.003 * np.random.default_rng(0).standard_normal(6 * len(a))
    assert measures.most_repeats(np.concatenate([a, a, a, b, a, a]) + hiss, RATE, 8) == 3
    assert measures.most_repeats(np.concatenate([a, b, a, b, a, b]) + hiss, RATE, 8) == 1
    assert measures.most_repeats(a[: 4 * RATE], RATE, 8) == 0


def test_log_mel_distance_of_a_gain_is_that_gain_and_rises_with_what_is_missing():
    audio = noise(2, 48_000)
    assert measures.log_mel_distance_db(audio, audio, 48_000) == 0
    assert measures.log_mel_distance_db(0.5 * audio, audio, 48_000) == pytest.approx(6.02, abs=0.01)
    dull = signal.sosfilt(signal.butter(8, 6000, fs=48_000, output="sos"), audio)
    assert measures.log_mel_distance_db(dull, audio, 48_000) < measures.log_mel_distance_db(dull, audio, 48_000, top_hz=24_000)


def test_band_levels_show_drums_thin_out_or_wash_over_and_not_when_they_come():
    def beat(hits):  # each rings for half the time to the next
        hit = noise(0.25, RATE) * np.exp(-np.arange(RATE // 4) / (RATE / 30))
        return np.concatenate([hit if played else np.zeros_like(hit) for played in hits])

    steady, thinner = beat([1, 0, 1, 1] * 8), beat([1, 0, 0, 0, 0, 0, 0, 0] * 4)
    assert measures.band_level_distance_db(steady, steady, RATE) == 0
    assert measures.band_level_distance_db(steady / 2, steady, RATE) < 6.1
    assert measures.band_level_distance_db(noise(8, RATE) / 2, noise(8, RATE), RATE) == pytest.approx(6.02, abs=0.01)
    assert measures.band_level_distance_db(np.roll(steady, RATE // 3), steady, RATE) < 0.5
    for changed in (thinner, steady + 0.2 * noise(8, RATE)):
        assert measures.band_level_distance_db(changed, steady, RATE) > 5


def test_frechet_distance_between_known_gaussians():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 4000, 3))
    assert measures.frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert measures.frechet_distance(a, b) < 0.02
    # |Δμ|² + Σ(σ₁ - σ₂)², and the shift alone
    assert measures.frechet_distance(a + [3, 0, 0], a) == pytest.approx(9, abs=1e-6)
    assert measures.frechet_distance(2 * a, a) == pytest.approx(np.sum(a.mean(0) ** 2) + np.sum(a.var(0, ddof=1)), rel=1e-6)


def test_highs_that_beat_with_the_frames_are_distinguished_from_other_movement():
    rng, t = np.random.default_rng(0), np.arange(20 * 48_000) / 48_000
    hats = 0.1 * rng.standard_normal(len(t)) * np.exp(-(t % 0.25) / 0.05)
    found = {}
    for hz in (50, 100, 80):
        movement = measures.movement_of_highs(hats * (1 + 0.3 * np.cos(2 * np.pi * hz * t)), 48_000)
        found[hz] = measures.beat_of_frames(movement, 50.0)
    assert found[50] > 5 and found[100] > 5 and found[80] < 3
