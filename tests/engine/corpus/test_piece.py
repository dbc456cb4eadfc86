"""A piece's tempo and length follow from the token frames of its bars."""

import dataclasses

import pytest

from engine.corpus.piece import FRAME_RATE, Piece, Section
from engine.corpus.styles import STYLES


def test_tempo_and_length_are_exact_in_token_frames():
    four, three = STYLES[0], next(style for style in STYLES if style.beats == 3)
    sections = (Section("intro", 0, 4, ("pad",)), Section("chorus", 4, 8, ("bass", "drums")))
    piece = Piece(four, "warm", 9, "minor", (0, 5), 100, sections, {}, (), {})
    assert (piece.bpm, piece.bars, piece.seconds) == (120.0, 12, 12 * 100 / FRAME_RATE)
    assert dataclasses.replace(piece, style=three).bpm == pytest.approx(90.0)
