"""Steadiness, high notes and how far takes are apart: a player's known sounds are judged as what they are."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.corpus.dataset import Corpus
from engine.evaluation import music_trials, transcriber
from engine.evaluation.music_trials import aspects, distances, steadiness_trial, variety_trial
from engine.evaluation.prompts import draw_prompts
from tests.synthetic import clicks, noise, write_corpus

RATE = 24_000


def player(sound):
    return SimpleNamespace(play=lambda **request: (sound(request["seed"]).astype(np.float32), RATE, None))


def tone(pitch, seconds=12.0):
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.2 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t)


def test_only_a_piece_whose_level_goes_and_comes_back_is_a_miss(monkeypatch):
    monkeypatch.setattr(transcriber, "is_there", lambda: False)
    gone = np.ones(12 * RATE)
    gone[4 * RATE : 8 * RATE] = 0.05
    model = player(lambda seed: tone(60) * (gone if seed == 1 else 1))
    steady, notes = steadiness_trial(model, draw_prompts(2))
    assert steady.value == 50 and steady.count == 2 and steady.met is False
    assert steady.details[0]["level_db"] < 1 < 8 < steady.details[1]["level_db"]
    assert notes.value is None and "basic-pitch" in notes.note


def test_the_share_of_high_notes_is_the_transcribers(monkeypatch):
    measured = [transcriber.Note(0.0, 60), transcriber.Note(1.0, 72), transcriber.Note(1.0, 73), transcriber.Note(2.0, 90)]
    monkeypatch.setattr(transcriber, "is_there", lambda: True)
    monkeypatch.setattr(transcriber, "transcribe", lambda audio, rate: measured)
    _, notes = steadiness_trial(player(lambda seed: tone(60)), draw_prompts(1))
    assert notes.value == 50 and notes.count == 4 and notes.met is True


def test_takes_differ_by_the_aspect_in_which_they_are_most_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(music_trials, "MIN_PIECES", 1)
    monkeypatch.setattr(music_trials, "distances", lambda embedded: np.array([4.0, 0.5, 1.0]) if takes(embedded) else np.ones(3))
    monkeypatch.setattr(music_trials, "aspects", lambda audio, rate, bpm: len(audio))
    write_corpus(tmp_path, pieces=4, held_out=4)
    (row,) = variety_trial(player(lambda seed: np.zeros(100)), draw_prompts(2), Corpus(tmp_path, held_out=True))
    assert row.value == pytest.approx(0.08) and row.met is False and row.count == 16
    assert "timbre 0.64, harmony 0.08, rhythm 0.16" in row.note


def takes(embedded):
    return embedded == [100] * len(embedded)


def test_each_aspect_finds_its_own_difference():
    beat, other = clicks(120, 8, rate=RATE), clicks(120, 8, rate=RATE) + 0.5 * np.roll(clicks(120, 8, rate=RATE), RATE // 8)
    same = distances([aspects(tone(60, 8) + beat, RATE, 120), aspects(tone(60, 8) + beat, RATE, 120)])
    assert same == pytest.approx([0, 0, 0], abs=1e-6)
    assert distances([aspects(tone(60, 8), RATE, 120), aspects(tone(66, 8), RATE, 120)])[1] > 0.5
    assert distances([aspects(beat, RATE, 120), aspects(other, RATE, 120)])[2] > 0.3
    dull = distances([aspects(tone(60, 8), RATE, 120), aspects(tone(60, 8) + 0.1 * noise(8, RATE), RATE, 120)])
    assert dull[0] > 10 and dull[1] < 0.3


def test_rhythm_counts_in_beats():
    slow, fast = (music_trials.rhythm(clicks(bpm, 8, rate=RATE), RATE, bpm) for bpm in (90, 120))
    apart = music_trials.rhythm(clicks(90, 8, rate=RATE), RATE, 120)
    assert np.linalg.norm(slow - fast) < 0.5 * np.linalg.norm(slow - apart)


def test_without_pieces_to_compare_with_nothing_is_said(tmp_path):
    write_corpus(tmp_path, pieces=1, held_out=0)
    (row,) = variety_trial(player(lambda seed: tone(60, 1)), draw_prompts(1), Corpus(tmp_path, held_out=True))
    assert row.value is None and "no 3 held-out pieces" in row.note
