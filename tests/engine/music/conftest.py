"""A piece with its notes, as the codec's training never had it."""

import dataclasses

import numpy as np
import pytest
import soxr

from engine.corpus.arrange import compose
from engine.corpus.render import SAMPLE_RATE, is_held_out
from engine.corpus.styles import STYLES
from engine.corpus.transcribed import excerpt
from engine.music.drums import RATE


@pytest.fixture(scope="package")
def rock():
    """An excerpt of a held-out rock piece, at RATE."""
    style = next(style for style in STYLES if style.name == "rock")
    for seed in range(1000):
        rng = np.random.default_rng([5, seed])
        piece = compose(style, rng, drums_alone=0.0, drumless=0.0)
        if is_held_out(style, piece.mode, piece.progression, piece.bar_frames):
            found = excerpt(piece, rng)
            return dataclasses.replace(found, audio=soxr.resample(found.audio, SAMPLE_RATE, RATE).astype(np.float32))
    raise AssertionError("one of every style is held out")
