"""HiFi-Codec: waveform ↔ latents at the codec's frame rate, by way of grouped residual codes.

Mono audio of `sampling_rate` Hz becomes one latent vector a frame of `hop_length` samples; a quantiser rounds latents
to codes (groups × residual levels); a generator turns latents back into audio. In a generation only the quantiser's
vectors and the generator are used: the flow makes latents, the generator makes them audible.

The generator is HiFi-GAN's (arXiv 2010.05646) in the released models; `sketch` has halves of its own (`engine.models.sketch`).
All are local in time, `context` says how far they look. Layout and keys: HiFi-Codec, arXiv 2305.02765.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import HiFiCodecConfig
from engine.models.layers import WNConv1d, WNConvTranspose1d, fold_weight_norm, members
from engine.models.sketch.codec import FrameGenerator, LatentEncoder
from engine.models.sketch.spectral import TonesAndNoise, as_tones_and_noise

SLOPE = 0.1  # of every leaky ReLU but the encoder's last
EDGE_KERNEL = 7  # of the first and the last convolution


class HiFiCodec(nn.Module):
    """Keys are `encoder.*`, `quantizer.*` and `generator.*`: the three dictionaries of the released model.pt."""

    def __init__(self, config: HiFiCodecConfig):
        super().__init__()
        self.config, own = config, config.spectral
        self.samplerate, self.hop_length, self.frame_rate = config.sampling_rate, config.hop_length, config.frame_rate
        self.encoder = Encoder(config) if own is None else LatentEncoder(config, own)
        self.quantizer = Quantizer(config)
        self.generator = Generator(config) if own is None else FrameGenerator(config, own)

    views = 1

    @property
    def context(self) -> int:
        """Latent frames on either side that a frame's audio depends on: with as many neighbours it is as in the whole piece."""
        return self.generator.context

    def encode_features(self, audio: Tensor) -> Tensor:
        """audio: [B, T] mono at `sampling_rate` Hz → latents [B, D, frames], not quantised; zeros fill up the last frame."""
        hop = self.config.hop_length
        out: Tensor = self.encoder(F.pad(audio, (0, -audio.shape[-1] % hop)))
        return out

    def quantize(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features: [B, D, frames] → codes [B, frames, levels·groups] and the latents they stand for, [B, D, frames]."""
        return self.quantizer.quantize(features)

    def embed(self, codes: Tensor) -> Tensor:
        """codes: [B, frames, levels·groups], level by level → latents [B, D, frames]."""
        return self.quantizer.embed(codes)

    def decode_features(self, latents: Tensor, first: int = 0) -> Tensor:
        """latents: [B, D, frames] → audio [B, frames·hop] at `sampling_rate` Hz. first: where in its piece, in frames."""
        out: Tensor = self.generator(latents, first)
        return out

    @property
    def codebooks(self) -> list[Tensor]:
        """Level by level, group by group, each [n_codes, latent_dim / groups]."""
        return [codebook.embedding.weight.data for level in self.quantizer.levels for codebook in level]

    def assignments(self, features: Tensor, codes: Tensor) -> list[tuple[Tensor, Tensor]]:
        """As `engine.models.codec.TrainableCodec`: each level quantises what the levels before left over."""
        residual, columns, codebooks, found = features.transpose(1, 2), iter(codes.unbind(-1)), iter(self.codebooks), []
        for level in self.quantizer.levels:
            rounded = []
            for group in residual.chunk(len(level), dim=-1):
                rows = next(columns).flatten()
                found.append((group.flatten(0, 1), rows))
                rounded.append(next(codebooks)[rows].view_as(group))
            residual = residual - torch.cat(rounded, dim=-1)
        return found

    @property
    def decoder(self) -> list[nn.Module]:
        return [self.generator]

    @property
    def synthesis_head(self) -> TonesAndNoise | None:
        """None for the released architecture."""
        return as_tones_and_noise(getattr(self.generator, "head", None))

    def fold(self) -> None:
        """Replaces weight normalisation by plain weights, for inference; the result is the same, the keys are not."""
        fold_weight_norm(self)


class Encoder(nn.Module):
    """Audio [B, frames·hop] → latents [B, D, frames].

    Strided convolutions, each followed by residual blocks in parallel and normalised over the whole input: what this makes of a
    frame depends on all others, and the level of the whole is lost.
    """

    def __init__(self, config: HiFiCodecConfig):
        super().__init__()
        width = config.encoder_channels
        self.conv_pre = WNConv1d(1, width, EDGE_KERNEL, padding=EDGE_KERNEL // 2)
        self.ups = nn.ModuleList()  # down, in fact: the name is the checkpoints'
        self.resblocks = nn.ModuleList()
        self.normalize = nn.ModuleList()
        for rate, kernel in zip(reversed(config.upsample_rates), reversed(config.upsample_kernel_sizes), strict=True):
            self.ups.append(WNConv1d(width, 2 * width, kernel, stride=rate, padding=(kernel - rate) // 2))
            width *= 2
            for size, dilations in zip(
                reversed(config.resblock_kernel_sizes), reversed(config.resblock_dilation_sizes), strict=True
            ):
                self.resblocks.append(ResBlock(width, size, dilations))
                self.normalize.append(nn.GroupNorm(max(width // 16, 1), width, eps=1e-6))
        self.conv_post = nn.Conv1d(width, config.latent_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_pre(x[:, None])
        n = len(self.resblocks) // len(self.ups)
        for i, down in enumerate(self.ups):
            x = down(F.leaky_relu(x, SLOPE))
            total = torch.zeros(())
            for block, norm in zip(self.resblocks[i * n : (i + 1) * n], self.normalize[i * n : (i + 1) * n], strict=True):
                total = norm(total + block(x))  # of the running sum, as the checkpoints were trained
            x = total / n
        out: Tensor = self.conv_post(F.leaky_relu(x, 0.01))
        return out


class Quantizer(nn.Module):
    """Residual quantisation in channel groups: each level rounds, group by group, what the levels before left over."""

    def __init__(self, config: HiFiCodecConfig):
        super().__init__()
        group_dim = config.latent_dim // config.n_code_groups
        assert group_dim * config.n_code_groups == config.latent_dim, "latent_dim must be a multiple of n_code_groups"
        self.names = ["quantizer_modules" + ("" if level == 0 else str(level + 1)) for level in range(config.n_residual_levels)]
        for name in self.names:
            self.add_module(name, nn.ModuleList(Codebook(config.n_codes, group_dim) for _ in range(config.n_code_groups)))

    @property
    def levels(self) -> list[list[Codebook]]:
        return [list(members(getattr(self, name), Codebook)) for name in self.names]

    def quantize(self, features: Tensor) -> tuple[Tensor, Tensor]:
        residual = features.transpose(1, 2)  # [B, frames, D]
        quantized = torch.zeros_like(residual)
        codes = []
        for level in self.levels:
            parts = []
            for group, codebook in zip(residual.chunk(len(level), dim=-1), level, strict=True):
                codes.append(codebook.nearest(group))
                parts.append(codebook.embedding(codes[-1]))
            rounded = torch.cat(parts, dim=-1)
            residual, quantized = residual - rounded, quantized + rounded
        return torch.stack(codes, dim=-1), quantized.transpose(1, 2)

    def embed(self, codes: Tensor) -> Tensor:
        columns = iter(codes.unbind(-1))
        levels = [torch.cat([book.embedding(next(columns)) for book in level], dim=-1) for level in self.levels]
        return sum(levels, start=torch.zeros(())).transpose(1, 2)


class Codebook(nn.Module):
    def __init__(self, n_codes: int, dim: int):
        super().__init__()
        self.embedding = nn.Embedding(n_codes, dim)

    def nearest(self, vectors: Tensor) -> Tensor:
        """vectors: [B, frames, dim] → indices [B, frames] of the nearest codes, by Euclidean distance."""
        codes = self.embedding.weight
        return (codes.square().sum(1) - 2 * vectors @ codes.T).argmin(-1)


class Generator(nn.Module):
    """HiFi-GAN: latents [B, D, frames] → audio [B, frames·hop] by transposed convolutions and residual blocks."""

    def __init__(self, config: HiFiCodecConfig):
        super().__init__()
        self.config = config
        width = config.upsample_initial_channel
        self.conv_pre = WNConv1d(config.latent_dim, width, EDGE_KERNEL, padding=EDGE_KERNEL // 2)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            self.ups.append(WNConvTranspose1d(width, width // 2, kernel, stride=rate, padding=(kernel - rate) // 2))
            width //= 2
            for size, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True):
                self.resblocks.append(ResBlock(width, size, dilations))
        self.conv_post = WNConv1d(width, 1, EDGE_KERNEL, padding=EDGE_KERNEL // 2)

    views = 1

    @property
    def context(self) -> int:
        """Latent frames on either side that a frame's audio depends on."""
        edge = EDGE_KERNEL // 2
        reach = edge  # samples at the current stage's output rate
        for rate, kernel in zip(reversed(self.config.upsample_rates), reversed(self.config.upsample_kernel_sizes), strict=True):
            reach += max(
                (k - 1) // 2 * sum(d + 1 for d in dilations)
                for k, dilations in zip(self.config.resblock_kernel_sizes, self.config.resblock_dilation_sizes, strict=True)
            )
            # Sample i of a transposed convolution comes from the inputs (i + padding − kernel + 1) / rate to
            # (i + padding) / rate; the frame itself is samples 0 to rate − 1.
            padding = (kernel - rate) // 2
            reach = max((reach + kernel - 1 - padding) // rate, (reach + rate - 1 + padding) // rate)
        return reach + edge

    def forward(self, latents: Tensor, first: int = 0) -> Tensor:  # the same wherever it stands in its piece
        x = self.conv_pre(latents)
        n = len(self.resblocks) // len(self.ups)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            x = sum(block(x) for block in self.resblocks[i * n : (i + 1) * n]) / n
        return torch.tanh(self.conv_post(F.leaky_relu(x, SLOPE)))[:, 0]


class ResBlock(nn.Module):
    """HiFi-GAN's residual block: for each dilation a dilated and a plain convolution, added to their input."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        half = (kernel - 1) // 2
        self.convs1 = nn.ModuleList(WNConv1d(width, width, kernel, dilation=d, padding=d * half) for d in dilations)
        self.convs2 = nn.ModuleList(WNConv1d(width, width, kernel, padding=half) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, SLOPE)), SLOPE))
        return x
