"""SRFM: audio tokens → codec latents by conditional flow matching.

Tokens pass a small transformer with relative positions and a length regulator, which gives the mean `mu` at the latent rate.
An Euler solver then carries noise to latents along the velocity that a U-Net estimates from (x, t, mu), with
classifier-free guidance: v = (1 + rate)·v(mu) − rate·v(0), both in one batch.

Attention and group normalisation see the whole input, so windows of a piece agree only approximately; whoever cuts
windows gives them context. Any length from one token works. Layout: InspireMusic (arXiv 2503.00084), after CosyVoice
(arXiv 2407.05407) and Matcha-TTS (arXiv 2309.03199).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import FlowConfig

# Keys of a released flow.pt that inference has no use for: (regular expression, why).
IGNORED_KEYS = (
    (r"encoder_proj\..*", "a projection to mel width that the published code never calls"),
    (r"quantizer\..*", "a copy of the codec's codebooks, which made the training targets"),
)

SIGMA_MIN = 1e-6  # what is left of the noise at t = 1
UNCONDITIONAL_SHARE = 0.2  # of the training samples, so that guidance has an unconditional velocity to push off from
ESTIMATOR_GROUPS = 8
TIME_SCALE = 1000.0


class FlowMatching(nn.Module):
    """Keys are those of the released flow.pt, less IGNORED_KEYS."""

    def __init__(self, config: FlowConfig):
        super().__init__()
        self.config = config
        self.input_embedding = nn.Embedding(config.token_vocab_size, config.input_size)
        self.encoder = Encoder(config)
        self.length_regulator = LengthRegulator(config.width, config.regulator_blocks)
        self.decoder = nn.ModuleDict({"estimator": Estimator(config)})

    def encode(self, tokens: Tensor) -> Tensor:
        """tokens: [B, T] at the token rate → mu [B, T·frames_per_token, D] at the latent rate."""
        encoded = self.encoder(self.input_embedding(tokens))
        return self.length_regulator(encoded, tokens.shape[1] * self.config.frames_per_token)

    def velocity(self, x: Tensor, t: Tensor, mu: Tensor) -> Tensor:
        """x, mu: [B, D, F], t: [B] from 0 (noise) to 1 (latents) → dx/dt [B, D, F]. A mu of zeros is the unconditional one."""
        return self.decoder["estimator"](x, t, mu)

    def solve(
        self,
        mu: Tensor,
        noise: Tensor,
        *,
        steps: int | None = None,
        guidance_rate: float | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Tensor | None:
        """mu, noise: [B, D, F] → latents [B, D, F]. None as soon as `cancelled()`, asked before each step, says so.

        steps and guidance_rate default to the configuration's.
        """
        assert mu.shape == noise.shape, f"mu {tuple(mu.shape)} and noise {tuple(noise.shape)} must both be [B, D, F]"
        rate = self.config.guidance_rate if guidance_rate is None else guidance_rate
        times = step_times(self.config.steps if steps is None else steps)
        condition = torch.cat([mu, torch.zeros_like(mu)]) if rate else mu
        x = noise
        for t, t_next in zip(times, times[1:], strict=False):
            if cancelled():
                return None
            at = x.new_full((len(condition),), t)
            if rate:
                conditional, unconditional = self.velocity(torch.cat([x, x]), at, condition).chunk(2)
                v = (1 + rate) * conditional - rate * unconditional
            else:
                v = self.velocity(x, at, condition)
            x = x + (t_next - t) * v
        return x

    def loss(self, tokens: Tensor, latents: Tensor) -> Tensor:
        """tokens: [B, T], latents: [B, D, T·frames_per_token] → the mean squared error of the velocity, a scalar.

        Optimal-transport paths from noise to latents (arXiv 2210.02747), times drawn as densely as the solver's steps lie.
        """
        mu = self.encode(tokens).transpose(1, 2)
        assert mu.shape == latents.shape, f"latents must be {tuple(mu.shape)} for these tokens, got {tuple(latents.shape)}"
        batch = len(latents)
        kept = torch.rand(batch, 1, 1, device=mu.device) >= UNCONDITIONAL_SHARE
        t = 1 - torch.cos(0.5 * math.pi * torch.rand(batch, 1, 1, device=mu.device))
        noise = torch.randn_like(latents)
        x = (1 - (1 - SIGMA_MIN) * t) * noise + t * latents
        return F.mse_loss(self.velocity(x, t[:, 0, 0], mu * kept).float(), latents - (1 - SIGMA_MIN) * noise)


def step_times(steps: int) -> list[float]:
    """The solver's times, 0 to 1, dense at the noisy end: 1 − cos(π/2 · i / steps)."""
    return [1 - math.cos(0.5 * math.pi * i / steps) for i in range(steps + 1)]


