"""The language model's layers packed for a few rows at a time: products side by side, in the layout that suits the processor."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.language_model import Layer, rotate

BLOCKED_WEIGHTS = 700_000  # from which on a matrix is worth oneDNN's layout: all of the 0.5B model's, none of `sketch`'s


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
        """x: [rows, S, H]; cos, sin: [S, 1, d]; cache: [2, rows, kv heads, capacity, d], written from `start`; only an empty one
        takes more than one position. mask: [rows, 1, 1, end], for one position.
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
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).transpose(1, 2).flatten(2)
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
        self.blocked = large and self.weight.device.type == "cpu" and _onednn_takes(dtype)
        if self.blocked:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, 8)  # a hint: good from 2 rows to thousands

    def __call__(self, x: Tensor) -> Tensor:
        if self.blocked:
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return F.linear(x, self.weight, self.bias)


def _onednn_takes(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available():
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())
