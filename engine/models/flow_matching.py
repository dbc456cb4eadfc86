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
from engine.models.unet import Estimator

# Keys of a released flow.pt that inference has no use for: (regular expression, why).
IGNORED_KEYS = (
    (r"encoder_proj\..*", "a projection to mel width that the published code never calls"),
    (r"quantizer\..*", "a copy of the codec's codebooks, which made the training targets"),
)

SIGMA_MIN = 1e-6  # what is left of the noise at t = 1
UNCONDITIONAL_SHARE = 0.2  # of the training samples, so that guidance has an unconditional velocity to push off from


class FlowMatching(nn.Module):
    """Keys are those of the released flow.pt, less IGNORED_KEYS."""

    def __init__(self, config: FlowConfig):
        super().__init__()
        self.config = config
        self.input_embedding = nn.Embedding(config.token_vocab_size, config.input_size)
        self.encoder = Encoder(config)
        self.length_regulator = LengthRegulator(config.width, config.regulator_blocks)
        self.decoder = Decoder(config)

    def encode(self, tokens: Tensor) -> Tensor:
        """tokens: [B, T] at the token rate → mu [B, T·frames_per_token, D] at the latent rate."""
        encoded = self.encoder(self.input_embedding(tokens))
        out: Tensor = self.length_regulator(encoded, tokens.shape[1] * self.config.frames_per_token)
        return out

    def velocity(self, x: Tensor, t: Tensor, mu: Tensor) -> Tensor:
        """x, mu: [B, D, F], t: [B] from 0 (noise) to 1 (latents) → dx/dt [B, D, F]. A mu of zeros is the unconditional one.

        In the precision of the estimator's weights (see `narrow`), returned in that of x.
        """
        dtype = self.decoder.dtype
        v: Tensor = self.decoder.estimator(x.to(dtype), t, mu.to(dtype))
        return v.to(x.dtype)

    def narrow(self, dtype: torch.dtype) -> None:
        """The estimator's weights and what passes it in `dtype`. What is solved for, and what makes `mu`, stay as they are."""
        self.decoder.to(dtype)

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


class Decoder(nn.Module):
    """A level of the released keys."""

    def __init__(self, config: FlowConfig):
        super().__init__()
        self.estimator = Estimator(config)

    @property
    def dtype(self) -> torch.dtype:
        return self.estimator.final_proj.weight.dtype


def step_times(steps: int) -> list[float]:
    """The solver's times, 0 to 1, dense at the noisy end: 1 − cos(π/2 · i / steps)."""
    return [1 - math.cos(0.5 * math.pi * i / steps) for i in range(steps + 1)]


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
        out: Tensor = self.after_norm(x)
        return out


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
        out: Tensor = x + self.feed_forward["w_2"](F.silu(self.feed_forward["w_1"](self.norm_ff(x))))
        return out


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
        out: Tensor = self.linear_out(attended.transpose(1, 2).flatten(2))
        return out


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
        out: Tensor = self.model(F.interpolate(x.transpose(1, 2), size=frames, mode="linear")).transpose(1, 2)
        return out
