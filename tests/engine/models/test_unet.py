"""The U-Net's shapes; that its numbers are the reference's is tested in test_flow_matching.py, as part of the whole."""

import pytest
import torch
import torch.nn.functional as F

from engine.models import unet
from engine.models.unet import Estimator, attend, time_embedding
from tests.tiny_model import TINY


@pytest.mark.parametrize("frames", [1, 2, 7, 16])
def test_any_length_comes_back_as_long_whatever_the_levels_halve(frames):
    torch.manual_seed(0)
    estimator = Estimator(TINY.flow).eval()
    x, mu = torch.randn(2, 2, TINY.flow.width, frames)
    velocity = estimator(x, torch.tensor([0.0, 0.7]), mu)
    assert velocity.shape == x.shape and velocity.isfinite().all()


def test_moments_are_kept_apart():
    embedded = time_embedding(torch.tensor([0.0, 0.5, 1.0]), 8)
    assert embedded.shape == (3, 8) and torch.equal(embedded[0], torch.tensor([0.0] * 4 + [1.0] * 4))
    assert not torch.allclose(embedded[1], embedded[2])


@pytest.mark.parametrize("scores", [1, 100, 2**20])
@pytest.mark.parametrize("frames", [1, 7, 65])
def test_attention_in_bfloat16_is_that_in_float32_to_its_precision(monkeypatch, scores, frames):
    """Of all heads at once, of some, of one after the other, and where it is left to torch."""
    monkeypatch.setattr(unet, "CACHED_SCORES", scores)
    monkeypatch.setattr(unet, "MOST_SCORED", 64)
    generator = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 2, frames, 3, 8, generator=generator).transpose(2, 3)
    narrow = attend(*(x.to(torch.bfloat16) for x in (query, key, value)))
    expected = F.scaled_dot_product_attention(query, key, value)
    assert narrow.dtype == torch.bfloat16 and narrow.shape == expected.shape
    torch.testing.assert_close(narrow.float(), expected, atol=0.03, rtol=0)
