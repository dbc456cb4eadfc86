"""Time to first chunk and real-time factor of a whole model: python -m tests.benchmarks.bench_sketch [--model NAME] [--seconds S]

The same request goes through `Pipeline` twice: in chunks, and in the reference's order, that is all tokens first, then one
rendering of the whole piece. Same seed, same tokens. Both paths, from words, from a recorded loop that is new to the engine
(`….continued`), and from one that was continued before (`….again`); medians of runs in turn, so that a busy moment of the machine
hits both. Lines:
`….first_chunk`      seconds from the request to the first audio, the model being loaded; `….cpu`: of the processor's work.
`….real_time_factor` seconds for a second of audio; `….cpu`: of the processor's work, of all threads.
`….variations` tokens a second of the language model for 4 variations in one batch, beside 4 requests one after the other; the
same tokens.
`….takes`      seconds for 4 variations of 12 s, beside one; the last figure is how many times as long they take. `….cpu`: of the
processor's work. `….two_cores`: as long as it takes two cores that do nothing else, from the work of each part: what is done side
by side on two cores counts once, without what it costs to hand it over.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile

from engine.acceleration import side_by_side
from engine.api import DECODE_PATHS, AudioChunk, Finished, GenerationRequest
from engine.pipeline import Pipeline
from engine.rendering.windows import ChunkPlan
from tests.benchmarks.models import WHOLE, model_directory
from tests.benchmarks.report import report

PROMPT = "dub techno, 124 bpm, A minor"
LOOP = Path(__file__).parents[1] / "loops" / "compus.flac"
RUNS = 3
VARIATIONS = 4


@dataclass(frozen=True)
class Run:
    first_chunk_s: float
    first_chunk_cpu_s: float
    real_time_factor: float
    real_time_factor_cpu: float


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sketch", help="a model's name or directory")
    parser.add_argument("--seconds", type=float, default=20.0, help="of audio in each run")
    options = parser.parse_args(arguments)
    with model_directory(options.model) as (label, directory), tempfile.TemporaryDirectory() as folder:
        clips = copies(Path(folder))  # of both paths: what one of them has heard is not new to the other
        streamed, whole = (Pipeline(plan=plan) for plan in (ChunkPlan(), WHOLE))
        for engine in (streamed, whole):
            engine.load(str(directory))
        for decode in DECODE_PATHS:
            common = {"duration_s": options.seconds, "decode": decode, "seed": 0, "model": str(directory)}
            bench(f"{label}.{decode}", streamed, whole, GenerationRequest(prompt=PROMPT, **common))
            continued = GenerationRequest(clip=str(LOOP), join="new", **common)
            bench(f"{label}.{decode}.continued", streamed, whole, continued, clips)
            bench(f"{label}.{decode}.again", streamed, whole, continued)
        for decode in DECODE_PATHS:
            takes = GenerationRequest(prompt=PROMPT, **common | {"decode": decode, "duration_s": min(12.0, options.seconds)})
            bench_takes(f"{label}.{decode}.takes", streamed, takes)
        bench_variations(f"{label}.variations", streamed, GenerationRequest(prompt=PROMPT, **common | {"decode": "fast"}))


def copies(folder: Path) -> Iterator[Path]:
    """The loop again and again, each beginning a little later in itself: other tokens, another recording to the engine."""
    audio, samplerate = soundfile.read(LOOP, dtype="float32")
    for number in itertools.count(1):
        soundfile.write(path := folder / f"{number}.wav", np.roll(audio, 777 * number, axis=0), samplerate, subtype="FLOAT")
        yield path


def bench(
    name: str, streamed: Pipeline, whole: Pipeline, request: GenerationRequest, clips: Iterator[Path] | None = None
) -> None:
    """clips: one for each run."""

    def next_request() -> GenerationRequest:
        return request if clips is None else replace(request, clip=str(next(clips)))

    runs = [(run(streamed, next_request()), run(whole, next_request())) for _ in range(RUNS)]
    for figure, field, unit in (
        ("first_chunk", "first_chunk_s", "s"), ("first_chunk.cpu", "first_chunk_cpu_s", "s"),
        ("real_time_factor", "real_time_factor", "s/s"), ("real_time_factor.cpu", "real_time_factor_cpu", "s/s"),
    ):  # fmt: skip
        ours, theirs = (statistics.median(getattr(pair[which], field) for pair in runs) for which in (0, 1))
        report(f"{name}.{figure}", ours, unit, theirs, theirs / ours)


def bench_variations(name: str, engine: Pipeline, request: GenerationRequest) -> None:
    figures = []
    for _ in range(RUNS):
        together = [sampled(engine, replace(request, variations=VARIATIONS))]
        alone = [sampled(engine, replace(request, seed=request.seed_of(number))) for number in range(1, VARIATIONS + 1)]
        assert together[0][0] == [row for tokens, _ in alone for row in tokens], f"{name}: different tokens"
        count = sum(map(len, together[0][0]))
        figures.append([count / sum(seconds for _, seconds in runs) for runs in (together, alone)])
    ours, theirs = (statistics.median(column) for column in zip(*figures, strict=True))
    report(name, ours, "tokens/s", theirs, ours / theirs)


def bench_takes(name: str, engine: Pipeline, request: GenerationRequest) -> None:
    runs = [[timed(engine, replace(request, variations=count)) for count in (1, VARIATIONS)] for _ in range(RUNS)]
    for place, suffix in enumerate(("", ".cpu", ".two_cores")):
        one, four = (statistics.median(run[which][place] for run in runs) for which in (0, 1))
        report(name + suffix, four, "s", one, four / one)


def timed(engine: Pipeline, request: GenerationRequest) -> tuple[float, float, float]:
    """Seconds of a job: elapsed, of work, and by two cores that do nothing else."""
    rounds: list[list[tuple[float, bool]]] = []  # of what was done side by side: work, and whether on this thread
    here, ended = threading.current_thread(), side_by_side._ended

    def noted(calls: Sequence[Callable[[], Any]], threads: int | None) -> Iterator[Any]:
        if len(calls) == 1:
            yield from ended(calls, threads)
            return
        parts: list[tuple[float, bool]] = []
        rounds.append(parts)

        def note(call: Callable[[], Any]) -> Any:
            begun = time.thread_time()
            try:
                return call()
            finally:
                parts.append((time.thread_time() - begun, threading.current_thread() is here))

        yield from ended([partial(note, call) for call in calls], threads)

    begun, cpu_begun, own_begun = time.perf_counter(), time.process_time(), time.thread_time()
    with mock.patch.object(side_by_side, "_ended", noted):
        *_, end = engine.generate(request)
    elapsed, work, own = time.perf_counter() - begun, time.process_time() - cpu_begun, time.thread_time() - own_begun
    assert isinstance(end, Finished) and not end.cancelled
    outside = own - sum(seconds for parts in rounds for seconds, is_here in parts if is_here)
    return elapsed, work, outside + sum(on_two_cores([seconds for seconds, _ in parts]) for parts in rounds)


def on_two_cores(parts: list[float]) -> float:
    """Seconds for parts of which each free core takes the next."""
    one = other = 0.0
    for part in parts:
        one, other = sorted((one, other))
        one += part
    return max(one, other)


def sampled(engine: Pipeline, request: GenerationRequest) -> tuple[list[tuple[int, ...]], float]:
    """The tokens of each variation, and the seconds that their steps took."""
    drawn: list[list[int]] = []
    engine.on_tokens = drawn.append
    try:
        *_, end = engine.generate(request)
    finally:
        engine.on_tokens = None
    assert isinstance(end, Finished) and end.report.pace
    return [*zip(*drawn, strict=True)], end.report.pace["step_s"] * len(drawn)


def run(engine: Pipeline, request: GenerationRequest) -> Run:
    begun, cpu_begun, first, first_cpu = time.perf_counter(), time.process_time(), 0.0, 0.0
    for event in engine.generate(request):
        if isinstance(event, AudioChunk) and not first:
            first, first_cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    elapsed, work = time.perf_counter() - begun, time.process_time() - cpu_begun
    return Run(first, first_cpu, elapsed / request.seconds, work / request.seconds)


if __name__ == "__main__":
    main()
