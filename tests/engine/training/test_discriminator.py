"""The discriminator learns to tell recordings from decoded audio, and its gradient moves a decoder towards recordings."""

import pytest
import torch
from safetensors.torch import save_file

from engine.training.codec import build
from engine.training.decoder import train as train_decoder
from engine.training.discriminator import Discriminator, adversarial_loss, discriminator_loss
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY

RATE = 12_000


def hiss(batch, seed=0):
    return 0.1 * torch.randn(batch, RATE // 2, generator=torch.Generator().manual_seed(seed))


def strokes(batch, seed=0):
    """The same noise, in short bursts."""
    envelope = torch.exp(-40 * (torch.arange(RATE // 2) % 1500) / RATE)
    return 3 * envelope * hiss(batch, seed)


def test_the_discriminator_and_a_decoder_against_it_learn():
    torch.manual_seed(0)
    discriminator = Discriminator(RATE)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-3)
    losses = []
    for step in range(30):
        losses.append(discriminator_loss(discriminator(strokes(4, step)), discriminator(hiss(4, 100 + step))))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[0].item() == pytest.approx(2, abs=0.3) and losses[-1] < 0.5 * losses[0]
    gain = torch.zeros(RATE // 2, requires_grad=True)  # a decoder that may only shape the noise
    shaping, adversarial = torch.optim.Adam([gain], lr=0.1), []
    for step in range(30):
        decoded = hiss(4, 200 + step) * gain.exp()
        adversarial.append(adversarial_loss(discriminator(strokes(4, step)), discriminator(decoded)))
        shaping.zero_grad()
        adversarial[-1].backward()
        shaping.step()
    assert adversarial[-1] < 0.8 * adversarial[0]
    loud = strokes(1).abs()[0] > 0.1
    assert gain[loud].mean() > gain[~loud].mean() + 0.2


def test_adversarial_training_resumes_and_leaves_encoder_and_codes_alone(corpus, tmp_path, one_second_a_step):
    torch.manual_seed(0)
    before = build("wavtokenizer", TINY)
    save_file(before.state_dict(), tmp_path / "codec.safetensors")
    options = {"batch": 2, "seconds": 0.2, "config": TINY, "adversarial": True}
    train_decoder("wavtokenizer", corpus, tmp_path / "codec.safetensors", tmp_path / "run", minutes=50 / 60, **options)
    refined = train_decoder("wavtokenizer", corpus, tmp_path / "codec.safetensors", tmp_path / "run", minutes=54 / 60, **options)
    log = read_log(tmp_path / "run")
    assert log[-1]["step"] == 54 and {"discriminator", "adversarial", "level"} <= log[0].keys()
    after = refined.state_dict()
    changed = {name.split(".")[0] for name, value in before.state_dict().items() if not torch.equal(after[name], value)}
    assert changed == {"backbone", "head"}
