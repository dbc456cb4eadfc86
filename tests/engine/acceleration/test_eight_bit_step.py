"""Steps of a model whose weights have eight bits, beside the packed layers in float32."""

import dataclasses
import sys
from threading import Barrier

import pytest
import torch
from torch.testing import assert_close

from engine.acceleration.compiled import CompiledNetwork, compile_network
from engine.acceleration.eight_bit_step import EightBitStep, eight_bit_weights
from engine.checkpoints.checkpoint import load_checkpoint
from engine.models import sampling
from engine.models.condition import Condition
from engine.models.generation import Decoder, Generation
from tests.engine.models.small_language_model import OURS, TINY, build, round_to_eight_bits, some_condition, some_tokens

NOISE, NULL = (dataclasses.replace(config, hidden_size=64) for config in (TINY, OURS))  # heads of 16: none is narrower
ATOL = 2e-4  # as ONNX Runtime's


def started(decoder, *, given=4, batch=1, seed=0, guidance=2.5):
    return decoder.start(
        some_condition(batch), audio_prompt=some_tokens(batch, 9, seed=seed), given=given, max_tokens=20, guidance=guidance,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip


@pytest.mark.parametrize("config", [NOISE, NULL], ids=["noise", "null"])
@pytest.mark.parametrize("given", [0, 4], ids=["a prompt", "a shorter row"])
@pytest.mark.parametrize(("guidance", "batch"), [(2.5, 3), (1.0, 1)])
def test_logits_equal_those_of_the_packed_layers(config, given, guidance, batch):
    model = round_to_eight_bits(build(config))
    network = compile_network(model, threads=1, eight_bits=True)
    assert not network.eight_bits
    decoders = (Decoder(model), Decoder(model, network=network))
    packed, compiled = (started(decoder, given=given, batch=batch, guidance=guidance) for decoder in decoders)
    for tokens in some_tokens(batch, 12, seed=8).T:
        assert_close(compiled.step(tokens), packed.step(tokens), atol=ATOL, rtol=1e-4)
    assert type(network._steps[compiled.cache]) is EightBitStep


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_a_piece_is_bit_for_bit_what_it_is_alone(cores):
    model = round_to_eight_bits(build(NULL))
    decoder = Decoder(model, network=CompiledNetwork(model, threads=1, exact=eight_bit_weights(model, cores)))
    alone = [started(decoder, seed=seed) for seed in (1, 2, 3)]
    together = Generation.together(alone)
    for column in some_tokens(3, 6).T:
        expected = torch.cat([one.step(own) for one, own in zip(alone, column.split(1), strict=True)])
        assert torch.equal(together.step(column), expected)


def test_the_rows_of_several_pieces_are_divided_among_cores_and_those_of_one_stay_together(monkeypatch):
    model = round_to_eight_bits(build(NULL))
    decoder = Decoder(model, network=CompiledNetwork(model, threads=1, exact=eight_bit_weights(model, 2)))
    run, meeting, alone = EightBitStep._run, Barrier(2), started(decoder)

    def met(self, start, first, x, *rest):
        if len(self._x) > 2:
            meeting.wait(timeout=20)  # broken where one part waits for the other's end
        assert len(x) == (2 if len(self._x) == 2 else 3)
        run(self, start, first, x, *rest)

    monkeypatch.setattr(EightBitStep, "_run", met)
    Generation.together([alone] * 3).step(torch.tensor([1, 2, 3]))
    alone.step(torch.tensor([1]))


def test_a_weight_beside_the_steps_of_its_row_leaves_the_step_to_onnx_runtime():
    model = round_to_eight_bits(build(NULL))
    assert eight_bit_weights(model) is not None
    weight = model.backbone.layers[1].mlp.down_proj.weight
    with torch.no_grad():
        weight[3, 5] += 0.3 * weight[3].abs().max() / 127
    assert eight_bit_weights(model) is None
    network = compile_network(model, threads=1, eight_bits=False)
    assert network.description == "ONNX Runtime in float32"


def test_without_numba_onnx_runtime_takes_the_steps(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "engine.acceleration.kernels", None)
    monkeypatch.delattr("engine.acceleration.kernels", raising=False)
    network = compile_network(round_to_eight_bits(build(NULL)), threads=1, eight_bits=True)
    assert network.description == "ONNX Runtime in eight bits"
    assert "numba does not compile steps in eight bits, ONNX Runtime runs them" in caplog.text


@torch.inference_mode()
def test_sketch_plays_what_it_plays_packed():
    """Its own weights have eight bits: over 150 tokens at guidance 5 each one drawn is the same."""
    model = load_checkpoint("sketch").language_model
    network = compile_network(model, threads=1, eight_bits=False)
    assert network.description == "numba in float32"
    funk = torch.tensor([[130, 138, 187, 83, 97, 114]])  # "funk groovy slap bass clavinet drums"
    condition = Condition(funk, torch.zeros(1, 1), torch.full((1, 1), 20.0), torch.ones(1, 1, dtype=torch.long))
    packed, compiled = (Decoder(model, network=own).start(condition, max_tokens=150, guidance=5.0) for own in (None, network))
    drawn, seen = None, set()
    for seed in range(150):
        expected, found = packed.step(drawn), compiled.step(drawn)
        theirs, drawn = (
            sampling.sample(logits, k=100, temperature=0.9, generators=[torch.Generator().manual_seed(seed)])
            for logits in (found, expected)
        )
        assert_close(found, expected, atol=2e-3, rtol=1e-4)
        assert theirs == drawn
        seen.add(int(drawn))
    assert len(seen) > 60
