"""The judge learns to tell recordings from what was decoded, and what it says moves a decoder towards recordings."""

import pytest
import torch
from safetensors.torch import save_file

from engine.training.adversary import Discriminator, fooling_loss, judging_loss
from engine.training.codec import build
from engine.training.decoder import train as train_decoder
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY

RATE = 12_000


def hiss(batch, seed=0):
    return 0.1 * torch.randn(batch, RATE // 2, generator=torch.Generator().manual_seed(seed))


def strokes(batch, seed=0):
    """The same noise, in short bursts."""
    envelope = torch.exp(-40 * (torch.arange(RATE // 2) % 1500) / RATE)
    return 3 * envelope * hiss(batch, seed)


def test_a_judge_learns_to_tell_and_a_decoder_to_pass():
    torch.manual_seed(0)
    judge = Discriminator(RATE)
    optimizer = torch.optim.Adam(judge.parameters(), lr=2e-3)
    losses = []
    for step in range(30):
        losses.append(judging_loss(judge(strokes(4, step)), judge(hiss(4, 100 + step))))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[0].item() == pytest.approx(2, abs=0.3) and losses[-1] < 0.5 * losses[0]
    gain = torch.zeros(RATE // 2, requires_grad=True)  # a decoder that may only shape the noise
    shaping, told = torch.optim.Adam([gain], lr=0.1), []
    for step in range(30):
        told.append(fooling_loss(judge(strokes(4, step)), judge(hiss(4, 200 + step) * gain.exp())))
        shaping.zero_grad()
        told[-1].backward()
        shaping.step()
    assert told[-1] < 0.8 * told[0]
    loud = strokes(1).abs()[0] > 0.1
    assert gain[loud].mean() > gain[~loud].mean() + 0.2


def test_a_judged_decoder_trains_resumes_and_leaves_encoder_and_codes_alone(corpus, tmp_path, one_second_a_step):
    torch.manual_seed(0)
    before = build(TINY.wavtokenizer)
    save_file(before.state_dict(), tmp_path / "codec.safetensors")
    options = {"batch": 2, "seconds": 0.2, "config": TINY, "adversarial": True}
    train_decoder("wavtokenizer", corpus, tmp_path / "codec.safetensors", tmp_path / "run", minutes=50 / 60, **options)
    refined = train_decoder("wavtokenizer", corpus, tmp_path / "codec.safetensors", tmp_path / "run", minutes=54 / 60, **options)
    log = read_log(tmp_path / "run")
    assert log[-1]["step"] == 54 and {"judging", "fooling", "level"} <= log[0].keys()
    after = refined.state_dict()
    changed = {name.split(".")[0] for name, value in before.state_dict().items() if not torch.equal(after[name], value)}
    assert changed == {"backbone", "head"}
