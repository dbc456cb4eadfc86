"""The decoder of a released WavTokenizer: ConvNeXt blocks at the frame rate and an inverse STFT (Vocos, arXiv 2306.00814).

Attribute names give the released state-dict keys.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import WavTokenizerConfig
from engine.models.layers import ISTFT, ConvNeXtBlock

LOG_MAGNITUDE_LIMIT = math.log(100.0)  # clipped before exp, so that no gradient is 0 · inf


class Backbone(nn.Module):
    """features [B, dimension, T] → [B, T, dim]."""

    def __init__(self, config: WavTokenizerConfig):
        super().__init__()
        width, rows = config.dim, config.adanorm_num_embeddings
        self.embed = nn.Conv1d(config.dimension, width, 7, padding=3)
        self.pos_net: nn.Module = nn.Identity()
        if config.pos_net:
            kinds: tuple[type[ResidualBlock | SpatialAttention], ...]
            kinds = (ResidualBlock, ResidualBlock, SpatialAttention, ResidualBlock, ResidualBlock)
            self.pos_net = nn.Sequential(*(kind(width) for kind in kinds), nn.GroupNorm(32, width, eps=1e-6))
        self.norm = AdaLayerNorm(rows, width)
        scale = 1 / config.num_layers
        self.convnext = nn.ModuleList(
            ConvNeXtBlock(width, config.intermediate_dim, AdaLayerNorm(rows, width), scale) for _ in range(config.num_layers)
        )
        self.final_layer_norm = nn.LayerNorm(width, eps=1e-6)

    @property
    def reach(self) -> int:
        """Frames on either side that the convolutions look at."""
        return 3 + len(self.convnext) * (ConvNeXtBlock.KERNEL_SIZE // 2)

    def forward(self, features: Tensor) -> Tensor:
        x = self.pos_net(self.embed(features))
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        for block in self.convnext:
            x = block(x)
        out: Tensor = self.final_layer_norm(x.transpose(1, 2))
        return out


class ISTFTHead(nn.Module):
    """[B, T, dim] → log-magnitudes and phases → audio [B, T · hop]."""

    REACH = 2  # frames either side that a frame's audio depends on: windows of four frames overlap

    def __init__(self, config: WavTokenizerConfig):
        super().__init__()
        self.out = nn.Linear(config.dim, config.n_fft + 2)
        self.istft = ISTFT(config.n_fft, config.hop_length)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:  # the same wherever it stands in its piece
        log_magnitude, phase = self.out(x).float().transpose(1, 2).chunk(2, dim=1)
        with torch.autocast(x.device.type, enabled=False):  # phases and their sums need all of float32
            out: Tensor = self.istft(torch.polar(log_magnitude.clamp(max=LOG_MAGNITUDE_LIMIT).exp(), phase))
            return out


class AdaLayerNorm(nn.Module):
    """LayerNorm over channels whose scale and shift are row 0 (the only bandwidth there is) of two tables. [B, T, C]."""

    def __init__(self, rows: int, width: int):
        super().__init__()
        self.scale, self.shift = nn.Embedding(rows, width), nn.Embedding(rows, width)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.scale.weight[0].to(x.dtype), self.shift.weight[0].to(x.dtype), 1e-6)


class ResidualBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm1, self.norm2 = (nn.GroupNorm(32, width, eps=1e-6) for _ in range(2))
        self.conv1, self.conv2 = (nn.Conv1d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return out


class SpatialAttention(nn.Module):
    """Single-head attention over the whole piece."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.q, self.k, self.v, self.proj_out = (nn.Conv1d(width, width, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        q, k, v = (layer(y).transpose(1, 2)[:, None] for layer in (self.q, self.k, self.v))
        out: Tensor = x + self.proj_out(F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2))
        return out
