"""The U-Net's shapes; that its numbers are the reference's is tested in test_flow_matching.py, as part of the whole."""

import pytest
import torch

from engine.models.unet import Estimator, time_embedding
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
