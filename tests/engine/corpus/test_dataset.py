"""What training reads of a corpus: one side of it, crops, and audio at half its rate."""

import numpy as np
import pytest
import torch

from engine.corpus.dataset import Corpus, from_48_khz, halve_rate


def test_a_corpus_reads_one_side_only(corpus):
    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    assert training.names == ["p000000", "p000001"] and held_out.names == ["p000002"]
    crops = training.crops(5, 48_000, np.random.default_rng(0))
    assert crops.shape == (5, 48_000) and crops.abs().amax(1).min() > 1e-3
    assert (crops == training.crops(5, 48_000, np.random.default_rng(0))).all()


def test_halving_the_rate_keeps_what_is_below_and_drops_what_is_above():
    t = torch.arange(48_000) / 48_000
    low, high = (torch.sin(2 * torch.pi * f * t)[None] for f in (1000, 20_000))
    assert halve_rate(low).shape == (1, 24_000)
    assert halve_rate(low)[0, 100:-100].square().mean() == pytest.approx(0.5, abs=0.005)
    assert halve_rate(high)[0, 100:-100].square().mean() < 1e-5


def test_audio_comes_at_the_codecs_rate_and_other_rates_are_rejected():
    audio = torch.randn(2, 4_800)
    assert from_48_khz(audio, 48_000) is audio and torch.equal(from_48_khz(audio, 24_000), halve_rate(audio))
    with pytest.raises(ValueError, match="44100 Hz"):
        from_48_khz(audio, 44_100)
