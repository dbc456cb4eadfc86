"""What is reported of a baseline and of what it played."""

from __future__ import annotations

import numpy as np
import pytest

from engine.acceleration import choose_runtime
from engine.api import GenerationRequest
from engine.baselines.reports import model_report, variation_report
from engine.rendering.measurement import Meter
from tests.synthetic import clicks


def test_weights_are_known_by_the_content_of_all_files_of_them(tmp_path):
    runtime = choose_runtime("cpu")
    (tmp_path / "part").mkdir()
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "part/more.safetensors").write_bytes(b"more")
    (tmp_path / "config.json").write_text("{}")
    report = model_report(tmp_path, runtime, 32_000)
    assert (report.model, report.bytes, report.samplerate_full) == (tmp_path.name, 11, 32_000) and len(report.weights) == 16
    assert report.device == runtime.description
    (tmp_path / "config.json").write_text("[]")
    assert model_report(tmp_path, runtime, 32_000).weights == report.weights
    (tmp_path / "part/more.safetensors").write_bytes(b"else")
    assert model_report(tmp_path, runtime, 32_000).weights != report.weights


def test_a_variation_has_its_seed_and_what_was_measured_of_it():
    meter = Meter(24_000)
    meter.add(clicks(120, 6.0, rate=24_000).astype(np.float32)[:, None])
    request = GenerationRequest(prompt="drums", seed=7, bpm=120.0, key="A minor", variations=2)
    report = variation_report(request, 2, 144_000, meter)
    assert (report.seed, report.frames, report.asked_bpm, report.asked_key) == (8, 144_000, 120.0, "A minor")
    assert report.bpm == pytest.approx(120, abs=1) and report.key is None and report.peak == round(meter.peak, 3)


def test_of_silence_nothing_is_made_up():
    meter = Meter(24_000)
    meter.add(np.zeros((48_000, 1), np.float32))
    report = variation_report(GenerationRequest(prompt="drums", seed=7), 1, 48_000, meter)
    assert report.level_db == -120.0 and report.bpm is report.key is report.asked_bpm is None
