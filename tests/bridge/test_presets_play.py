"""Every factory preset through the real pipeline, at tiny size: one bar each."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from bridge.config.presets import Presets
from engine.api import AudioChunk, Finished, GenerationRequest
from engine.pipeline import Pipeline
from tests.bridge.conftest import ROOT
from tests.tiny_model import write_tiny_model

FACTORY = Presets(ROOT / "no such folder").all()


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> tuple[Pipeline, str]:
    return Pipeline("cpu"), str(write_tiny_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("clip") / "loop.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(48_000) / 20), 24_000)
    return str(path)


@pytest.mark.parametrize("preset", FACTORY, ids=lambda preset: preset.name)
def test_a_preset_makes_a_bar(engine, clip, preset):
    pipeline, model = engine
    own = {"bars": 1, "bpm": 240.0, "seed": 0, "model": model, "guidance": 1.0}  # a quick bar
    source = {} if "prompt" in preset.values else {"clip": clip, "join": "new"}
    request = GenerationRequest(**preset.under(own | source))
    *_, finished = events = list(pipeline.generate(request))
    assert isinstance(finished, Finished) and not finished.cancelled
    assert finished.frames == request.frames(finished.samplerate)
    assert finished.frames == sum(len(event.samples) for event in events if isinstance(event, AudioChunk))
