"""What is reported of a baseline and of what it played."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.acceleration import Runtime
from engine.api import GenerationRequest, ModelReport, VariationReport
from engine.music.analysis import key_name
from engine.rendering.measurement import Meter


def model_report(directory: Path, runtime: Runtime, samplerate: int) -> ModelReport:
    """Reads every file of weights in the directory and its folders: once a model is enough."""
    files, digest = sorted(directory.rglob("*.safetensors")), hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return ModelReport(
        model=directory.name, weights=digest.hexdigest()[:16], bytes=sum(file.stat().st_size for file in files),
        device=runtime.description, samplerate_full=samplerate, samplerate_fast=samplerate,
    )  # fmt: skip


def variation_report(request: GenerationRequest, number: int, frames: int, meter: Meter) -> VariationReport:
    """number: from 1. meter: has measured what is new."""
    bpm, key = meter.music(near_bpm=request.bpm)
    return VariationReport(
        seed=request.seed_of(number),
        frames=frames,
        level_db=round(meter.level_db, 1),
        peak=round(meter.peak, 3),
        bpm=None if bpm is None else round(bpm, 2),
        key=None if key is None else key_name(key),
        asked_bpm=request.bpm,
        asked_key=request.key,
    )
