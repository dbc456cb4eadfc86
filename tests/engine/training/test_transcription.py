"""The networks that transcribe drums and bass learn what they are shown."""

import numpy as np
import pytest

from engine.evaluation.note_scores import Score, score_bass, score_times
from engine.music import bass_line, drums, networks
from engine.training.transcription import Example, save, sounding, struck, train_bass, train_drums
from tests import synthetic


def example(seed):
    """Kicks and hi-hats at random eighths, over a line of three pitches."""
    rng, rate = np.random.default_rng(seed), drums.RATE
    audio, t = np.zeros(4 * rate), np.arange(rate // 8) / rate
    hiss = np.diff(rng.standard_normal(len(t) + 1))
    sounds = {"kick": np.exp(-30 * t) * np.sin(2 * np.pi * 60 * t), "hat": np.exp(-90 * t) * hiss}
    times = {name: sorted((0.25 * rng.choice(np.arange(1, 15), 6, replace=False)).tolist()) for name in sounds}
    for name, sound in sounds.items():
        for at_s in times[name]:
            audio[round(at_s * rate) : round(at_s * rate) + len(sound)] += 0.4 * sound
    pitches = rng.choice([33, 36, 40], 4).tolist()
    audio += synthetic.chords([(pitch,) for pitch in pitches], 4.0, rate)
    bass = [(float(start), start + 0.95, pitch) for start, pitch in enumerate(pitches)]
    return Example(audio.astype(np.float32), times | {"snare": []}, bass)


@pytest.fixture(scope="module")
def shown():
    return [example(seed) for seed in range(24)]


def test_drums_are_learnt_and_their_file_is_used(shown, tmp_path, monkeypatch):
    save(train_drums(shown, epochs=60), tmp_path / "drums.safetensors")
    monkeypatch.setattr(networks, "load", networks.load.__wrapped__)
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    others = [example(seed) for seed in range(90, 96)]
    detected = [drums.detect_drums(other.audio) for other in others]
    for name in ("kick", "hat"):
        found = ([stroke.at_s for stroke in strokes if name in stroke.drums] for strokes in detected)
        scores = (score_times(times, other.drums[name]) for times, other in zip(found, others, strict=True))
        assert sum(scores, Score()).f1 > 0.75, name


def test_a_bass_line_is_learnt(shown):
    network = train_bass(shown[:12], epochs=4)
    another = example(99)
    notes = bass_line.line(*bass_line.likelihoods(network, bass_line.spectra(another.audio)), network["decoding"])
    assert {note.pitch for note in notes} == {pitch for *_, pitch in another.bass}
    assert score_bass(notes, another.bass).recall > 0.7


def test_a_stroke_is_its_nearest_candidates():
    found = struck(np.array([0.99, 1.01, 3.0]), {"kick": [1.0, 2.0], "snare": [3.02], "hat": []})
    assert found.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert not struck(np.zeros(0), {"kick": [1.0], "snare": [], "hat": []}).size


def test_a_note_sounds_as_long_as_it_is_held():
    hop_s = bass_line.HOP / bass_line.RATE
    target = sounding(100, [(10 * hop_s, 30 * hop_s, bass_line.LOWEST + 3), (0.0, 1.0, 90)])
    assert np.flatnonzero(target[:, 3, 0]).tolist() == list(range(10, 30)) and target.sum() == 20 + 2
    assert np.flatnonzero(target[:, 3, 1]).tolist() == [10, 11]
