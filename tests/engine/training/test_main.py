"""From a corpus to a model that plays, in one call; and the pictures of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import AudioChunk, GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.pipeline import Pipeline
from engine.training.__main__ import train_all
from tests.tiny_model import TINY

TONAL = replace(TINY, language_model=replace(TINY.language_model, n_scales=12))


@pytest.fixture
def quick(monkeypatch):
    """The batches of a smoke run: whole stages in a few steps each."""
    from engine.training import clip_editing, codec, decoder, flow_matching, language_model

    for module, fewer in (
        (codec, {"batch": 1, "seconds": 0.2}),
        (decoder, {"batch": 1, "seconds": 0.2}),
        (language_model, {"batch": 1, "frames": 64}),
        (flow_matching, {"batch": 1, "frames": 32}),
        (clip_editing, {"frames": 64}),
    ):
        monkeypatch.setattr(module.train, "__kwdefaults__", module.train.__kwdefaults__ | fewer)


def test_all_stages_make_a_model_that_plays_and_can_be_continued(corpus, tmp_path, quick, one_second_a_step, monkeypatch):
    counted = torch.rand(12, TONAL.language_model.audio_vocab_size + 1)
    monkeypatch.setattr("engine.training.__main__.scale_bias", lambda corpus, tokens, vocabulary, views: counted)
    directory = train_all(corpus, tmp_path, minutes=20 / 60, workers=1, config=TONAL)
    checkpoint = load_checkpoint(str(directory))
    torch.testing.assert_close(checkpoint.language_model.scale_bias.float(), counted, atol=1e-3, rtol=0)
    assert checkpoint.flow is not None and 120 in checkpoint.config.tempo_words
    card = (directory / "README.md").read_text()
    assert "pieces: 3" in card and "| language_model |" in card and "| hifi_codec_decoder |" in card
    assert "| preference |" in card and "| clip_editing |" in card and any((tmp_path / "candidates").iterdir())
    request = GenerationRequest(prompt="house, 120 bpm", duration_s=1.0, model=str(directory), seed=1)
    *events, end = Pipeline("cpu").generate(request)
    audio = np.concatenate([e.samples for e in events if isinstance(e, AudioChunk)])
    assert end.report.grid_bpm == 120 and checkpoint.config.usual_bpm == TINY.usual_bpm
    assert audio.shape == (48_000, 1) and np.isfinite(audio).all()

    codes = (tmp_path / "wavtokenizer.safetensors").read_bytes()
    train_all(corpus, tmp_path, minutes=24 / 60, workers=1, config=TONAL)
    assert (tmp_path / "wavtokenizer.safetensors").read_bytes() == codes  # tokens keep their meaning
    steps = [json.loads(line)["step"] for line in (tmp_path / "language_model" / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(steps) and steps[-1] > steps[0]
