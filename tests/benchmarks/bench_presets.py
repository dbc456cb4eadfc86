"""Every factory preset in full: python -m tests.benchmarks.bench_presets [--model NAME] [--bank BANK] [--seed N]

One piece each, as long as the preset says; tempo and key measured in the audio against what was asked. Lines:
`….NAME.bpm`      beats per minute measured; baseline: asked. Absent where no beat can be heard.
`….NAME.key`      1 when the key asked for is measured, or its relative; else 0.
`….NAME.real_time_factor`
`….tempo_right`   share of the presets with a beat within 2 % of the tempo asked.
`….key_right`     share of the presets in the key asked or its relative.
Presets without words of their own are for clips, and left out.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bridge.presets import Presets
from engine.api import AudioChunk, GenerationRequest, parse_key
from engine.evaluation.measures import key_met, tempo_met
from engine.music.analysis import measure_bpm, measure_key
from engine.pipeline import Pipeline
from tests.benchmarks.models import model_directory
from tests.benchmarks.report import report


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sketch", help="a model's name or directory")
    parser.add_argument("--bank", help="only this one")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    presets = [preset for preset in Presets(Path("/nonexistent")).all(options.bank) if "prompt" in preset.values]
    tempi, keys = [], []
    with model_directory(options.model) as (label, directory):
        engine = Pipeline()
        engine.load(str(directory))
        for preset in presets:
            request = replace(GenerationRequest(**preset.values), seed=options.seed, model=str(directory))
            tempo, key = bench(f"presets.{label}.{preset.name.lower().replace(' ', '_')}", engine, request)
            tempi += [] if tempo is None else [tempo]
            keys.append(key)
    if tempi:
        report(f"presets.{label}.tempo_right", sum(tempi) / len(tempi), "share")
    report(f"presets.{label}.key_right", sum(keys) / len(keys), "share")


def bench(name: str, engine: Pipeline, request: GenerationRequest) -> tuple[bool | None, bool]:
    """Whether the tempo is right (None without a beat), and the key."""
    begun = time.perf_counter()
    chunks = [event for event in engine.generate(request) if isinstance(event, AudioChunk)]
    elapsed_s = time.perf_counter() - begun
    audio = np.concatenate([chunk.samples for chunk in chunks]).mean(axis=1)
    bpm = measure_bpm(audio, chunks[0].samplerate, near=request.bpm)
    key = measure_key(audio, chunks[0].samplerate)
    key_right = key_met(key, parse_key(request.key))
    if bpm is not None:
        report(f"{name}.bpm", bpm, "bpm", request.bpm)
    report(f"{name}.key", int(key_right), "right")
    report(f"{name}.real_time_factor", elapsed_s / request.seconds, "s/s")
    return None if bpm is None else tempo_met(bpm, request.bpm), key_right


if __name__ == "__main__":
    main()
