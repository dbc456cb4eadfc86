"""A decode step whose weights have eight bits to begin with, as `sketch`'s on disk: the same numbers, a quarter of the bytes.

One call of `engine.acceleration.kernels` a layer. Nothing is rounded that float32 would not round.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.acceleration.side_by_side import side_by_side
from engine.config import LanguageModelConfig
from engine.models.cache import KVCache
from engine.models.language_model import LanguageModel, Layer, rope_tables
from engine.models.layers import members

SAME = 1e-6  # of a row's largest weight: what rounding of float32 makes of codes times scale

Floats = NDArray[np.float32]
Linear = tuple[NDArray[np.int8], Floats, Floats]  # codes [out, in], scales [out], bias [out]


@dataclass(frozen=True, eq=False)
class EightBitWeights:
    """layers: of each what `kernels.layer` takes between `x` and `eps`."""

    config: LanguageModelConfig
    layers: Sequence[tuple[NDArray[np.generic], ...]]
    norm: Floats
    head: Linear
    cores: int = 1  # that the rows of several pieces may be divided among

    def step(self, cache: KVCache) -> EightBitStep:
        return EightBitStep(self, cache)


def eight_bit_weights(model: LanguageModel, cores: int = 1) -> EightBitWeights | None:
    """None where a weight is not a whole number of eight bits times its row's scale, or numba does not run here."""
    if (head := _linear([model.llm_decoder])) is None:
        return None
    layers = []
    for layer in members(model.backbone.layers, Layer):
        attention, mlp = layer.self_attn, layer.mlp
        qkv, o, gate_up, down = (
            _linear(parts)
            for parts in (
                [attention.q_proj, attention.k_proj, attention.v_proj], [attention.o_proj], [mlp.gate_proj, mlp.up_proj],
                [mlp.down_proj],
            )
        )  # fmt: skip
        if qkv is None or o is None or gate_up is None or down is None:
            return None
        before, after = (_floats(norm.weight) for norm in (layer.input_layernorm, layer.post_attention_layernorm))
        layers.append((before, *qkv, *o, after, *gate_up, *down))
    try:
        from engine.acceleration import kernels  # noqa: F401  compiled here
    except Exception as error:  # whatever is missing: ONNX Runtime takes the step all the same
        logging.getLogger(__name__).warning("numba does not compile steps in eight bits, ONNX Runtime runs them: %s", error)
        return None
    return EightBitWeights(model.config, layers, _floats(model.backbone.norm.weight), head, cores)


class EightBitStep:
    """Bound to a cache: one position of all its rows a call, and room to work in.

    Rows are divided among cores, two at least on each: a single piece under guidance stays on one.
    """

    def __init__(self, weights: EightBitWeights, cache: KVCache) -> None:
        from engine.acceleration import kernels

        config, rows = weights.config, cache.layers[0].shape[1]
        heads, width = config.num_attention_heads, config.head_dim
        self._kernels, self._weights, self._eps, self._heads = kernels, weights, np.float32(config.rms_norm_eps), heads
        cos, sin = (table.numpy() for table in rope_tables(config, cache.capacity, torch.device("cpu")))
        self._cos, self._sin = np.ascontiguousarray(cos[:, : width // 2]), np.ascontiguousarray(sin[:, width // 2 :])
        self._caches = [layer.numpy() for layer in cache.layers]
        hidden = torch.zeros(rows, dtype=torch.long) if cache.mask is None else (cache.mask[:, 0, 0] != 0).sum(-1)
        self._begins = hidden.numpy()
        columns = [config.hidden_size, (heads + 2 * config.num_key_value_heads) * width, heads * width]
        columns += [2 * config.intermediate_size, config.intermediate_size]
        self._x = np.zeros((rows, config.hidden_size), np.float32)
        self._logits = torch.zeros(rows, config.audio_vocab_size + 1)
        out = self._logits.numpy()
        parts = np.array_split(np.arange(rows), max(1, min(weights.cores, rows // 2)))
        self._parts: list[tuple[int, Floats, Floats, list[Floats]]] = []
        for part in parts:
            room = [np.zeros((len(part), wide), np.float32) for wide in columns]
            room += [np.zeros((2, cache.capacity), np.float32), np.zeros((2, width), np.float32)]
            first, end = int(part[0]), int(part[-1]) + 1
            self._parts.append((first, self._x[first:end], out[first:end], room))

    def __call__(self, x: Tensor, start: int) -> Tensor:
        """x [rows, H] at position `start` → logits [rows, V], which the next call overwrites."""
        self._x[:] = x.numpy()
        side_by_side([partial(self._run, start, *part) for part in self._parts], self._weights.cores)
        return self._logits

    def _run(self, start: int, first: int, x: Floats, out: Floats, room: list[Floats]) -> None:
        """The rows from `first` on: x [rows, H] → out [rows, V]"""
        weights, kernels = self._weights, self._kernels
        place = (self._eps, self._heads, self._cos[start], self._sin[start])
        for layer, cache in zip(weights.layers, self._caches, strict=True):
            kernels.layer(x, *layer, *place, cache, self._begins, first, start, *room)
        kernels.rms_norm(x, weights.norm, self._eps, room[0])
        kernels.linear(room[0], *weights.head, out)


@torch.inference_mode()
def _linear(parts: list[nn.Linear]) -> Linear | None:
    """Linear layers side by side; None where eight bits would change a weight."""
    weight = torch.cat([part.weight.detach() for part in parts]).float()
    scales = (weight.abs().amax(1, keepdim=True) / 127).clamp(min=1e-12)
    codes = (weight / scales).round()
    if not bool(((codes * scales - weight).abs() <= SAME * 127 * scales).all()):
        return None
    biases = [torch.zeros(len(part.weight)) if part.bias is None else part.bias.detach() for part in parts]
    return codes.to(torch.int8).numpy(), _floats(scales[:, 0]), _floats(torch.cat(biases))


def _floats(values: Tensor) -> Floats:
    found: Floats = values.detach().float().contiguous().numpy()
    return found
