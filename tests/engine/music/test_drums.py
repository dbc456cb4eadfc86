"""Strokes found in drums whose notes are known, and in none."""

import numpy as np
import pytest

from engine.evaluation.note_scores import score_times
from engine.music.drums import CLASSES, RATE, bands, candidates, detect_drums
from tests import synthetic
from tests.engine.conftest import needs_fluidsynth


@needs_fluidsynth
def test_strokes_of_a_piece_that_was_never_learnt_are_found(rock):
    strokes = detect_drums(rock.audio)
    for name in CLASSES:
        score = score_times((stroke.at_s for stroke in strokes if name in stroke.drums), rock.drums[name])
        assert score.played > 10 and score.f1 >= 0.8, name
    assert all(earlier.at_s < later.at_s for earlier, later in zip(strokes, strokes[1:], strict=False))


@needs_fluidsynth
def test_gain_changes_nothing(rock):
    assert detect_drums(0.1 * rock.audio[: 4 * RATE]) == detect_drums(rock.audio[: 4 * RATE])


@pytest.mark.parametrize(
    "audio", [np.zeros(4 * RATE), np.zeros(0), np.zeros(30), synthetic.chords([(57, 60, 64)] * 2, 8.0, RATE)]
)
def test_where_no_drums_are_none_are_found(audio):
    assert detect_drums(audio.astype(np.float32)) == []


def test_every_click_is_a_candidate_and_there_once():
    audio = synthetic.clicks(120, 4.0, rate=RATE).astype(np.float32)
    times = candidates(bands(audio)) * 60 / RATE
    assert score_times(times, np.arange(0.5, 4.0, 0.5), 0.015).recall == 1 and len(times) <= 16