# --- tokens → mu -----------------------------------------------------------------------------------------------------


class Encoder(nn.Module):
    """Pre-norm transformer over embedded tokens [B, T, input_size] → [B, T, width], with relative positions."""

    def __init__(self, config: FlowConfig):
        super().__init__()
        self.scale = math.sqrt(config.width)
        projection = nn.Sequential(nn.Linear(config.input_size, config.width), nn.LayerNorm(config.width))
        self.embed = nn.ModuleDict({"out": projection})
        self.encoders = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.after_norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed["out"](x) * self.scale
        positions = relative_positions(x.shape[1], x.shape[2], x.device)
        for layer in self.encoders:
            x = layer(x, positions)
        return self.after_norm(x)


class EncoderLayer(nn.Module):
    def __init__(self, config: FlowConfig):
        super().__init__()
        self.norm_mha = nn.LayerNorm(config.width)
        self.self_attn = RelativeAttention(config.width, config.encoder_heads)
        self.norm_ff = nn.LayerNorm(config.width)
        self.feed_forward = nn.ModuleDict(
            {"w_1": nn.Linear(config.width, config.encoder_ffn), "w_2": nn.Linear(config.encoder_ffn, config.width)}
        )

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        x = x + self.self_attn(self.norm_mha(x), positions)
        return x + self.feed_forward["w_2"](F.silu(self.feed_forward["w_1"](self.norm_ff(x))))


class RelativeAttention(nn.Module):
    """Attention whose score of query i and key j is (q_i + u)·k_j + (q_i + v)·p(i − j) (Transformer-XL, arXiv 1901.02860)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.head_dim = heads, width // heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.linear_out = nn.Linear(width, width)
        self.pos_bias_u = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, self.head_dim)))
        self.pos_bias_v = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, self.head_dim)))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """x: [B, T, width], positions: [2T − 1, width], farthest past first → [B, T, width]."""
        query = self.linear_q(x).unflatten(-1, (self.heads, -1))  # [B, T, H, d]
        key, value = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.linear_k, self.linear_v))
        offsets = self.linear_pos(positions).unflatten(-1, (self.heads, -1)).permute(1, 2, 0)  # [H, d, 2T − 1]
        by_offset = (query + self.pos_bias_v).transpose(1, 2) @ offsets
        bias = _by_key(by_offset) / math.sqrt(self.head_dim)
        query = (query + self.pos_bias_u).transpose(1, 2)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        return self.linear_out(attended.transpose(1, 2).flatten(2))


def _by_key(scores: Tensor) -> Tensor:
    """[B, H, T, 2T − 1] by offset i − j, largest first → [B, H, T, T] by key j: row i starts T − 1 − i columns in."""
    batch, heads, length, _ = scores.shape
    skewed = F.pad(scores, (1, 0)).view(batch, heads, 2 * length, length)[:, :, 1:]
    return skewed.reshape(batch, heads, length, 2 * length - 1)[..., :length]


@functools.lru_cache(maxsize=8)
def relative_positions(length: int, width: int, device: torch.device) -> Tensor:
    """Sinusoids of the offsets length − 1 … 1 − length: [2·length − 1, width], sines and cosines interleaved."""
    with torch.inference_mode(False):  # the cached table must serve training too
        offsets = torch.arange(length - 1, -length, -1, device=device, dtype=torch.float32)
        rates = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10_000.0) / width))
        angles = offsets[:, None] * rates
        return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class LengthRegulator(nn.Module):
    """[B, T, width] → [B, frames, width]: linear interpolation, then convolutions, each normalised over the whole input."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(blocks):
            layers += [nn.Conv1d(width, width, 3, padding=1), nn.GroupNorm(1, width), nn.Mish()]
        self.model = nn.Sequential(*layers, nn.Conv1d(width, width, 1))

    def forward(self, x: Tensor, frames: int) -> Tensor:
        return self.model(F.interpolate(x.transpose(1, 2), size=frames, mode="linear")).transpose(1, 2)


