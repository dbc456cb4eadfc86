"""The bass line of music whose notes are known."""

import numpy as np
import pytest

from engine.evaluation.note_scores import score_bass
from engine.music import networks
from engine.music.bass_line import LOWEST, PITCHES, RATE, BassNote, around, likelihoods, line, spectra, transcribe_bass
from tests import synthetic
from tests.engine.conftest import needs_fluidsynth

DECODING = np.array([0.0, 3.0, 1.0, 0.5], np.float32)


@needs_fluidsynth
def test_the_line_of_a_piece_that_was_never_learnt_is_found(rock):
    score = score_bass(transcribe_bass(rock.audio), rock.bass)
    assert score.played > 10 and score.f1 >= 0.7


def test_a_note_is_kept_over_a_gap_and_struck_again_where_it_begins_anew():
    sounds, begins = np.full((60, PITCHES), -4.0, np.float32), np.full((60, PITCHES), -6.0, np.float32)
    sounds[10:50, 9], sounds[20, 9], begins[[10, 30], 9] = 4.0, -1.0, 3.0
    notes = line(sounds, begins, DECODING)
    hop_s = 192 / RATE
    assert [note.pitch for note in notes] == [LOWEST + 9] * 2
    assert [note.start_s for note in notes] == pytest.approx([10 * hop_s, 30 * hop_s], abs=1e-3)
    assert notes[1].end_s == pytest.approx(50 * hop_s, abs=1e-3)


def test_one_note_at_a_time():
    sounds, begins = np.full((40, PITCHES), -4.0, np.float32), np.full((40, PITCHES), -6.0, np.float32)
    sounds[:20, 5], sounds[10:, 12], begins[0, 5], begins[10, 12] = 2.0, 4.0, 3.0, 3.0
    first, second = line(sounds, begins, DECODING)
    assert (first.pitch, second.pitch) == (LOWEST + 5, LOWEST + 12) and first.end_s == second.start_s


def test_all_pitches_at_once_are_as_each_alone():
    network, seen = networks.load("bass"), spectra(synthetic.progression("A minor", 120, 2.0, RATE).astype(np.float32))
    hidden = networks.standardised(network, around(seen)) @ network["0.weight"] + network["0.bias"] + network["register"]
    alone = networks.layers(network, np.maximum(hidden, 0).reshape(-1, hidden.shape[-1]), 1).reshape(len(seen), PITCHES, 2)
    np.testing.assert_allclose(np.stack(likelihoods(network, seen), -1), alone, atol=2e-3)


@pytest.mark.parametrize("audio", [np.zeros(4 * RATE), np.zeros(0), np.zeros(3000), 0.01 * synthetic.noise(4, RATE)])
def test_silence_and_noise_have_none(audio):
    assert transcribe_bass(audio.astype(np.float32)) == []


def test_notes_are_in_order_and_not_empty():
    notes = transcribe_bass(synthetic.progression("A minor", 120, 8.0, RATE).astype(np.float32))
    assert notes and all(isinstance(note, BassNote) and note.end_s > note.start_s for note in notes)
    assert all(a.end_s <= b.start_s for a, b in zip(notes, notes[1:], strict=False))
