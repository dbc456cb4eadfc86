"""Every factory preset in full: python -m tests.benchmarks.bench_presets [--fast] [--seeds N] [--bank BANK] [--model NAME]

As long as the preset says, N times with N seeds in one batch; those for clips continue a recorded drum loop. Tempo and key are
measured in the audio against what was asked. Who does not know the tempo may tap at half or double (of 174 bpm, 87): both are
measured. Lines:
`….NAME.bpm`      beats per minute measured with the first seed, the hint given; baseline: asked. Absent where no beat is heard.
`….NAME.tempo`    share of the seeds within 2 % of the tempo asked, the octave of the hint given.
`….NAME.tapped`   the same without the hint; half and double are misses.
`….NAME.key`      share of the seeds in the key asked or its relative. Absent where none was asked for.
`….NAME.real_time_factor`
`….all.tempo`, `….all.tapped`, `….all.key`   share of all pieces that have such a figure; `….all.no_beat` of those without a beat.
Less than 3 s is too short for a beat.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from bridge.config.presets import Preset, Presets
from engine.api import AudioChunk, GenerationRequest, parse_key
from engine.evaluation.measures import key_met, tempo_met
from engine.music.analysis import measure_bpm, measure_key
from engine.pipeline import Pipeline
from tests.benchmarks.models import model_directory
from tests.benchmarks.report import report

CLIP: dict[str, Any] = {"clip": str(Path(__file__).parents[1] / "loops" / "compus.flac"), "bpm": 148.0, "bars": 4, "join": "new"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sketch", help="a model's name or directory")
    parser.add_argument("--bank", help="only this one")
    parser.add_argument("--seeds", type=int, default=1, help="pieces of each, at most 8")
    parser.add_argument("--fast", action="store_true", help="the fast path for all")
    options = parser.parse_args(arguments)
    captured: dict[str, list[bool]] = defaultdict(list)
    with model_directory(options.model) as (label, directory):
        engine = Pipeline()
        engine.load(str(directory))
        for preset in Presets(Path("/nonexistent")).all(options.bank):
            own = {"seed": 0, "variations": options.seeds, "model": str(directory)} | ({"decode": "fast"} if options.fast else {})
            for figure, values in bench(f"presets.{label}", preset, engine, own).items():
                captured[figure] += values
    for figure, values in captured.items():
        report(f"presets.{label}.all.{figure}", float(np.mean(values)), f"share of {len(values)}")


def bench(label: str, preset: Preset, engine: Pipeline, own: dict[str, Any]) -> dict[str, list[bool]]:
    """What was right in each piece, by figure."""
    name = f"{label}.{preset.name.lower().replace(' ', '_')}"
    asked_for: dict[str, Any] = preset.under(own if "prompt" in preset.values else own | CLIP)
    request = GenerationRequest(**asked_for)
    begun, chunks = time.perf_counter(), defaultdict(list)
    for event in engine.generate(request):
        if isinstance(event, AudioChunk):
            chunks[event.variation].append(event.samples)
            samplerate = event.samplerate
    elapsed_s = time.perf_counter() - begun
    right = defaultdict(list)
    for variation, parts in chunks.items():
        audio = np.concatenate(parts).mean(axis=1)
        bpm = measure_bpm(audio, samplerate, near=request.bpm)
        right["no_beat"].append(bpm is None)
        if bpm is not None and request.bpm is not None:
            right["tempo"].append(tempo_met(bpm, request.bpm))
            right["tapped"].append(tempo_met(measure_bpm(audio, samplerate), request.bpm))
        if request.key is not None and (asked := parse_key(request.key)) is not None:
            right["key"].append(key_met(measure_key(audio, samplerate), asked))
        if bpm is not None and variation == 1:
            report(f"{name}.bpm", bpm, "bpm", request.bpm)
    for figure in right.keys() - {"no_beat"}:
        report(f"{name}.{figure}", float(np.mean(right[figure])), f"share of {len(right[figure])}")
    report(f"{name}.real_time_factor", elapsed_s / (request.seconds * request.variations), "s/s")
    return right


if __name__ == "__main__":
    main()
