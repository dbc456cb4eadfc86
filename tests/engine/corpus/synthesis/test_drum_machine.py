"""Drum sounds are what their names say: kicks fall in pitch, hats are bright and short, claps are several bursts."""

import numpy as np
import pytest

from engine.corpus.styles import CLAP, HAT, KICK, OPEN_HAT, SNARE, STYLES
from engine.corpus.synthesis.drum_machine import KITS, LEVELS_DB, stroke, tune
from engine.corpus.synthesis.oscillators import SAMPLE_RATE


def centroid(audio):
    power = np.abs(np.fft.rfft(audio)) ** 2
    return (power * np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE)).sum() / power.sum()


def crossings(audio):
    return np.flatnonzero((audio[:-1] < 0) & (audio[1:] >= 0))


@pytest.mark.parametrize("kit", KITS)
def test_a_kick_falls_to_its_pitch(kit):
    kit = KITS[kit]
    periods = np.diff(crossings(stroke(KICK, kit)[480:])) / SAMPLE_RATE
    assert 1 / periods[-3] == pytest.approx(kit.kick_hz, rel=0.1) and periods[0] < 0.8 * periods[-3]


def test_an_808_rings_longer_than_a_909():
    assert len(stroke(KICK, KITS["808"])) > 1.8 * len(stroke(KICK, KITS["909"]))


@pytest.mark.parametrize("kit", KITS)
def test_hats_are_bright_and_the_closed_one_is_short(kit):
    closed, opened = (stroke(pitch, KITS[kit]) for pitch in (HAT, OPEN_HAT))
    assert centroid(closed) > 6_000 and len(opened) > 2 * len(closed)
    assert centroid(stroke(KICK, KITS[kit])) < 300 < centroid(stroke(SNARE, KITS[kit])) < centroid(closed)


def test_a_clap_is_three_bursts():
    audio = stroke(CLAP, KITS["909"])
    level = np.sqrt(np.convolve(audio**2, np.full(96, 1 / 96), "same"))
    for at_s in (0.011, 0.023):
        at = round(at_s * SAMPLE_RATE)
        assert level[at : at + 200].max() > 1.3 * level[at - 150 : at - 50].min()


def test_every_stroke_of_the_styles_has_its_level_and_is_the_same_each_time():
    pitches = {pitch for style in STYLES for drums in style.drums for pitch in drums}
    for pitch in pitches:
        first, again = stroke(pitch, KITS["808"]), stroke(pitch, KITS["808"])
        assert np.array_equal(first, again) and abs(first[-1]) < 1e-3
        assert 20 * np.log10(np.abs(first).max()) == pytest.approx(LEVELS_DB[pitch])


def test_a_tuned_kit_differs_but_stays_a_kit():
    tuned = [tune(KITS["909"], np.random.default_rng(seed)) for seed in range(20)]
    hz = np.array([kit.kick_hz for kit in tuned])
    assert hz.std() > 1 and hz.min() > 40 and hz.max() < 60
    assert not np.array_equal(stroke(SNARE, tuned[0]), stroke(SNARE, tuned[1]))
