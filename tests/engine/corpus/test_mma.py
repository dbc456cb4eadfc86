"""Accompaniments by MMA: the same for a seed, on a grid, and no longer than their section."""

import shutil

import numpy as np
import pytest

from engine.corpus.arrange import compose
from engine.corpus.styles import STYLES

needs_mma = pytest.mark.skipif(shutil.which("mma") is None, reason="needs mma: install the Debian package mma")


def piece(style, seed=0):
    return compose(style, np.random.default_rng([seed, 7]))


@needs_mma
def test_mma_gives_the_same_notes_for_the_same_seed():
    style = next(style for style in STYLES if style.mma)
    assert piece(style) == piece(style)


@needs_mma
def test_notes_start_on_twelfths_of_a_beat_within_the_piece():
    style = next(style for style in STYLES if style.mma)
    made = piece(style)
    accompaniment = [note for note in made.notes if note.channel != 3]  # the lead is our own
    assert accompaniment and all(round(12 * note.start) == pytest.approx(12 * note.start) for note in accompaniment)
    assert all(0 <= note.start < made.bars * style.beats for note in made.notes)
