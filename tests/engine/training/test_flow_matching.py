"""Tokens of a corpus and the flow trained on them."""

import numpy as np
import torch

from engine.training.flow_matching import crops, train
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY


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