# --- the U-Net -------------------------------------------------------------------------------------------------------


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
            resample = nn.Conv1d(width, width, 3, padding=1) if last else Resample(nn.Conv1d(width, width, 3, 2, 1))
            self.down_blocks.append(_stage(config, width_in, width, time_width, resample))
            width_in = width
        self.mid_blocks = nn.ModuleList(_stage(config, width_in, width_in, time_width) for _ in range(config.mid_blocks))
        self.up_blocks = nn.ModuleList()
        for level, width in enumerate((*channels[-2::-1], channels[0])):
            last = level == len(channels) - 1
            resample = nn.Conv1d(width, width, 3, padding=1) if last else Resample(nn.ConvTranspose1d(width, width, 4, 2, 1))
            self.up_blocks.append(_stage(config, 2 * width_in, width, time_width, resample))
            width_in = width
        self.final_block = ConvBlock(width_in, width_in)
        self.final_proj = nn.Conv1d(width_in, config.width, 1)

    def forward(self, x: Tensor, t: Tensor, mu: Tensor) -> Tensor:
        time = self.time_mlp["linear_1"](time_embedding(t, x.shape[1] * 2).to(x.dtype))
        time = self.time_mlp["linear_2"](F.silu(time))
        x = torch.cat([x, mu], dim=1)
        skips = []
        for residual, transformers, downsample in self.down_blocks:
            x = _transform(transformers, residual(x, time))
            skips.append(x)
            x = downsample(x)
        for residual, transformers in self.mid_blocks:
            x = _transform(transformers, residual(x, time))
        for residual, transformers, upsample in self.up_blocks:
            skip = skips.pop()
            # An odd length was rounded up on the way down and comes back one too long.
            x = torch.cat([x[..., : skip.shape[-1]], skip], dim=1)
            x = upsample(_transform(transformers, residual(x, time)))
        return self.final_proj(self.final_block(x))


def time_embedding(t: Tensor, width: int) -> Tensor:
    """t: [B] → [B, width]: sines, then cosines, of t in thousandths."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=t.device) * (-math.log(10_000.0) / (half - 1)))
    angles = TIME_SCALE * t.float()[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _stage(config: FlowConfig, width_in: int, width: int, time_width: int, *resample: nn.Module) -> nn.ModuleList:
    transformers = (TransformerBlock(config, width) for _ in range(config.transformer_blocks))
    return nn.ModuleList([ResidualBlock(width_in, width, time_width), nn.ModuleList(transformers), *resample])


def _transform(blocks: nn.ModuleList, x: Tensor) -> Tensor:
    """Runs transformer blocks, which want [B, T, C], on [B, C, T]."""
    x = x.transpose(1, 2)
    for block in blocks:
        x = block(x)
    return x.transpose(1, 2)


class Resample(nn.Module):
    def __init__(self, conv: nn.Module):
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class ConvBlock(nn.Module):
    def __init__(self, width_in: int, width: int):
        super().__init__()
        self.block = nn.Sequential(nn.Conv1d(width_in, width, 3, padding=1), nn.GroupNorm(ESTIMATOR_GROUPS, width), nn.Mish())

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class ResidualBlock(nn.Module):
    """Two convolution blocks with the time added between them, and a shortcut."""

    def __init__(self, width_in: int, width: int, time_width: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Mish(), nn.Linear(time_width, width))
        self.block1 = ConvBlock(width_in, width)
        self.block2 = ConvBlock(width, width)
        self.res_conv = nn.Conv1d(width_in, width, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.block2(self.block1(x) + self.mlp(time)[..., None]) + self.res_conv(x)


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
        attended = F.scaled_dot_product_attention(query, key, value)
        x = x + self.attn1["to_out"](attended.transpose(1, 2).flatten(2))
        return x + self.ff(self.norm3(x))


class FeedForward(nn.Module):
    """Its indices and names are the checkpoints': `net.0.proj`, then (a dropout once) `net.2`."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        expand = nn.ModuleDict({"proj": nn.Linear(width, inner)})
        self.net = nn.ModuleList([expand, nn.Identity(), nn.Linear(inner, width)])

    def forward(self, x: Tensor) -> Tensor:
        return self.net[2](F.gelu(self.net[0]["proj"](x)))
