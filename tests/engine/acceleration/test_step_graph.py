"""The step as a graph: weights beside it, eight bits where a matrix allows them. What it computes is tested as it is compiled."""

import dataclasses

import numpy as np
import onnx
import pytest
import torch

from engine.acceleration.step_graph import BLOCK, in_eight_bits, step_graph
from tests.engine.models.small_language_model import OURS, build

WIDE = dataclasses.replace(OURS, hidden_size=64, intermediate_size=48)  # 48 is no multiple of BLOCK


@pytest.fixture(scope="module", params=[False, True], ids=["float32", "eight bits"])
def made(request):
    return step_graph(build(WIDE), eight_bits=request.param), request.param


def test_no_weight_is_in_the_graph_and_each_it_names_is_beside_it(made):
    graph, _ = made
    tensors = {tensor.name: tensor for tensor in graph.model.graph.initializer}
    assert tensors.keys() == graph.weights.keys()
    for name, tensor in tensors.items():
        assert tensor.data_location == onnx.TensorProto.EXTERNAL and not tensor.raw_data
        assert tuple(tensor.dims) == graph.weights[name].shape
        assert onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type) == graph.weights[name].dtype


def test_every_input_of_a_node_comes_from_somewhere(made):
    graph, _ = made
    known = {"", *graph.weights, *(one.name for one in graph.model.graph.input)}
    for node in graph.model.graph.node:
        assert set(node.input) <= known, node.name
        known |= set(node.output)
    assert {one.name for one in graph.model.graph.output} <= known


def test_a_cache_of_each_layer_goes_in_and_comes_out(made):
    graph, _ = made
    caches = {f"{kind}.{layer}" for kind in ("key", "value") for layer in range(WIDE.num_hidden_layers)}
    assert caches <= {one.name for one in graph.model.graph.input}
    assert {f"new_{name}" for name in caches} | {"logits"} == {one.name for one in graph.model.graph.output}


def test_a_matrix_whose_rows_are_whole_blocks_is_kept_in_eight_bits(made):
    graph, eight_bits = made
    kinds = {name: values.dtype for name, values in graph.weights.items()}
    assert any(kind == np.uint8 for kind in kinds.values()) is eight_bits
    assert kinds["0.down.weight"] == np.float32  # its rows are 48 long
    assert ("0.qkv.codes" in kinds and "0.qkv.weight" not in kinds) is eight_bits


def test_eight_bits_are_off_by_half_a_step_of_their_block_at_most():
    weight = torch.randn(5, 3 * BLOCK, generator=torch.Generator().manual_seed(1))
    codes, scales = in_eight_bits(weight)
    assert codes.shape == (5, 3, BLOCK) and codes.dtype == np.uint8 and scales.shape == (5, 3) and scales.dtype == np.float32
    again = (codes.astype(np.float32) - 128) * scales[..., None]
    assert (np.abs(again.reshape(5, -1) - weight.numpy()) <= 0.501 * np.repeat(scales, BLOCK, axis=1)).all()
    largest = np.abs(codes.astype(int) - 128).max(-1)
    assert (largest == 127).all()


def test_what_has_eight_bits_already_loses_nothing_and_zeros_stay_zero():
    steps = torch.randint(-127, 128, (4, 2 * BLOCK), generator=torch.Generator().manual_seed(1))
    steps[:, ::BLOCK] = 127  # a block has its row's largest
    codes, scales = in_eight_bits(steps * 0.25)
    assert (codes.reshape(4, -1).astype(int) - 128 == steps.numpy()).all() and np.allclose(scales, 0.25)
    codes, scales = in_eight_bits(torch.zeros(2, BLOCK))
    assert (codes == 128).all() and np.isfinite(scales).all()
