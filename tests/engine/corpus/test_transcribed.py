"""Excerpts have the notes that sound in them."""

import itertools

import numpy as np

from engine.corpus.arrange import compose
from engine.corpus.piece import DRUM_CHANNEL, Note
from engine.corpus.render import SAMPLE_RATE
from engine.corpus.styles import STYLES
from engine.corpus.transcribed import DRUM_CLASSES, bass_line, cut, excerpts
from tests.engine.conftest import needs_fluidsynth


def house():
    style = next(style for style in STYLES if style.name == "house")
    return compose(style, np.random.default_rng(3), drums_alone=0.0, drumless=0.0)


def test_bars_that_are_cut_out_begin_at_nought_and_keep_their_notes():
    piece = house()
    part = cut(piece, 4, 3)
    inside = [note for note in piece.notes if 16 <= note.start < 28]
    assert [note.start for note in part.notes] == [note.start - 16 for note in inside] and len(inside) > 20
    assert part.bars == 3 and part.bpm == piece.bpm


def test_of_a_style_that_mma_plays_the_lowest_low_notes_are_the_bass():
    piece = house()
    assert {note.channel for note in bass_line(piece)} == {0}
    swing = next(style for style in STYLES if style.name == "swing")
    notes = [Note(0, 1, 40, 90, 13), Note(0, 1, 47, 90, 14), Note(1, 1, 62, 90, 13), Note(2, 1, 36, 90, DRUM_CHANNEL)]
    played = type(piece)(**vars(piece) | {"style": swing, "notes": tuple(notes)})
    assert [note.pitch for note in bass_line(played)] == [40]


@needs_fluidsynth
def test_an_excerpt_is_some_seconds_of_a_piece_on_one_side_of_the_split():
    (one,) = itertools.islice(excerpts(1, held_out=False), 1)
    assert len(one.audio) == round(one.piece.seconds * SAMPLE_RATE) and 12 < one.piece.seconds < 20
    assert one.drums.keys() == DRUM_CLASSES.keys()
    assert all(0 <= time_s < one.piece.seconds for times in one.drums.values() for time_s in times)
    assert all(0 <= start_s < end_s <= one.piece.seconds + 1e-6 for start_s, end_s, _ in one.bass)
