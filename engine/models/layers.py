"""Layers that more than one network uses. `[B, C, T]` throughout; names give the released checkpoints' keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def members(parts: Iterable[nn.Module], kind: type[M]) -> Iterator[M]:
    """The parts of a ModuleList, all of one kind, by their own type."""
    for part in parts:
        assert isinstance(part, kind), f"a {type(part).__name__} is no {kind.__name__}"
        yield part


class _WeightNorm(nn.Module):
    """weight = weight_g · weight_v / ‖weight_v‖, the norm over all but dim 0 (old-style weight normalisation, arXiv 1602.07868).

    Kept as plain parameters so that keys are the released ones and loading needs no hooks.
    """

    def __init__(self, shape: tuple[int, int, int], out_channels: int):
        super().__init__()
        self.weight_v = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(shape), a=5**0.5))
        self.weight_g = nn.Parameter(self.weight_v.detach().flatten(1).norm(dim=1).view(-1, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    folded: Tensor  # there once `fold` was called

    @property
    def weight(self) -> Tensor:
        if "folded" in self._buffers:
            return self.folded
        out: Tensor = self.weight_v * (self.weight_g / self.weight_v.flatten(1).norm(dim=1).view(-1, 1, 1))
        return out

    def fold(self) -> None:
        """Computes the weight once, for inference. The parameters it came from are dropped."""
        if "folded" not in self._buffers:
            self.register_buffer("folded", self.weight.detach().clone())
            del self.weight_v, self.weight_g


def fold_weight_norm(network: nn.Module) -> None:
    """Folds every weight-normalised convolution of a network: the result is the same, the keys are not."""
    for module in network.modules():
        if isinstance(module, _WeightNorm):
            module.fold()


class WNConv1d(_WeightNorm):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
    ):
        super().__init__((out_channels, in_channels, kernel_size), out_channels)
        self.stride, self.padding, self.dilation = stride, padding, dilation

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)


class WNConvTranspose1d(_WeightNorm):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, padding: int = 0):
        super().__init__((in_channels, out_channels, kernel_size), out_channels)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose1d(x, self.weight, self.bias, self.stride, self.padding)


class ConvNeXtBlock(nn.Module):
    """Depth-wise convolution, LayerNorm, two linear layers, scaled residual (arXiv 2201.03545). [B, C, T] → [B, C, T]."""

    KERNEL_SIZE = 7

    def __init__(self, width: int, hidden: int, norm: nn.Module | None = None, layer_scale: float = 0.25):
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, self.KERNEL_SIZE, padding=self.KERNEL_SIZE // 2, groups=width)
        self.norm = norm or nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, hidden)
        self.pwconv2 = nn.Linear(hidden, width)
        self.gamma = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).transpose(1, 2))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        out: Tensor = x + y.transpose(1, 2)
        return out


class ISTFT(nn.Module):
    """Inverse STFT with "same" padding: [B, n_fft/2 + 1, T] complex64 → [B, T·hop] float32. Periodic Hann window.

    Frame t is centred on the middle of samples t·hop to (t + 1)·hop, and the sum is divided by that of the squared windows,
    so audio is whole from the first sample to the last.
    """

    def __init__(self, n_fft: int, hop: int):
        super().__init__()
        assert n_fft % hop == 0 and n_fft >= 2 * hop, f"n_fft {n_fft} must be a multiple of hop {hop}, twice as long at least"
        self.n_fft, self.hop = n_fft, hop
        self.window: Tensor
        self.register_buffer("window", torch.hann_window(n_fft))

    def forward(self, spectrum: Tensor) -> Tensor:
        frames = spectrum.shape[-1]
        window = self.window.float()[:, None]
        pieces = torch.fft.irfft(spectrum, self.n_fft, dim=1) * window  # [B, n_fft, T]
        envelope = window.square().expand(1, -1, frames)
        start = (self.n_fft - self.hop) // 2
        audio, envelope = (self._overlap_add(x)[:, start : start + frames * self.hop] for x in (pieces, envelope))
        return audio / envelope

    def _overlap_add(self, pieces: Tensor) -> Tensor:
        """[B, n_fft, T] → [B, (T - 1)·hop + n_fft]: each frame's blocks of hop samples, shifted and summed."""
        batch, _, frames = pieces.shape
        overlap = self.n_fft // self.hop
        blocks = pieces.reshape(batch, overlap, self.hop, frames).transpose(2, 3)  # [B, overlap, T, hop]
        padded = [F.pad(blocks[:, i], (0, 0, i, overlap - 1 - i)) for i in range(overlap)]
        return sum(padded, start=torch.zeros(())).flatten(1)


def reflect(x: Tensor, left: int, right: int) -> Tensor:
    """[B, C, T] → [B, C, left + T + right], mirrored.

    Reflection needs more samples than it mirrors: a very short input is lengthened by zeros first.
    """
    lacking = max(left, right) + 1 - x.shape[-1]
    if lacking <= 0:
        return F.pad(x, (left, right), mode="reflect") if left or right else x
    padded = F.pad(F.pad(x, (0, lacking)), (left, right), mode="reflect")
    return padded[..., : padded.shape[-1] - lacking]
