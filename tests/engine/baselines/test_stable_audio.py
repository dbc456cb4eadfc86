"""Stable Audio behind the engine's contract, at tiny size: diffusers' own result, lengths, seeds, cancel, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.api import AudioChunk, Finished, GenerationRequest, ModelError, Progress, RequestError
from engine.baselines.stable_audio import StableAudio
from engine.checkpoints.library import list_models
from tests.engine.conftest import run
from tests.missing import needs_module
from tests.tiny_stable_audio import write_tiny_stable_audio

needs_module("diffusers", "the extra baselines: pip install diffusers torchsde")
needs_module("torchsde", "the extra baselines: pip install diffusers torchsde")
RATE, STEPS = 8_000, 6


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_stable_audio(tmp_path_factory.mktemp("models") / "stable-audio-tiny")


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(StableAudio.__init__, "__defaults__", (STEPS,))


def test_it_plays_what_diffusers_own_pipeline_plays(engine, model):
    from diffusers import StableAudioPipeline

    audio, end, chunks, progress = run(engine, str(model), prompt="dub techno", duration_s=2.0, seed=7, bpm=124)
    theirs = StableAudioPipeline.from_pretrained(model)
    wanted = theirs(
        "dub techno, 124 bpm", audio_end_in_s=2.0, num_inference_steps=STEPS, guidance_scale=7.0,
        generator=torch.Generator().manual_seed(7),
    ).audios[0].T.numpy()  # fmt: skip
    assert audio.shape == wanted.shape == (2 * RATE, 2) and end.samplerate == RATE and np.abs(audio).max() > 1e-4
    np.testing.assert_allclose(audio[: -round(0.05 * RATE)], wanted[: -round(0.05 * RATE)], atol=1e-5)
    assert abs(audio[-1]).max() == 0  # it fades
    assert end.report.caption == "dub techno, 124 bpm" and end.report.guidance == 7.0 and end.report.model.model == model.name
    assert [one.phase for one in progress].count("generating") == STEPS and progress[-1].done_s == 2.0


def test_bars_have_their_exact_length_and_each_variation_is_what_its_seed_gives_alone(engine, model):
    request = GenerationRequest(prompt="jazz", bars=1, bpm=124, seed=7, variations=2, model=str(model))
    chunks = {1: [], 2: []}
    for event in engine.generate(request):
        if isinstance(event, AudioChunk):
            chunks[event.variation].append(event.samples)
    alone, *_ = run(engine, str(model), prompt="jazz", bars=1, bpm=124, seed=8)
    assert len(alone) == round(4 * 60 / 124 * RATE)
    np.testing.assert_array_equal(np.concatenate(chunks[2]), alone)
    assert not np.array_equal(np.concatenate(chunks[1]), alone)


def test_a_cancel_is_seen_at_every_step(engine, model):
    stop = []
    request = GenerationRequest(prompt="jazz", duration_s=2.0, seed=7, variations=2, model=str(model))
    events = []
    for event in engine.generate(request, lambda: bool(stop)):
        events.append(event)
        if isinstance(event, Progress) and event.phase == "generating":
            stop.append(1)
    assert isinstance(events[-1], Finished) and events[-1].cancelled and events[-1].frames == 0
    assert sum(isinstance(event, Progress) for event in events) < STEPS  # at most a step or two of the first


@pytest.mark.parametrize(
    "asked, said",
    [
        ({"prompt": "jazz", "duration_s": 5.0}, "plays 4.0 s at most: ask for less"),
        ({"prompt": "jazz", "clip": "take.wav"}, "a clip is not Stable Audio's, which plays from words"),
        ({"prompt": "jazz", "bars": 1, "bpm": 120, "loop": True}, "loop is not Stable Audio's"),
    ],
)
def test_what_it_cannot_do_is_said(engine, model, asked, said):
    with pytest.raises(RequestError, match=said):
        run(engine, str(model), **asked)


def test_it_is_listed_with_its_licence_and_a_broken_one_is_one_sentence(engine, model, tmp_path):
    listed = list_models(model.parent)[model.name]
    assert listed.kind == "stable-audio" and listed.licence.startswith("Stability AI Community License") and listed.bytes > 0
    broken = write_tiny_stable_audio(tmp_path / "broken")
    weights = next(broken.glob("vae/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read as a Stable Audio .*get it again"):
        engine.load(str(broken))


def test_without_diffusers_it_says_what_to_install(engine, model, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ModelError, match=r"pip install 'inspire-daw\[baselines\]'"):
        StableAudio("x", model, engine.runtime)
