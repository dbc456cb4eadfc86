"""Chords found in chords that were played."""

import numpy as np
import pytest

from engine.music.chords import bars, estimate_chords
from engine.music.grid import Grid
from engine.words import CHORDS, NOTES, chord_notes, parse_chord
from tests import synthetic

RATE = 12_000


def played(*names, seconds=2.0):
    """Each for so long, as organ-like notes; drums beside them."""
    notes = [tuple(chord_notes(name)) for name in names]
    audio = synthetic.chords(notes, len(names) * seconds, rate=RATE)
    drums = synthetic.clicks(120, len(names) * seconds, rate=RATE)[: len(audio)]
    return (audio + 0.2 * drums).astype(np.float32)


@pytest.mark.parametrize("names", [("Am", "F", "C", "G"), ("Dm7", "G7", "Cmaj7", "A7"), ("F#m", "D", "A", "E")])
def test_each_bar_has_its_chord(names):
    measured = estimate_chords(played(*names), RATE, Grid(120), None)
    assert [start for start, _ in measured] == [0.0, 2.0, 4.0, 6.0]
    assert [parse_chord(name)[0] for _, name in measured] == [parse_chord(name)[0] for name in names]


def test_equal_bars_are_one_chord_and_silence_is_none():
    audio = np.concatenate([played("Am", "Am", "F"), np.zeros(2 * RATE, np.float32)])
    assert estimate_chords(audio, RATE, Grid(120), None) == [(0.0, "Am"), (4.0, "F"), (6.0, "-")]


def test_a_piece_that_begins_within_a_bar_has_its_chords_on_the_bar_lines():
    audio = played("Am", "F", "C")[RATE // 2 :]
    assert [start for start, _ in estimate_chords(audio, RATE, Grid(120, 4, 1.0), None)] == [0.0, 1.5, 3.5]
    assert [round(end - start, 3) for start, end in bars(Grid(120, 4, 3.5), 4.25)] == [2.0, 2.0]  # the quarter second is no bar


def test_every_chord_has_a_name_that_is_understood():
    for root, note in enumerate(NOTES):
        for kind, steps in CHORDS.items():
            assert parse_chord(note + kind) == (root, kind)
            assert chord_notes(note + kind) == tuple(48 + root + step for step in steps)
    assert parse_chord("-") is None and chord_notes("-") == ()
    for wrong in ("H", "Amaj", "", "Am9"):
        with pytest.raises(ValueError, match="no chord"):
            parse_chord(wrong)
