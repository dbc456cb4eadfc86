"""MusicGen behind the engine's contract, at tiny size: the codes of transformers' own loop, lengths, seeds, clips, errors."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from engine.api import ClipError, Finished, GenerationRequest, ModelError, RequestError
from engine.baselines.musicgen import MusicGen
from engine.checkpoints.library import list_models
from tests.engine.conftest import run
from tests.missing import needs_module
from tests.tiny_musicgen import write_tiny_musicgen

needs_module("transformers.models.musicgen", "transformers with MusicGen")
RATE = 32_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_musicgen(tmp_path_factory.mktemp("models") / "musicgen-tiny")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, (2 * 44_100, 2)).astype(np.float32)
    soundfile.write(path, noise, 44_100, subtype="FLOAT")
    return path


@torch.inference_mode()
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_codes_are_those_of_transformers_own_loop(engine, model, guidance):
    """Greedy: the delays of the codebooks, the null of guidance and the cache are as published."""
    ours = MusicGen("tiny", model, engine.runtime)
    request = GenerationRequest(prompt="dub techno", seed=1, temperature=0, guidance=guidance, model=str(model))
    frames = torch.tensor(list(ours._frames(request, [], 30, 1, lambda: False)))
    encoded = ours._tokenizer(["dub techno"], return_tensors="pt")
    theirs = ours._model.generate(
        input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"], do_sample=False, guidance_scale=guidance,
        max_new_tokens=30 + 3,
    )  # fmt: skip
    whole = ours._model.audio_encoder.decode(frames.T[None, None], [None]).audio_values
    assert len(set(map(tuple, frames.tolist()))) > 3  # it says something
    torch.testing.assert_close(theirs[..., : whole.shape[-1]], whole)
    other = ours._model.audio_encoder.decode(frames.flip(0).T[None, None], [None]).audio_values
    assert (other - whole).abs().max() > 1e-3 * whole.abs().max()  # other codes sound otherwise


def test_text_to_music_of_exact_length_in_chunks(engine, model):
    audio, end, chunks, progress = run(engine, str(model), prompt="dub techno", bars=2, bpm=124, seed=7)
    assert end.samplerate == RATE and audio.shape == (round(2 * 4 * 60 / 124 * RATE), 1) and len(chunks) > 2
    assert end.report.caption == "dub techno, 124 bpm" and end.report.model.model == "musicgen-tiny"
    assert (end.report.guidance, end.report.top_k, end.report.temperature) == (3.0, 20, 1.0)  # generation_config.json's
    assert progress[-1].phase == "generating" and np.abs(audio).max() > 1e-4
    again, *_ = run(engine, str(model), prompt="dub techno", bars=2, bpm=124, seed=7)
    np.testing.assert_array_equal(audio, again)


def test_each_variation_is_what_its_seed_gives_alone(engine, model):
    request = GenerationRequest(prompt="jazz", duration_s=1.0, seed=7, variations=2, model=str(model))
    chunks = {1: [], 2: []}
    for event in engine.generate(request):
        if hasattr(event, "samples"):
            chunks[event.variation].append(event.samples)
    alone, *_ = run(engine, str(model), prompt="jazz", duration_s=1.0, seed=8)
    np.testing.assert_array_equal(np.concatenate(chunks[2]), alone)
    assert not np.array_equal(np.concatenate(chunks[1]), alone)


def test_a_clip_goes_on(engine, model, clip):
    audio, end, *_ = run(engine, str(model), prompt="jazz", clip=str(clip), duration_s=1.0, seed=7)
    assert audio.shape == (3 * RATE, 2) and end.report.variations[0].from_s == 2.0
    new, end, *_ = run(engine, str(model), clip=str(clip), duration_s=1.0, seed=7, join="new")
    assert new.shape == (RATE, 2) and not end.cancelled


def test_the_clip_is_what_the_new_frames_follow(engine, model, clip):
    ours = MusicGen("tiny", model, engine.runtime)
    prompt = ours._renderer().encode(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32), 4)
    assert len(prompt) == 50 and all(len(frame) == 4 for frame in prompt)
    request = GenerationRequest(prompt="jazz", seed=1, temperature=0, model=str(model))
    after, alone = (list(ours._frames(request, one, 20, 1, lambda: False)) for one in (prompt, []))
    assert len(after) == len(alone) == 20 and after != alone


def test_a_cancel_is_seen_at_every_token(engine, model):
    asked = []
    request = GenerationRequest(prompt="jazz", duration_s=10.0, seed=7, model=str(model))
    *_, end = engine.generate(request, lambda: bool(asked.append(1)) or len(asked) > 60)
    assert isinstance(end, Finished) and end.cancelled and 0 < end.frames < 3 * RATE and len(asked) < 70


@pytest.mark.parametrize(
    "asked, error, said",
    [
        ({"prompt": "jazz", "duration_s": 31}, RequestError, "MusicGen plays 30 s at most: ask for less"),
        ({"clip": "CLIP", "duration_s": 29}, RequestError, "30 s at most with the 2 s of the clip that it reads"),
        ({"clip": "CLIP", "task": "upsample"}, RequestError, "upsample is not MusicGen's: choose an InspireMusic model"),
        ({"prompt": "jazz", "bars": 2, "bpm": 120, "loop": True}, RequestError, "loop is not MusicGen's"),
        ({"clip": "CLIP", "from_s": 0.5, "to_s": 1.0, "join": "new"}, RequestError, "fill is not MusicGen's"),
        ({"clip": "/nowhere.wav"}, ClipError, "no such clip"),
    ],
)
def test_what_it_cannot_do_is_said(engine, model, clip, asked, error, said):
    asked = {name: str(clip) if value == "CLIP" else value for name, value in asked.items()}
    with pytest.raises(error, match=said):
        run(engine, str(model), **asked)


def test_a_broken_or_unusable_directory_is_one_sentence(engine, tmp_path):
    broken = write_tiny_musicgen(tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read as a MusicGen .*get it again"):
        engine.load(str(broken))
    weights.rename(broken / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"holds no \.safetensors file"):
        engine.load(str(broken))
    with pytest.raises(ModelError, match="is a stereo MusicGen, and only mono ones are played"):
        engine.load(str(write_tiny_musicgen(tmp_path / "stereo", channels=2)))


def test_it_is_listed_and_another_model_takes_its_place(engine, model):
    assert list_models(model.parent)["musicgen-tiny"].kind == "musicgen"
    engine.load(str(model))
    assert engine.load("sketch").model == "sketch"
    audio, *_ = run(engine, "sketch", prompt="techno", duration_s=0.5, decode="fast")
    assert len(audio) == 12_000
