"""Tokens and codes of a corpus, encoded once."""

import numpy as np

from engine.corpus.dataset import Corpus
from engine.training.tokens import encode_corpus
from tests.tiny_model import TINY


def test_a_piece_has_as_many_tokens_as_frames_and_twice_as_many_latents(corpus, tokens):
    found = dict(np.load(tokens))
    for name, facts in Corpus(corpus).facts.items():
        frames = sum(s["frames"] for s in facts["sections"])
        assert found[name].shape == (frames,) and found[f"{name}.codes"].shape == (2 * frames, 4)
        half = TINY.wavtokenizer.codebook_size // 2
        harmony, rhythm = found[name][::2], found[name][1::2]
        assert harmony.max() < half <= rhythm.min() and rhythm.max() < TINY.wavtokenizer.codebook_size
        assert min(len(np.unique(harmony)), len(np.unique(rhythm))) > 3


def test_what_is_encoded_is_not_encoded_again(corpus, codecs, tokens, tmp_path):
    found = dict(np.load(tokens))
    found["p000000"] = np.zeros_like(found["p000000"])
    del found["p000001"]
    np.savez(tmp_path / "tokens.npz", **found)
    encode_corpus([Corpus(corpus)], tmp_path / "tokens.npz", *codecs)
    again = dict(np.load(tmp_path / "tokens.npz"))
    assert not again["p000000"].any()
    np.testing.assert_array_equal(again["p000001"], np.load(tokens)["p000001"])
