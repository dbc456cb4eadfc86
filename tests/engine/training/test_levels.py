"""Codes fitted to latents: each level rounds what those before leave over."""

import pytest
import torch

from engine.models.hifi_codec import HiFiCodec
from engine.training import levels
from tests.tiny_model import TINY


def test_k_means_finds_the_middles_of_clusters_and_uses_every_code():
    generator = torch.Generator().manual_seed(0)
    centres = 5 * torch.randn(8, 4, generator=generator)
    vectors = (centres[:, None] + 0.1 * torch.randn(8, 64, 4, generator=generator)).flatten(0, 1)
    codes = levels.k_means(vectors, 12, generator)
    assert torch.cdist(vectors, codes).argmin(1).unique().numel() == 12
    assert torch.cdist(vectors, codes).amin(1).max() < 0.6  # a cluster without a code of its own would be farther


def test_each_level_comes_nearer_and_the_sound_is_as_of_the_latents_it_names():
    torch.manual_seed(0)
    codec = HiFiCodec(TINY.hifi_codec).eval()
    features = 3 * torch.randn(1, TINY.hifi_codec.latent_dim, 400)
    before = features.clone()
    levels.fit(codec, features)
    assert torch.equal(features, before)
    codes, rounded = codec.quantize(features)
    left = [features.square().mean().item()]
    books, groups = codec.codebooks, TINY.hifi_codec.n_code_groups
    for level in range(TINY.hifi_codec.n_residual_levels):
        columns = range(groups * (level + 1))
        parts = [sum(books[c][codes[..., c]] for c in columns if c % groups == group) for group in range(groups)]
        left.append((features - torch.cat(parts, dim=-1).transpose(1, 2)).square().mean().item())
    assert all(after < 0.9 * before for before, after in zip(left, left[1:], strict=False))
    assert left[-1] == pytest.approx((features - rounded).square().mean().item(), rel=1e-5)


def test_too_few_frames_are_one_error_and_the_codes_stay():
    codec = HiFiCodec(TINY.hifi_codec).eval()
    before = [codes.clone() for codes in codec.codebooks]
    with pytest.raises(ValueError, match="too few for"):
        levels.fit(codec, torch.randn(1, TINY.hifi_codec.latent_dim, TINY.hifi_codec.n_codes - 1))
    assert all(torch.equal(*pair) for pair in zip(before, codec.codebooks, strict=True))
