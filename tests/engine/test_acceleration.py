"""Threads: as many as a decode step is worth, and given back whatever happens."""

from dataclasses import replace

import pytest
import torch

from engine.acceleration import BYTES_PER_THREAD, choose_runtime, prepare, use_threads
from engine.api import GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.pipeline import Pipeline
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


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
    monkeypatch.setattr("engine.acceleration.BYTES_PER_THREAD", bytes_per_thread)
    runtime = replace(choose_runtime("cpu"), threads=3)
    assert prepare(load_checkpoint(model), runtime).decoder_threads == threads


def test_a_small_language_model_keeps_float32_where_a_large_one_is_narrowed(model, monkeypatch):
    runtime = replace(choose_runtime("cpu"), language_model_dtype=torch.bfloat16)
    assert prepare(load_checkpoint(model), runtime).decoder.dtype == torch.float32
    monkeypatch.setattr("engine.acceleration.CACHED_WEIGHTS", 100)
    assert prepare(load_checkpoint(model), runtime).decoder.dtype == torch.bfloat16


def test_steps_run_on_their_threads_and_rendering_on_all(model, monkeypatch):
    engine, seen = Pipeline("cpu"), {"step": set(), "render": set()}
    engine.load(str(model))
    torch.set_num_threads(3)
    start, renderer = engine._prepared.decoder.start, engine._renderer

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

    monkeypatch.setattr(engine._prepared.decoder, "start", watched_start)
    monkeypatch.setattr(engine, "_renderer", watched_renderer)
    list(engine.generate(GenerationRequest(prompt="dub", duration_s=1.0, seed=1, decode="fast", model=str(model))))
    assert seen == {"step": {1}, "render": {3}}
