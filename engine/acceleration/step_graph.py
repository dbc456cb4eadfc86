"""A language model's backbone and head as one ONNX graph that reads any number of positions into a cache.

In float32 the weights are the model's own; in eight bits each block of BLOCK weights has a scale, and so have the activations,
row by row, so that a row's result does not depend on what else is in its batch.

Inputs: x [R, S, H]; last [R] and total [1], the place of the last new position and how many there are then; bias
[R or 1, 1, S, total], added to attention's scores; cos, sin [capacity, d/2]; from [1], the first position whose logits are
wanted, counted from the end if negative; and for each layer key.N, value.N [R, kv heads, capacity, d], written in place.
Output: logits [R, positions, V].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor, nn

from engine.models.language_model import LanguageModel, Layer

OPSET, IR_VERSION = 21, 10
CONTRIBUTED = "com.microsoft"
BLOCK = 32
INT8_LEVEL = 4  # activations in eight bits too
R, S = "rows", "positions"  # names of dimensions

Shape = list[str | int | None]


@dataclass(frozen=True)
class StepGraph:
    """`weights` are outside of the graph, so that they are neither written out and parsed nor limited to two gigabytes."""

    model: onnx.ModelProto
    weights: dict[str, NDArray[Any]]


def step_graph(model: LanguageModel, *, eight_bits: bool) -> StepGraph:
    return _Builder(eight_bits).build(model)


@dataclass
class _Builder:
    eight_bits: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, NDArray[Any]] = field(default_factory=dict)

    def build(self, model: LanguageModel) -> StepGraph:
        config = model.config
        heads, kv_heads, width = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        cache: Shape = [R, kv_heads, "capacity", width]
        x, added = "x", None
        for number, layer in enumerate(model.backbone.layers):
            assert isinstance(layer, Layer)
            x, added = self._layer(layer, number, x, added, heads, kv_heads, config.rms_norm_eps)
        hidden, _ = self._norm("norm", x, added, model.backbone.norm.weight, config.rms_norm_eps)
        self._constant("end", np.array([np.iinfo(np.int64).max]))
        self._constant("axis", np.array([1]))
        wanted = self._node("Slice", [hidden, "from", "end", "axis"], "wanted")
        self._linear("logits", wanted, [model.llm_decoder])
        caches = [(f"{kind}.{n}", cache) for n in range(config.num_hidden_layers) for kind in ("key", "value")]
        inputs: list[tuple[str, Shape]] = [
            ("x", [R, S, config.hidden_size]), ("bias", ["masks", 1, S, "total"]), ("cos", ["capacity", width // 2]),
            ("sin", ["capacity", width // 2]), *caches,
        ]  # fmt: skip
        outputs: list[tuple[str, Shape]] = [
            ("logits", [R, "wanted", config.audio_vocab_size + 1]), *((f"new_{name}", shape) for name, shape in caches)
        ]  # fmt: skip
        graph = helper.make_graph(
            self.nodes,
            "step",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs]
            + [helper.make_tensor_value_info("last", TensorProto.INT32, [R]),
               helper.make_tensor_value_info("total", TensorProto.INT32, [1]),
               helper.make_tensor_value_info("from", TensorProto.INT64, [1])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
            [_outside(name, values) for name, values in self.weights.items()],
        )  # fmt: skip
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIBUTED, 1)]
        return StepGraph(helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION), self.weights)

    def _layer(
        self, layer: Layer, number: int, x: str, added: str | None, heads: int, kv_heads: int, eps: float
    ) -> tuple[str, str]:  # fmt: skip
        """→ the residual stream, and what is still to be added to it."""
        attention, mlp = layer.self_attn, layer.mlp
        normed, x = self._norm(f"{number}.before", x, added, layer.input_layernorm.weight, eps)
        qkv = self._linear(f"{number}.qkv", normed, [attention.q_proj, attention.k_proj, attention.v_proj])
        key, value = f"key.{number}", f"value.{number}"
        self.nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                [qkv, "", "", key, value, "last", "total", "cos", "sin", "", "bias"],
                [f"{number}.attended", f"new_{key}", f"new_{value}"],
                domain=CONTRIBUTED, num_heads=heads, kv_num_heads=kv_heads, do_rotary=1,
            )  # fmt: skip
        )
        added = self._linear(f"{number}.o", f"{number}.attended", [attention.o_proj])
        normed, x = self._norm(f"{number}.after", x, added, layer.post_attention_layernorm.weight, eps)
        both = self._linear(f"{number}.gate_up", normed, [mlp.gate_proj, mlp.up_proj])
        self.nodes.append(helper.make_node("Split", [both], [f"{number}.gate", f"{number}.up"], axis=-1, num_outputs=2))
        gate = self._node("QuickGelu", [f"{number}.gate"], f"{number}.silu", domain=CONTRIBUTED, alpha=1.0)
        product = self._node("Mul", [gate, f"{number}.up"], f"{number}.product")
        return x, self._linear(f"{number}.down", product, [mlp.down_proj])

    def _norm(self, name: str, x: str, added: str | None, weight: Tensor, eps: float) -> tuple[str, str]:
        """RMS norm of the sum → it, and the sum."""
        weights = self._constant(f"{name}.weight", _array(weight))
        if added is None:
            return self._node("SimplifiedLayerNormalization", [x, weights], name, epsilon=eps, axis=-1), x
        outputs = [name, "", "", f"{name}.sum"]
        self.nodes.append(
            helper.make_node("SkipSimplifiedLayerNormalization", [x, added, weights], outputs, domain=CONTRIBUTED, epsilon=eps)
        )
        return name, outputs[-1]

    def _linear(self, name: str, x: str, parts: list[nn.Linear]) -> str:
        """Linear layers side by side in one product."""
        weight = torch.cat([part.weight.detach() for part in parts]).float().cpu()
        biased = parts[0].bias is not None
        product = f"{name}.product" if biased else name
        if self.eight_bits and weight.shape[1] % BLOCK == 0:
            outs, ins = weight.shape
            codes, scales = in_eight_bits(weight)
            inputs = [x, self._constant(f"{name}.codes", codes), self._constant(f"{name}.scales", scales)]
            how = {"K": ins, "N": outs, "bits": 8, "block_size": BLOCK, "accuracy_level": INT8_LEVEL}
            self._node("MatMulNBits", inputs, product, domain=CONTRIBUTED, **how)
        else:
            self._node("MatMul", [x, self._constant(f"{name}.weight", _array(weight.T))], product)
        if biased:
            bias = _array(torch.cat([part.bias.detach() for part in parts]))
            self._node("Add", [product, self._constant(f"{name}.bias", bias)], name)
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self.weights[name] = values
        return name


def in_eight_bits(weight: Tensor) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """[out, in] → codes uint8 [out, in / BLOCK, BLOCK], of which 128 is zero, and the scale of each block [out, in / BLOCK].

    A matrix whose rows have eight bits and one scale already, as `sketch`'s, loses nothing where a block has the row's largest.
    """
    blocks = weight.view(len(weight), -1, BLOCK)
    scales = (blocks.abs().amax(-1, keepdim=True) / 127).clamp(min=1e-12)
    return ((blocks / scales).round() + 128).to(torch.uint8).numpy(), scales[..., 0].contiguous().numpy()


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.detach().float().cpu().contiguous().numpy()


def _outside(name: str, values: NDArray[Any]) -> TensorProto:
    """A tensor of the graph whose values are given to the session beside it."""
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=values.shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="beside")
    return tensor
