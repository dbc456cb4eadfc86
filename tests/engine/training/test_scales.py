"""What a scale's tokens are, counted in pieces whose tokens are known."""

import numpy as np
import pytest
import torch

from engine.corpus.dataset import Corpus
from engine.training.scales import LIMITS, scale_bias
from tests.synthetic import write_corpus

VOCABULARY, VIEWS = 64, 2
A_MINOR, C_MAJOR, E_MINOR = "p000000", "p000002", "p000004"  # two of them have the notes of C major, one those of G major


@pytest.fixture
def corpus(tmp_path):
    write_corpus(tmp_path, pieces=7, held_out=2)
    return Corpus(tmp_path)


def piece(note, frames=1000):
    """Every other note is 9, whatever the key; between notes lie strokes."""
    notes = np.where(np.arange(frames) % 2, 9, note)
    return np.stack([notes, np.full(frames, 40)], 1).flatten().astype(np.int16)


def test_notes_of_a_scale_are_likelier_in_it_and_its_relative_minor_counts_with_it(corpus):
    bias = scale_bias(corpus, {A_MINOR: piece(1), C_MAJOR: piece(2), E_MINOR: piece(3)}, VOCABULARY, VIEWS)
    c, g = bias[0], bias[7]
    assert bias.shape == (12, VOCABULARY + 1) and bias.dtype == torch.float32
    assert c[1] == c[2] > 0.2 and c[3] < -1 and g[3] > 0.7 and g[1] < -1
    assert bias[:, 9].abs().max() < 1e-6  # as usual in every scale
    assert (bias[5] == 0).all()  # no piece has it: nothing is known
    assert (bias[:, [0, 40, VOCABULARY]] == 0).all()  # never played; strokes; stop


def test_what_a_scale_never_has_is_unlikely_and_not_forbidden(corpus):
    bias = scale_bias(corpus, {A_MINOR: piece(1, 10**5), E_MINOR: piece(3, 10**5)}, VOCABULARY, VIEWS)
    assert bias[0, 3] == bias[7, 1] == bias.min() == LIMITS[0]


def test_of_pieces_of_drums_alone_nothing_is_learnt(corpus):
    corpus.facts[A_MINOR]["instruments"] = {"drums": "kit"}
    assert (scale_bias(corpus, {A_MINOR: piece(1)}, VOCABULARY, VIEWS) == 0).all()
    assert (scale_bias(corpus, {}, VOCABULARY, VIEWS) == 0).all()


def test_held_out_pieces_are_not_counted(corpus):
    held_out = Corpus(corpus.folder, held_out=True)
    assert (scale_bias(corpus, {name: piece(1) for name in held_out.names}, VOCABULARY, VIEWS) == 0).all()
