"""The transcriber's network: notes of known pitches, where it is installed; its activations as notes without it."""

import numpy as np
import pytest

from engine.evaluation import transcriber
from engine.evaluation.transcriber import HOP, LOWEST, MARGIN, RATE, SHORTEST, WINDOW, Note, share_above, transcribe


def test_known_notes_are_found_where_it_is_installed():
    if not transcriber.is_there():
        pytest.skip("basic-pitch is not installed")
    t = np.arange(RATE // 2) / RATE
    pitches = [48, 60, 64, 72, 76]
    tones = [sum(np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * k * t) / k**1.5 for k in range(1, 6)) for p in pitches]
    found = transcribe(np.concatenate([0.2 * tone * np.exp(-4 * t) for tone in tones]), RATE)
    assert {(round(2 * note.start_s), note.pitch) for note in found} >= set(enumerate(pitches))


def test_an_onset_that_goes_on_is_a_note_wherever_a_window_ends(monkeypatch):
    """Activations of a known score, cut into windows as the network gives them."""
    step = WINDOW // HOP + 1 - 2 * MARGIN
    begun = [(10, 40), (step - 1, 45), (step + 30, 50), (2 * step + 5, 60)]

    def activations(windows):
        sounding, onsets = np.zeros((2, len(windows) * step, 88))
        for frame, row in begun:
            onsets[frame, row], sounding[frame : frame + 20, row] = 0.9, 0.8
        onsets[30, 70] = 0.9  # and nothing after it
        cut = [np.pad(part.reshape(len(windows), step, 88), ((0, 0), (MARGIN, MARGIN), (0, 0))) for part in (sounding, onsets)]
        return cut[0], cut[1]

    monkeypatch.setattr(transcriber, "_activations", activations)
    found = transcribe(np.zeros(3 * step * HOP, np.float32), RATE)
    assert [(round(note.start_s * RATE / HOP), note.pitch - LOWEST) for note in found] == begun and SHORTEST < 20


def test_the_share_above_is_of_all_notes_and_of_none_nothing():
    assert share_above([Note(0.0, 72), Note(0.0, 73)]) == 50 and share_above([]) is None
