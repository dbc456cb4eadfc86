"""Threads: as many as a decode step is worth, and given back whatever happens. The step compiled ahead: where it is wanted and
right.
"""

import dataclasses
import logging
from dataclasses import replace

import pytest
import torch

from engine import music_job
from engine.acceleration import runtime
from engine.acceleration.compiled import CompiledNetwork
from engine.acceleration.runtime import BYTES_PER_THREAD, choose_runtime, prepare, use_threads
from engine.api import EngineError, GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.models.packed import PackedNetwork
from engine.pipeline import Pipeline
from tests.tiny_model import TINY, write_seeded_model, write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Whose heads are as wide as a compiled step needs."""
    language_model = dataclasses.replace(TINY.language_model, hidden_size=64)
    return write_seeded_model(tmp_path_factory.mktemp("wide") / "model", dataclasses.replace(TINY, language_model=language_model))


@pytest.fixture(autouse=True)
def same_threads_after():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads_are_given_back_also_after_an_error():
    torch.set_num_threads(2)
    with pytest.raises(KeyError), use_threads(1):
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("bytes_per_thread", "threads"), [(BYTES_PER_THREAD, 1), (100, 3)], ids=["small", "large"])
def test_a_small_language_model_decodes_on_one_thread_and_a_large_one_on_all(model, monkeypatch, bytes_per_thread, threads):
    monkeypatch.setattr("engine.acceleration.runtime.BYTES_PER_THREAD", bytes_per_thread)
    runtime = replace(choose_runtime("cpu"), threads=3)
    assert prepare(load_checkpoint(model), runtime).decoder_threads == threads


def test_a_small_language_model_keeps_float32_where_a_large_one_is_narrowed(model, monkeypatch):
    runtime = replace(choose_runtime("cpu"), language_model_dtype=torch.bfloat16)
    assert prepare(load_checkpoint(model), runtime).decoder.dtype == torch.float32
    monkeypatch.setattr("engine.acceleration.runtime.CACHED_WEIGHTS", 100)
    assert prepare(load_checkpoint(model), runtime).decoder.dtype == torch.bfloat16


def test_steps_run_on_their_threads_and_rendering_on_all(model, monkeypatch):
    engine, seen = Pipeline("cpu"), {"step": set(), "render": set()}
    engine.load(str(model))
    torch.set_num_threads(3)
    start, renderer = engine._loaded.prepared.decoder.start, music_job.renderer_for

    def watched_renderer(*arguments):
        made = renderer(*arguments)
        render = made.render
        made.render = lambda *a, **k: seen["render"].add(torch.get_num_threads()) or render(*a, **k)
        return made

    def watched_start(*arguments, **options):
        generation = start(*arguments, **options)
        step = generation.step
        generation.step = lambda tokens=None: seen["step"].add(torch.get_num_threads()) or step(tokens)
        return generation

    monkeypatch.setattr(engine._loaded.prepared.decoder, "start", watched_start)
    monkeypatch.setattr(music_job, "renderer_for", watched_renderer)
    list(engine.generate(GenerationRequest(prompt="dub", duration_s=1.0, seed=1, decode="fast", model=str(model))))
    assert seen == {"step": {1}, "render": {3}}


@pytest.mark.parametrize(
    ("acceleration", "description"),
    [("auto", "CPU, ONNX Runtime in float32"), ("exact", "CPU, ONNX Runtime in float32"),
     ("int8", "CPU, ONNX Runtime in eight bits"), ("off", "CPU")],
)  # fmt: skip
def test_the_setting_says_what_a_step_runs_on(wide, monkeypatch, acceleration, description):
    monkeypatch.setenv("INSPIRE_ACCELERATION", acceleration)
    checkpoint = load_checkpoint(wide)
    checkpoint.language_model.llm_decoder.weight.data[0] *= torch.linspace(0.5, 1, 64)  # beside the steps of its row
    assert prepare(checkpoint, choose_runtime("cpu")).description == description


@pytest.mark.parametrize(
    ("acceleration", "description"),
    [("auto", "CPU, numba in float32"), ("exact", "CPU, numba in float32"), ("int8", "CPU, numba in float32"), ("off", "CPU")],
)
def test_steps_of_weights_in_eight_bits_round_nothing_whatever_the_setting(wide, monkeypatch, acceleration, description):
    monkeypatch.setenv("INSPIRE_ACCELERATION", acceleration)
    prepared = prepare(load_checkpoint(wide), choose_runtime("cpu"))
    assert prepared.description == description
    assert not getattr(prepared.decoder.network, "eight_bits", False)


def test_a_large_model_is_compiled_only_where_that_is_asked_for(wide, monkeypatch):
    monkeypatch.setattr("engine.acceleration.runtime.CACHED_WEIGHTS", 100)
    for acceleration, kind in (("auto", PackedNetwork), ("exact", CompiledNetwork)):
        runtime = replace(choose_runtime("cpu"), acceleration=acceleration)
        assert type(prepare(load_checkpoint(wide), runtime).decoder.network) is kind


def test_an_unknown_acceleration_is_named_with_those_there_are(monkeypatch):
    monkeypatch.setenv("INSPIRE_ACCELERATION", "warp")
    with pytest.raises(EngineError, match="INSPIRE_ACCELERATION is 'warp': allowed are auto, exact, int8, off"):
        choose_runtime("cpu")


def test_torch_plays_what_heads_too_narrow_are(model):
    assert type(prepare(load_checkpoint(model), choose_runtime("cpu")).decoder.network) is PackedNetwork


@pytest.mark.parametrize("fault", ["the library fails", "it computes something else"])
def test_torch_plays_where_compiling_goes_wrong(wide, monkeypatch, caplog, fault):
    if fault == "the library fails":
        monkeypatch.setattr("onnxruntime.InferenceSession", lambda *a, **k: 1 / 0)
    else:
        monkeypatch.setattr("engine.acceleration.step_graph._array", lambda values: -values.detach().contiguous().numpy())
    with caplog.at_level(logging.WARNING):
        assert type(prepare(load_checkpoint(wide), choose_runtime("cpu")).decoder.network) is PackedNetwork
    assert "the language model's step is not compiled, torch runs it" in caplog.text
    assert ("division" if fault == "the library fails" else "off by") in caplog.text


def test_a_piece_is_the_same_audio_compiled_and_not(wide, monkeypatch):
    """Of a float32 model: the tokens are the same, so every sample is."""
    audio = {}
    for acceleration in ("exact", "off"):
        monkeypatch.setenv("INSPIRE_ACCELERATION", acceleration)
        request = GenerationRequest(prompt="dub", duration_s=2.0, seed=3, decode="fast", model=str(wide), variations=2)
        events = list(Pipeline("cpu").generate(request))
        audio[acceleration] = [event.samples.tobytes() for event in events if hasattr(event, "samples")]
    assert audio["exact"] == audio["off"]


@pytest.mark.parametrize("asked", ["cuda:99", "tpu", "cpu:3"])
def test_a_device_that_is_not_there_is_reported(asked):
    with pytest.raises(EngineError, match=f"INSPIRE_DEVICE is '{asked}': this machine has .*cpu; leave it away for the best"):
        choose_runtime(asked)


def test_the_device_that_is_asked_for_is_used(monkeypatch):
    monkeypatch.setenv("INSPIRE_DEVICE", "cpu")
    assert Pipeline().runtime.device.type == "cpu"


@pytest.mark.parametrize(
    ("native", "acceleration", "large", "dtype"),
    [
        (True, "auto", True, torch.bfloat16),
        (True, "int8", True, torch.bfloat16),
        (True, "exact", True, torch.float32),
        (True, "off", True, torch.float32),
        (False, "auto", True, torch.float32),
        (True, "auto", False, torch.float32),
    ],
)
def test_a_large_flow_is_solved_in_bfloat16_where_that_is_native(model, monkeypatch, native, acceleration, large, dtype):
    monkeypatch.setattr(runtime, "onednn_takes", lambda wanted: native)
    monkeypatch.setattr(runtime, "CACHED_WEIGHTS", 1 if large else 10**9)
    chosen = replace(choose_runtime("cpu"), acceleration=acceleration, language_model_dtype=torch.float32)
    checkpoint = load_checkpoint(model)
    monkeypatch.setattr(runtime, "_compiled", lambda *_: None)
    flow = prepare(checkpoint, chosen).checkpoint.flow
    assert flow.decoder.dtype == dtype
    assert flow.encode(torch.zeros(1, 3, dtype=torch.long)).dtype == torch.float32
