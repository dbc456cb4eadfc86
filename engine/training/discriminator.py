"""Adversarial losses for a decoder's last steps: a discriminator of spectrograms.

Multi-resolution spectrogram discriminator (UnivNet, arXiv 2106.07889) with hinge and feature-matching losses as in EnCodec
(arXiv 2210.13438). A reconstruction loss asks for the mean of all sounds that a stroke may have; this one asks for any of them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.training.loop import Optimizer

WINDOWS_S = (0.01, 0.02, 0.04)  # of the spectrograms
CHANNELS = 16
FLOOR = 1e-4
ADVERSARIAL, MATCHING = 0.05, 0.5  # weights beside a level loss of about 0.35


class Discriminator(nn.Module):
    """Audio [B, T] → for each window the features of every layer, the scores last: [B, channels, frequencies, frames]."""

    def __init__(self, sample_rate: int):
        super().__init__()
        self.sizes = [round(window_s * sample_rate) for window_s in WINDOWS_S]
        self.networks = nn.ModuleList(_network() for _ in self.sizes)

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        return [_features(list(network.children()), audio, size) for network, size in zip(self.networks, self.sizes, strict=True)]


def _features(layers: list[nn.Module], audio: Tensor, size: int) -> list[Tensor]:
    window = torch.hann_window(size, device=audio.device)
    spectrum = torch.stft(audio, size, size // 4, window=window, return_complex=True).abs()
    x, found = (spectrum * 2 / size + FLOOR).log()[:, None] / 3 + 1, []
    *hidden, last = layers
    for layer in hidden:
        x = F.leaky_relu(layer(x), 0.2)
        found.append(x)
    return [*found, last(x)]


def _network() -> nn.ModuleList:
    sizes = [(1, CHANNELS, (2, 1)), (CHANNELS, CHANNELS, (2, 2)), (CHANNELS, CHANNELS, (2, 2)), (CHANNELS, CHANNELS, (1, 1))]
    layers = [nn.Conv2d(before, after, (5, 3), stride, (2, 1)) for before, after, stride in sizes]
    return nn.ModuleList([nn.utils.parametrizations.weight_norm(layer) for layer in [*layers, nn.Conv2d(CHANNELS, 1, 3, 1, 1)]])


def discriminator_loss(real: list[list[Tensor]], decoded: list[list[Tensor]]) -> Tensor:
    """Hinge loss: 2 where it cannot separate recordings from decoded audio, 0 where it always can."""
    pairs = [F.relu(1 - r[-1]).mean() + F.relu(1 + d[-1]).mean() for r, d in zip(real, decoded, strict=True)]
    return torch.stack(pairs).mean()


def adversarial_loss(real: list[list[Tensor]], decoded: list[list[Tensor]]) -> Tensor:
    """The decoder's: adversarial, and matching of the discriminator's features to those of the recording."""
    adversarial = torch.stack([-d[-1].mean() for d in decoded]).mean()
    matching = torch.stack(
        [
            F.l1_loss(b, a.detach()) / a.detach().abs().mean().clamp(min=1e-3)
            for r, d in zip(real, decoded, strict=True)
            for a, b in zip(r[:-1], d[:-1], strict=True)
        ]
    ).mean()
    return ADVERSARIAL * adversarial + MATCHING * matching


class Critic:
    """A discriminator and its optimizer."""

    def __init__(self, sample_rate: int, device: torch.device) -> None:
        self.discriminator = Discriminator(sample_rate).to(device)
        self.optimizer = Optimizer(self.discriminator, lr=3e-4, matrix_lr=3e-4)

    def losses(self, audio: Tensor, decoded: Tensor, scale: float) -> dict[str, Tensor]:
        """Trains the discriminator by one step. Returns its loss and the decoder's adversarial loss against it."""
        own = discriminator_loss(self.discriminator(audio), self.discriminator(decoded.detach()))
        self.optimizer.step(own, scale)
        return {"discriminator": own, "adversarial": adversarial_loss(self.discriminator(audio), self.discriminator(decoded))}
