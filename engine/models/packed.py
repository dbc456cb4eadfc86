"""The language model's layers packed for a few rows at a time: products side by side, in the layout that suits the processor."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.cache import KVCache
from engine.models.language_model import LanguageModel, Layer, rotate
from engine.models.layers import members

BLOCKED_WEIGHTS = 700_000  # from which on a matrix is worth oneDNN's layout: all of the 0.5B model's, none of `sketch`'s


class PackedNetwork:
    """`engine.models.generation.Network` of packed layers.

    Packing copies: with checkpoint weights mapped from disk the originals then cost no memory.
    """

    def __init__(self, model: LanguageModel, dtype: torch.dtype) -> None:
        self.dtype = dtype
        with torch.inference_mode():
            self.layers = [PackedLayer(layer, dtype) for layer in members(model.backbone.layers, Layer)]
            self.norm = ((model.config.hidden_size,), model.backbone.norm.weight.to(dtype), model.config.rms_norm_eps)
            self.head = PackedLinear([model.llm_decoder], dtype)

    def read(self, x: Tensor, cache: KVCache, row: int) -> Tensor:
        first = cache.filled - x.shape[1]
        cos, sin = cache.rope_at(first, cache.filled)
        for layer, kept in zip(self.layers, cache.layers, strict=True):
            x = layer(x, cos, sin, kept[:, row : row + len(x), :, first:], 0)
        return self._predict(x[:, -1])

    def step(self, x: Tensor, cache: KVCache) -> Tensor:
        start, end, x = cache.filled, cache.filled + 1, x[:, None]
        cos, sin = cache.rope_at(start, end)
        mask = None if cache.mask is None else cache.mask[..., :end]
        for layer, kept in zip(self.layers, cache.layers, strict=True):
            x = layer(x, cos, sin, kept, start, mask)
        cache.filled = end
        return self._predict(x[:, -1])

    def follow(self, x: Tensor, cache: KVCache) -> Tensor:
        rows, start, end = len(x), cache.filled, cache.filled + x.shape[1]
        later = torch.ones(end - start, end, dtype=torch.bool, device=x.device).triu(start + 1)
        mask = torch.zeros(later.shape, dtype=x.dtype, device=x.device).masked_fill(later, -torch.inf)[None, None]
        if cache.mask is not None:
            mask = mask + cache.mask[:rows, ..., :end]
        cos, sin = cache.rope_at(start, end)
        for layer, kept in zip(self.layers, cache.layers, strict=True):
            x = layer(x, cos, sin, kept[:, :rows], start, mask)
        return self._predict(x)

    def _predict(self, hidden: Tensor) -> Tensor:
        """Hidden states [..., H] → logits, float32 [..., V]"""
        return self.head(F.rms_norm(hidden, *self.norm)).float()


class PackedLayer:
    """`Layer` for generation: q, k, v in one product, gate and up in another."""

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.head_dim = attention.head_dim
        self.kv_heads = attention.k_proj.out_features // self.head_dim
        self.group = attention.q_proj.out_features // attention.k_proj.out_features
        norms = (layer.input_layernorm, layer.post_attention_layernorm)
        self.norms = [(norm.normalized_shape, norm.weight.to(dtype), norm.eps) for norm in norms]
        self.qkv = PackedLinear([attention.q_proj, attention.k_proj, attention.v_proj], dtype)
        self.o = PackedLinear([attention.o_proj], dtype)
        self.gate_up = PackedLinear([mlp.gate_proj, mlp.up_proj], dtype)
        self.down = PackedLinear([mlp.down_proj], dtype)

    def __call__(self, x: Tensor, cos: Tensor, sin: Tensor, cache: Tensor, start: int, mask: Tensor | None = None) -> Tensor:
        """x: [rows, S, H]; cos, sin: [S, 1, d]; cache: [2, rows, kv heads, capacity, d], written from `start`. mask: added to
        the scores, [rows, 1, 1, end] for one position, [rows or 1, 1, S, end] for more than one where the cache is not empty.
        """
        rows, length = x.shape[:2]
        end = start + length
        heads = self.qkv(F.rms_norm(x, *self.norms[0])).view(rows, length, -1, self.head_dim)
        query_heads = self.kv_heads * self.group
        rotated = rotate(heads[:, :, : query_heads + self.kv_heads], cos, sin)
        q = rotated[:, :, :query_heads].transpose(1, 2)
        cache[0, :, :, start:end] = rotated[:, :, query_heads:].transpose(1, 2)
        cache[1, :, :, start:end] = heads[:, :, query_heads + self.kv_heads :].transpose(1, 2)
        k, v = cache[:, :, :, :end]
        if length == 1:  # the heads of a group see the same keys: one short query each
            q = q.view(rows, self.kv_heads, self.group, self.head_dim)
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).view(rows, 1, -1)
        else:
            causal = mask is None
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=True)
            attended = attended.transpose(1, 2).flatten(2)
        x = x + self.o(attended)
        gate, up = self.gate_up(F.rms_norm(x, *self.norms[1])).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class PackedLinear:
    """Linear layers side by side in one product: [..., in] → [..., sum of outs].

    On a CPU large ones in oneDNN's blocked layout: measured at 0.5B, float32, it takes a quarter of `F.linear`'s time at two rows
    and half of it at 750; in bfloat16 half, and as much. On another processor it gains from four rows on only (a third), and
    at two `sketch`'s matrices take 1.7 times as long.
    """

    def __init__(self, parts: list[nn.Linear], dtype: torch.dtype) -> None:
        self.weight = torch.cat([part.weight for part in parts]).to(dtype)
        self.bias = None if parts[0].bias is None else torch.cat([part.bias for part in parts]).to(dtype)
        large = self.weight.numel() >= BLOCKED_WEIGHTS
        self.blocked = large and self.weight.device.type == "cpu" and onednn_takes(dtype)
        if self.blocked:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, 8)  # a hint: good from 2 rows to thousands

    def __call__(self, x: Tensor) -> Tensor:
        if self.blocked:
            out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
            return out
        return F.linear(x, self.weight, self.bias)


def onednn_takes(dtype: torch.dtype) -> bool:
    """Whether this machine's oneDNN multiplies matrices of `dtype` natively."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # the library has no types there
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())
