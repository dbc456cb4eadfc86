"""Time to first chunk and real-time factor of a whole model: python -m tests.benchmarks.bench_sketch [--model NAME] [--seconds S]

The same request goes through `Pipeline` twice: in chunks, and in the reference's order, that is all tokens first, then one
rendering of the whole piece. Same seed, same tokens. Both paths, from words and from a recorded loop (`….continued`); medians of
runs in turn, so that a busy moment of the machine hits both. Lines:
`….first_chunk`      seconds from the request to the first audio, the model being loaded.
`….real_time_factor` seconds of work for a second of audio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from engine.api import DECODE_PATHS, AudioChunk, GenerationRequest
from engine.pipeline import Pipeline
from engine.streaming import ChunkPlan
from tests.benchmarks.models import WHOLE, model_directory
from tests.benchmarks.report import report

PROMPT = "dub techno, 124 bpm, A minor"
LOOP = Path(__file__).parents[1] / "loops" / "compus.flac"
RUNS = 3


@dataclass(frozen=True)
class Run:
    first_chunk_s: float
    real_time_factor: float


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sketch", help="a model's name or directory")
    parser.add_argument("--seconds", type=float, default=20.0, help="of audio in each run")
    options = parser.parse_args(arguments)
    with model_directory(options.model) as (label, directory):
        streamed, whole = (Pipeline(plan=plan) for plan in (ChunkPlan(), WHOLE))
        for engine in (streamed, whole):
            engine.load(str(directory))
        for decode in DECODE_PATHS:
            common = {"duration_s": options.seconds, "decode": decode, "seed": 0, "model": str(directory)}
            bench(f"{label}.{decode}", streamed, whole, GenerationRequest(prompt=PROMPT, **common))
            bench(f"{label}.{decode}.continued", streamed, whole, GenerationRequest(clip=str(LOOP), join="new", **common))


def bench(name: str, streamed: Pipeline, whole: Pipeline, request: GenerationRequest) -> None:
    runs = [(run(streamed, request), run(whole, request)) for _ in range(RUNS)]
    for figure, unit in (("first_chunk", "s"), ("real_time_factor", "s/s")):
        field = "first_chunk_s" if figure == "first_chunk" else figure
        ours, theirs = (statistics.median(getattr(pair[which], field) for pair in runs) for which in (0, 1))
        report(f"{name}.{figure}", ours, unit, theirs, theirs / ours)


def run(engine: Pipeline, request: GenerationRequest) -> Run:
    begun, first = time.perf_counter(), None
    for event in engine.generate(request):
        if isinstance(event, AudioChunk):
            first = first or time.perf_counter() - begun
    return Run(first, (time.perf_counter() - begun) / request.seconds)


if __name__ == "__main__":
    main()
