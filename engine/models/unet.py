"""The velocity network of flow matching: a one-dimensional U-Net (Matcha-TTS, arXiv 2309.03199) over latents at their rate.

Shapes: B pieces, D latent channels, C channels of a level, F latent frames, T frames of a level. Names give the released keys.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import FlowConfig
from engine.models.layers import members

ESTIMATOR_GROUPS = 8
TIME_SCALE = 1000.0
CACHED_SCORES, MOST_SCORED = 2**20, 2**11  # of attention in bfloat16 on a CPU: scores at a time, frames


class Estimator(nn.Module):
    """The velocity: a 1-D U-Net of residual blocks and transformer blocks; each level but the last halves the rate."""

    def __init__(self, config: FlowConfig):
        super().__init__()
        channels = config.channels
        time_width = 4 * channels[0]
        self.time_mlp = nn.ModuleDict(
            {"linear_1": nn.Linear(2 * config.width, time_width), "linear_2": nn.Linear(time_width, time_width)}
        )
        self.down_blocks = nn.ModuleList()
        width_in = 2 * config.width  # x and mu
        for level, width in enumerate(channels):
            last = level == len(channels) - 1
            resample: nn.Module = nn.Conv1d(width, width, 3, padding=1) if last else Resample(nn.Conv1d(width, width, 3, 2, 1))
            self.down_blocks.append(Stage(config, width_in, width, time_width, resample))
            width_in = width
        self.mid_blocks = nn.ModuleList(Stage(config, width_in, width_in, time_width) for _ in range(config.mid_blocks))
        self.up_blocks = nn.ModuleList()
        for level, width in enumerate((*channels[-2::-1], channels[0])):
            last = level == len(channels) - 1
            resample = nn.Conv1d(width, width, 3, padding=1) if last else Resample(nn.ConvTranspose1d(width, width, 4, 2, 1))
            self.up_blocks.append(Stage(config, 2 * width_in, width, time_width, resample))
            width_in = width
        self.final_block = ConvBlock(width_in, width_in)
        self.final_proj = nn.Conv1d(width_in, config.width, 1)

    def forward(self, x: Tensor, t: Tensor, mu: Tensor) -> Tensor:
        time = self.time_mlp["linear_1"](time_embedding(t, x.shape[1] * 2).to(x.dtype))
        time = self.time_mlp["linear_2"](F.silu(time))
        x = torch.cat([x, mu], dim=1)
        skips = []
        for down in members(self.down_blocks, Stage):
            x = down(x, time)
            skips.append(x)
            x = down.resample(x)
        for mid in self.mid_blocks:
            x = mid(x, time)
        for up in members(self.up_blocks, Stage):
            skip = skips.pop()
            # An odd length was rounded up on the way down and comes back one too long.
            x = torch.cat([x[..., : skip.shape[-1]], skip], dim=1)
            x = up.resample(up(x, time))
        out: Tensor = self.final_proj(self.final_block(x))
        return out


def time_embedding(t: Tensor, width: int) -> Tensor:
    """t: [B] → [B, width]: sines, then cosines, of t in thousandths."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=t.device) * (-math.log(10_000.0) / (half - 1)))
    angles = TIME_SCALE * t.float()[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Stage(nn.ModuleList):
    """A residual block, transformer blocks, and what changes the rate after them, if anything; by place, as the keys are."""

    def __init__(self, config: FlowConfig, width_in: int, width: int, time_width: int, *resample: nn.Module):
        transformers = (TransformerBlock(config, width) for _ in range(config.transformer_blocks))
        super().__init__([ResidualBlock(width_in, width, time_width), nn.ModuleList(transformers), *resample])

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """x: [B, C, T], time: [B, time_width] → [B, C', T] at the same rate; the transformer blocks want [B, T, C]."""
        transformers = self[1]
        assert isinstance(transformers, nn.ModuleList)
        x = self[0](x, time).transpose(1, 2)
        for block in transformers:
            x = block(x)
        return x.transpose(1, 2)

    def resample(self, x: Tensor) -> Tensor:
        resampled: Tensor = self[2](x)
        return resampled


class Resample(nn.Module):
    def __init__(self, conv: nn.Module):
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class ConvBlock(nn.Module):
    def __init__(self, width_in: int, width: int):
        super().__init__()
        self.block = nn.Sequential(nn.Conv1d(width_in, width, 3, padding=1), nn.GroupNorm(ESTIMATOR_GROUPS, width), nn.Mish())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x)
        return out


class ResidualBlock(nn.Module):
    """Two convolution blocks with the time added between them, and a shortcut."""

    def __init__(self, width_in: int, width: int, time_width: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Mish(), nn.Linear(time_width, width))
        self.block1 = ConvBlock(width_in, width)
        self.block2 = ConvBlock(width, width)
        self.res_conv = nn.Conv1d(width_in, width, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        out: Tensor = self.block2(self.block1(x) + self.mlp(time)[..., None]) + self.res_conv(x)
        return out


class TransformerBlock(nn.Module):
    """Self-attention over all of [B, T, C], no positions, then a feed-forward; pre-norm."""

    def __init__(self, config: FlowConfig, width: int):
        super().__init__()
        self.heads = config.attention_heads
        inner = config.attention_heads * config.attention_head_dim
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = nn.ModuleDict({name: nn.Linear(width, inner, bias=False) for name in ("to_q", "to_k", "to_v")})
        self.attn1["to_out"] = nn.Sequential(nn.Linear(inner, width))
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        names = ("to_q", "to_k", "to_v")
        query, key, value = (self.attn1[name](y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for name in names)
        attended = attend(query, key, value)
        x = x + self.attn1["to_out"](attended.transpose(1, 2).flatten(2))
        out: Tensor = x + self.ff(self.norm3(x))
        return out


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Each [B, H, T, d] → [B, H, T, d], no mask.

    On a CPU torch's fused attention is no faster in bfloat16 than in float32, while plain products are twice as fast and more.
    They are made of a few heads at a time, whose scores stay in the caches; of more than MOST_SCORED frames they would not.
    """
    frames = query.shape[-2]
    if query.device.type != "cpu" or query.dtype != torch.bfloat16 or frames > MOST_SCORED:
        return F.scaled_dot_product_attention(query, key, value)
    together = max(1, CACHED_SCORES // frames**2)
    heads = zip(*(part.flatten(0, 1).split(together) for part in (query * query.shape[-1] ** -0.5, key, value)), strict=True)
    attended = [torch.bmm(torch.bmm(q, k.transpose(1, 2)).softmax(-1), v) for q, k, v in heads]
    return torch.cat(attended).view_as(query)


class FeedForward(nn.Module):
    """Its indices and names are the checkpoints': `net.0.proj`, then (a dropout once) `net.2`."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        expand = nn.ModuleDict({"proj": nn.Linear(width, inner)})
        self.net = nn.ModuleList([expand, nn.Identity(), nn.Linear(inner, width)])

    def forward(self, x: Tensor) -> Tensor:
        expand = self.net[0]
        assert isinstance(expand, nn.ModuleDict)
        out: Tensor = self.net[2](F.gelu(expand["proj"](x)))
        return out
