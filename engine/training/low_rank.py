"""Low-rank adapters (LoRA, arXiv 2106.09685): a small trainable change beside each linear layer."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SCALE = 2.0  # of the change, as the paper's alpha over rank


class LowRank(nn.Module):
    """The change of one linear layer: [..., in] → [..., out] through `rank` numbers; nothing at first."""

    def __init__(self, linear: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        rank = min(rank, *linear.weight.shape)
        self.down = nn.Parameter(torch.randn(rank, linear.in_features, generator=generator) / math.sqrt(linear.in_features))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return SCALE * F.linear(F.linear(x, self.down), self.up)

    def matrix(self) -> Tensor:
        return SCALE * self.up @ self.down


class Adapters(nn.Module):
    """Adapters of all linear layers of a model. The model's own weights are frozen and, until `merge`, untouched."""

    def __init__(self, model: nn.Module, rank: int, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        model.requires_grad_(False)
        self._linears = [part for part in model.modules() if isinstance(part, nn.Linear)]  # a list: they are no part of this
        self._changes = [LowRank(linear, rank, generator) for linear in self._linears]
        self.changes = nn.ModuleList(self._changes)
        pairs = zip(self._linears, self._changes, strict=True)
        self._hooks = [linear.register_forward_hook(_adding(change)) for linear, change in pairs]

    @torch.no_grad()
    def merge(self) -> None:
        """Adds the changes to the model's weights for good; it is then a plain model again."""
        for hook, linear, change in zip(self._hooks, self._linears, self._changes, strict=True):
            hook.remove()
            linear.weight += change.matrix()


def _adding(change: LowRank) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
    def hook(linear: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output + change.forward(inputs[0])

    return hook
