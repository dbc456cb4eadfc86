"""Tokens of a corpus and the flow trained on them."""

import numpy as np
import pytest
import torch

from engine.corpus.dataset import Corpus, halve_rate
from engine.models.hifi_codec import HiFiCodec
from engine.models.wavtokenizer import WavTokenizer
from engine.training.codec import CodecTrainer
from engine.training.flow_matching import crops, train
from engine.training.tokens import encode_corpus
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY


@pytest.fixture(scope="module")
def codecs(corpus):
    """Untrained, but with codes drawn from the corpus, so that other sounds are other codes."""
    torch.manual_seed(0)
    audio = Corpus(corpus).crops(4, 48_000, np.random.default_rng(0))
    wavtokenizer, hifi_codec = WavTokenizer(TINY.wavtokenizer).eval(), HiFiCodec(TINY.hifi_codec).eval()
    with torch.no_grad():
        CodecTrainer(wavtokenizer).train().loss(halve_rate(audio))
        CodecTrainer(hifi_codec).train().loss(audio)
    return wavtokenizer.eval(), hifi_codec.eval()


@pytest.fixture(scope="module")
def tokens(corpus, codecs, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "tokens.npz"
    encode_corpus([Corpus(corpus), Corpus(corpus, held_out=True)], path, *codecs)
    return path


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


def test_crops_pair_tokens_with_the_latents_of_the_same_moment(codecs, tokens):
    _, hifi_codec = codecs
    data = dict(np.load(tokens))
    found, latents = crops(["p000000"], data, hifi_codec, 3, 20, np.random.default_rng(0))
    assert found.shape == (3, 20) and latents.shape == (3, TINY.hifi_codec.latent_dim, 40)
    with torch.no_grad():
        whole = hifi_codec.embed(torch.from_numpy(data["p000000.codes"].astype(np.int64))[None])[0]
    for row, latent in zip(found.numpy(), latents, strict=True):
        starts = [i for i in range(len(data["p000000"]) - 20) if (data["p000000"][i : i + 20] == row).all()]
        assert any(torch.allclose(whole[:, 2 * i : 2 * i + 40], latent) for i in starts)


def test_a_smoke_run_lowers_the_loss_and_resumes(corpus, codecs, tokens, tmp_path, one_second_a_step):
    options = {"batch": 4, "frames": 40, "config": TINY.flow, "lr": 6e-3, "matrix_lr": 1e-2}
    train(corpus, tokens, codecs[1], tmp_path, minutes=100 / 60, **options)
    log = read_log(tmp_path)
    losses = [row["loss"] for row in log if "loss" in row]
    assert len(losses) == 2 and losses[1] < 0.9 * losses[0], losses
    assert all(np.isfinite(row["held_out"]) for row in log if "held_out" in row)
    average = train(corpus, tokens, codecs[1], tmp_path, minutes=102 / 60, **options)
    assert read_log(tmp_path)[-1]["step"] == 102
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["parts"]["average"]
    torch.testing.assert_close(average.state_dict(), saved, rtol=0, atol=0)
