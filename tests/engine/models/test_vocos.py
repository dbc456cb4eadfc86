"""The decoder of a released WavTokenizer: what a frame depends on, and magnitudes that stay finite."""

from __future__ import annotations

import pytest
import torch

from engine.config import WavTokenizerConfig
from engine.models.vocos import Backbone, ISTFTHead

CONFIG = WavTokenizerConfig(
    n_filters=4, dimension=32, codebook_size=64, dim=64, intermediate_dim=128, num_layers=3, ratios=(5, 4, 2), pos_net=False
)


@torch.inference_mode()
def test_a_frame_depends_on_its_reach_and_on_nothing_beyond():
    torch.manual_seed(0)
    backbone, features, at = Backbone(CONFIG).eval(), torch.randn(1, CONFIG.dimension, 61), 30
    disturbed = features.clone()
    disturbed[..., at] += 100
    changed = (backbone(disturbed) - backbone(features))[0].abs().amax(1).nonzero().flatten()
    assert (changed.min(), changed.max()) == (at - backbone.reach, at + backbone.reach) and backbone.reach == 3 + 3 * 3


@torch.inference_mode()
def test_with_a_pos_net_every_frame_depends_on_the_whole_piece():
    torch.manual_seed(0)
    small = WavTokenizerConfig(n_filters=4, dimension=32, dim=64, num_layers=1)
    backbone, features = Backbone(small).eval(), torch.randn(1, 32, 61)
    disturbed = features.clone()
    disturbed[..., 30] += 100
    assert (backbone(disturbed) - backbone(features))[0].abs().amax(1).min() > 0


@pytest.mark.parametrize("frames", [1, 8])
def test_a_head_gives_hop_length_samples_a_frame(frames):
    assert ISTFTHead(CONFIG)(torch.randn(2, frames, CONFIG.dim)).shape == (2, frames * CONFIG.hop_length)


def test_an_overflowing_magnitude_is_clipped():
    head = ISTFTHead(CONFIG)
    head.out.bias.data[: CONFIG.n_fft // 2 + 1] = 1000.0
    audio = head(torch.randn(1, 8, CONFIG.dim))
    audio.square().mean().backward()
    assert audio.isfinite().all() and head.out.weight.grad.isfinite().all()
