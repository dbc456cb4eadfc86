"""A request as one plan: nothing left open, everything a value."""

import dataclasses
from threading import Barrier

import pytest
import soundfile
import torch

from engine.acceleration import use_threads
from engine.api import GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.conditioning.plan import Planner
from engine.conditioning.tempo import describe_clip
from engine.models.generation import Decoder
from engine.models.language_model import LanguageModel
from engine.music.grid import Grid
from tests import synthetic
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def planner(tmp_path_factory):
    model = write_tiny_model(tmp_path_factory.mktemp("tiny") / "model", negatable=("drums",))
    return Planner(load_checkpoint(model), torch.device("cpu"))


def test_what_a_request_leaves_open_is_settled_and_what_it_says_stands(planner):
    open_, said = (planner.settle(GenerationRequest(prompt="dub", **fields)) for fields in ({}, {"seed": 3, "top_k": 5}))
    assert None not in (open_.seed, open_.top_k, open_.temperature, open_.guidance, open_.context_s)
    assert (said.seed, said.top_k, said.temperature) == (3, 5, open_.temperature)
    assert planner.settle(GenerationRequest(clip="a.wav")).guidance == 2.0 != open_.guidance


def test_the_plan_of_a_prompt(planner):
    request = planner.settle(GenerationRequest(prompt="dub, no drums", bpm=123.5, variations=3, seed=2**31 - 1))
    plan = planner.plan(request, 24_000)
    assert plan.words.caption == "dub, no drums, 123.5 bpm" and plan.words.text == "dub, 123.5 bpm, no drums"
    assert plan.words.negative_prompt == "dub, 123.5 bpm, drums" and plan.condition.negative_text is not None
    assert plan.grid == Grid(123.5) and plan.context.grid.bpm == pytest.approx(8 * 60 * 50 / 194)
    assert plan.stretch == pytest.approx(123.5 / plan.context.grid.bpm) and plan.clip is None and plan.context.clip_tokens == ()
    assert plan.seeds == [2**31 - 1, 0, 1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.stretch = 1.0


def test_the_plan_of_a_clip_is_the_same_each_time(planner, tmp_path):
    soundfile.write(tmp_path / "loop.wav", synthetic.clicks(124, 4 * 4 * 60 / 124, rate=24_000), 24_000)
    request = planner.settle(GenerationRequest(clip=str(tmp_path / "loop.wav"), bpm=124, key="Am", duration_s=2.0))
    first, again = planner.plan(request, 48_000), planner.plan(request, 48_000)
    assert first.words == again.words and first.context.clip_tokens == again.context.clip_tokens
    assert len(first.context.clip_tokens) == 250 and first.clip.samplerate == 48_000
    assert first.words.scale_key == (9, "minor") and first.condition.scale.tolist() == [0]


def test_what_generates_judges_a_clips_tempi(planner, tmp_path, monkeypatch):
    """Sooner than the model itself, and with the same choice."""
    soundfile.write(tmp_path / "loop.wav", synthetic.clicks(124, 4 * 4 * 60 / 124, rate=24_000), 24_000)
    request = planner.settle(GenerationRequest(clip=str(tmp_path / "loop.wav"), duration_s=2.0))
    expected = planner.plan(request, 24_000)
    decoder, judged = Decoder(planner._checkpoint.language_model, torch.float32), []
    faster = Planner(planner._checkpoint, torch.device("cpu"), decoder)
    monkeypatch.setattr(LanguageModel, "likelihood", None)
    likelihood = decoder.likelihood
    monkeypatch.setattr(decoder, "likelihood", lambda *given: judged.append(likelihood(*given)) or judged[-1])
    found = faster.plan(request, 24_000)
    assert len(judged) == 1 and len(judged[0]) > 1
    assert found.grid == expected.grid and found.context.clip_tokens == expected.context.clip_tokens


def test_a_clips_key_is_found_while_it_is_encoded(planner, tmp_path, monkeypatch):
    """Broken where one waits for the other to end."""
    soundfile.write(tmp_path / "loop.wav", synthetic.clicks(124, 4 * 4 * 60 / 124, rate=24_000), 24_000)
    request = planner.settle(GenerationRequest(clip=str(tmp_path / "loop.wav"), bpm=124, duration_s=2.0))
    expected, meeting = planner.plan(request, 24_000), Barrier(2)
    encode, describe = planner._clips.encode_end, describe_clip
    monkeypatch.setattr(planner._clips, "encode_end", lambda *given, **more: (meeting.wait(20), encode(*given, **more))[1])
    monkeypatch.setattr("engine.conditioning.plan.describe_clip", lambda *given: (meeting.wait(20), describe(*given))[1])
    with use_threads(2):
        found = planner.plan(request, 24_000)
    assert found.context.clip_tokens == expected.context.clip_tokens and found.words == expected.words
