"""Tempo, key and joins measured on sounds whose tempo, key and joins are known."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.music.analysis import chroma, grid_offset, join_report, measure_bpm, measure_key
from tests.synthetic import SAMPLE_RATE, chords, clicks, noise, progression

LOOP = Path(__file__).parents[2] / "loops" / "compus.flac"
STRAIGHT = (0, 1, 2, 3)
SWING = (0, 0.66, 1, 1.66, 2, 2.66, 3, 3.66)
TRESILLO = (0, 0.75, 1.5, 2, 2.75, 3.5)  # no onset on the second or fourth beat
GROOVE = (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)


@pytest.mark.parametrize("bpm", [60, 72.3, 90, 107.1, 124, 138, 150, 165.8, 180])
@pytest.mark.parametrize("pattern", [STRAIGHT, SWING, TRESILLO, GROOVE], ids=["straight", "swing", "tresillo", "groove"])
def test_tempo_is_within_half_a_percent_when_its_octave_is_known(bpm, pattern):
    assert measure_bpm(clicks(bpm, 12, pattern), SAMPLE_RATE, near=bpm * 1.1) == pytest.approx(bpm, rel=0.005)


@pytest.mark.parametrize("bpm", [90, 100, 124, 135, 150])
def test_tempo_of_plain_beats_needs_no_hint(bpm):
    assert measure_bpm(clicks(bpm, 12, STRAIGHT), SAMPLE_RATE) == pytest.approx(bpm, rel=0.005)


@pytest.mark.parametrize("wrong", [0.75, 0.8, 0.94, 1.06, 1.25, 4 / 3])
def test_a_hint_does_not_pull_a_tempo_that_is_not_there(wrong):
    """What was asked for must not be what is measured: only half and double may win by the hint."""
    assert measure_bpm(clicks(124, 12, STRAIGHT), SAMPLE_RATE, near=124 * wrong) == pytest.approx(124, rel=0.005)


def test_tempo_survives_noise_chords_and_another_rate():
    rng = np.random.default_rng(3)
    audio = (
        clicks(97, 15, GROOVE)
        + 0.5 * np.resize(progression("A minor", 97, 15), 15 * SAMPLE_RATE)
        + 0.02 * rng.standard_normal(15 * SAMPLE_RATE)
    )
    assert measure_bpm(audio, SAMPLE_RATE, near=100) == pytest.approx(97, rel=0.01)
    assert measure_bpm(clicks(97, 12, GROOVE, 22_050), 22_050, near=100) == pytest.approx(97, rel=0.005)


@pytest.mark.parametrize(
    "audio", [noise(12), np.zeros(12 * SAMPLE_RATE), chords([(57, 60, 64)], 12)], ids=["noise", "silence", "held chord"]
)
def test_what_has_no_beat_has_no_tempo(audio):
    assert measure_bpm(audio, SAMPLE_RATE) is None


def test_too_short_to_find_a_beat():
    assert measure_bpm(clicks(124, 2.5), SAMPLE_RATE) is None
    assert measure_bpm(np.zeros(10), SAMPLE_RATE) is None


@pytest.mark.parametrize("late", [-0.09, -0.04, 0.0, 0.04, 0.09])
@pytest.mark.parametrize(("bpm", "begins"), [(124, 0.0), (124, 2.5), (90, 7.0)])
def test_how_late_the_onsets_come(late, bpm, begins):
    """In beats. Clicks are found a window of the envelope, 10 ms, too early."""
    audio = np.roll(clicks(bpm, 20, GROOVE), round((late - begins) * 60 / bpm * SAMPLE_RATE))
    assert grid_offset(audio[: 12 * SAMPLE_RATE], SAMPLE_RATE, bpm, begins) == pytest.approx(late, abs=0.011 * bpm / 60)


@pytest.mark.parametrize(
    "audio", [noise(12), np.zeros(12 * SAMPLE_RATE), clicks(117, 12, STRAIGHT), np.zeros(10)],
    ids=["noise", "silence", "another tempo", "too short"],
)  # fmt: skip
def test_what_keeps_to_no_grid_is_not_late(audio):
    assert grid_offset(audio, SAMPLE_RATE, 124, 0.0) == 0.0


@pytest.mark.parametrize("key", ["C major", "A minor", "F# major", "Eb minor", "G major", "B minor", "Ab major", "D minor"])
def test_key_of_a_progression_with_overtones_and_drums(key):
    audio = progression(key, 120, 16) + 0.5 * clicks(120, 16, GROOVE)
    assert measure_key(audio, SAMPLE_RATE) == parse(key)


def test_key_does_not_depend_on_level_or_rate():
    audio = progression("D minor", 120, 16)
    assert (
        measure_key(1e-3 * audio, SAMPLE_RATE)
        == measure_key(audio, SAMPLE_RATE)
        == measure_key(progression("D minor", 120, 16, 24_000), 24_000)
    )


def test_silence_has_no_key():
    assert measure_key(np.zeros(SAMPLE_RATE), SAMPLE_RATE) is None


def test_noise_and_a_recorded_drum_loop_have_no_key():
    assert measure_key(noise(8.0), SAMPLE_RATE) is None
    audio, samplerate = soundfile.read(LOOP, always_2d=True)
    assert measure_key(audio.mean(1), samplerate) is None


def test_chroma_names_the_notes_of_a_chord():
    energy = chroma(chords([(57, 60, 64)], 4), SAMPLE_RATE)
    assert set(np.argsort(energy)[-3:]) == {9, 0, 4} and energy.sum() == pytest.approx(1)
    assert energy[[9, 0, 4]].sum() > 0.9


def test_join_of_a_sound_with_itself_is_clean():
    tone = np.sin(2 * np.pi * 220 * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE) + noise(4) * 0.01
    report = join_report(tone, SAMPLE_RATE, 2 * SAMPLE_RATE)
    assert abs(report.level_db) < 0.1 and report.click_db < 2


def test_a_stroke_on_the_join_is_no_click_and_what_is_soon_over_is_one():
    rng, rate, t = np.random.default_rng(0), 48_000, np.arange(48_000) / 48_000

    def click_db(envelope):
        struck = 0.001 * rng.standard_normal(4 * rate)
        struck[2 * rate : 3 * rate] += 0.3 * rng.standard_normal(rate) * envelope
        return join_report(struck, rate, 2 * rate).click_db

    assert click_db(np.exp(-t / 0.04)) <= 0
    assert all(click_db(t < lasts_s) > 10 for lasts_s in (0.0005, 0.003, 0.005))
    assert click_db(t < 0.007) > 1 and click_db(np.exp(-t / 0.001)) > 6


def test_join_reports_a_click_and_a_step_in_level():
    tone = np.sin(2 * np.pi * 220 * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE) + noise(4) * 0.001
    jump = tone.copy()
    jump[2 * SAMPLE_RATE + 27 :] *= -1  # from crest to trough
    assert join_report(jump, SAMPLE_RATE, 2 * SAMPLE_RATE + 27).click_db > 20
    louder = tone.copy()
    louder[2 * SAMPLE_RATE :] *= 2
    assert join_report(louder, SAMPLE_RATE, 2 * SAMPLE_RATE).level_db == pytest.approx(6.02, abs=0.05)


def test_a_join_on_a_loud_hit_is_no_click():
    audio = clicks(120, 4) + noise(4) * 0.001
    assert join_report(audio, SAMPLE_RATE, 2 * SAMPLE_RATE).click_db < 3


def parse(key):
    from engine.api import parse_key

    return parse_key(key)
