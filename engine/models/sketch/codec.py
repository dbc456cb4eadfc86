"""The insides of `sketch`'s two codecs: spectral views in, tones and noise out, ConvNeXt blocks at frame rate between.

They stand where the released codecs have SEANet, an inverse STFT and HiFi-GAN; some ten times faster on a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.config import HiFiCodecConfig, SpectralConfig, WavTokenizerConfig
from engine.models.layers import ConvNeXtBlock, WNConv1d
from engine.models.sketch.spectral import NoteEncoder, TonesAndNoise

EDGE_KERNEL = 7


class TokenEncoder(NoteEncoder):
    """Audio [B, T] → [B, dimension, frames]: harmony and rhythm, interleaved frame by frame, each with half of the codebook."""

    views = 2

    def __init__(self, config: WavTokenizerConfig, spectral: SpectralConfig) -> None:
        hop = self.views * config.hop_length
        super().__init__(config.sample_rate, hop, config.dim, spectral.blocks, config.dimension)

    def forward(self, audio: Tensor) -> Tensor:
        return torch.stack(self.towers(audio), dim=-1).flatten(2)


class LatentEncoder(NoteEncoder):
    """Audio [B, T] → latents [B, D, frames]: harmony and rhythm, half of the channels each."""

    def __init__(self, config: HiFiCodecConfig, spectral: SpectralConfig) -> None:
        width, half = config.upsample_initial_channel, config.latent_dim // 2
        super().__init__(config.sampling_rate, config.hop_length, width, spectral.blocks // 2, half)

    def forward(self, audio: Tensor) -> Tensor:
        return torch.cat(self.towers(audio), dim=1)

    def whiten(self, mean: Tensor, deviation: Tensor) -> None:
        """Changes the weights so that latents come out as (latents - mean) / deviation; both are [D]."""
        for tower, m, d in zip((self.harmony, self.rhythm), mean.chunk(2), deviation.chunk(2), strict=True):
            tower.out.weight /= d[:, None]
            tower.out.bias.sub_(m).div_(d)


def token_head(config: WavTokenizerConfig, spectral: SpectralConfig) -> TonesAndNoise:
    return TonesAndNoise(config.dim, config.sample_rate, config.hop_length, spectral.noise_steps, spectral.highest_tone)


class FrameGenerator(nn.Module):
    """Latents [B, D, frames] → audio [B, frames·hop]. All layers at the latent rate, then tones and noise."""

    def __init__(self, config: HiFiCodecConfig, spectral: SpectralConfig) -> None:
        super().__init__()
        width = config.upsample_initial_channel
        self.conv_pre = WNConv1d(config.latent_dim, width, EDGE_KERNEL, padding=EDGE_KERNEL // 2)
        scale = 1 / spectral.blocks
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 3 * width, layer_scale=scale) for _ in range(spectral.blocks))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        rate, hop = config.sampling_rate, config.hop_length
        self.head = TonesAndNoise(width, rate, hop, spectral.noise_steps, spectral.highest_tone)

    @property
    def context(self) -> int:
        """Frames on either side that a decoded frame depends on."""
        return EDGE_KERNEL // 2 + len(self.blocks) * (ConvNeXtBlock.KERNEL_SIZE // 2) + self.head.REACH

    def whiten(self, mean: Tensor, deviation: Tensor) -> None:
        """Changes the weights so that latents that went through (latents - mean) / deviation sound as before; both are [D]."""
        first, weight = self.conv_pre, self.conv_pre.weight
        first.bias.add_((weight.sum(-1) * mean).sum(1))
        first.weight_v.copy_(weight * deviation[:, None])
        first.weight_g.copy_(first.weight_v.flatten(1).norm(dim=1).view(-1, 1, 1))

    def forward(self, latents: Tensor, first: int = 0) -> Tensor:
        x = self.conv_pre(latents)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(self.norm(x.transpose(1, 2)), first)
        return out
