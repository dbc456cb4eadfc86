"""Is the candidate that a fill chooses nearer to the truth than another: python -m tests.benchmarks.bench_fill FOLDER…

Regions of 1.5 to 4 s at random places, two of every second recording (with the others the method was chosen), are filled; what
was there is the truth. Recordings: tests/loops, the Debian package sonic-pi-samples, and FOLDERs of game music, such as that of
supertux-data and neverball-data. Lines:
`fill.chosen`    share of the other candidates that are farther from what was there, in the 0.5 s around the region's end (log-mel
                 distance); those as far count half. Baseline: a random candidate.
`fill.differ`    the same of the others that differ from it; `fill.same`: how many do not, for they end in the same moment of
                 the clip.
`fill.distance`  that distance in dB; baseline: a random candidate's.
`fill.likelihood`, `fill.spectrum`  as `fill.chosen`, were the choice by that measure alone.
`fill.joins`     joins at which the level changes no more, over 10 ms, than between 95 % of the neighbouring moments of the second
                 before and after; baseline: the same places of the recording as it was.
`takes.cost`     time for four takes from a bar of a clip over the time for one; baseline: one after the other.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from matplotlib.figure import Figure

from engine import limits
from engine.api import CANDIDATES, AudioChunk, CandidateReport, Finished, GenerationRequest
from engine.fill.exit import RATE, log_mel
from engine.music.channels import to_mono
from engine.pipeline import Pipeline
from tests.benchmarks.report import report

OWN = Path(__file__).parents[1] / "loops"
LOOPS = Path("/usr/share/sonic-pi/samples")
SHORTEST_S, LONGEST_S = 1.5, 4.0
AROUND_S = 16.0  # of a long recording, on either side of a region
SAME = 1e-6  # dB: no farther apart are two that end in the same samples


@dataclass(frozen=True)
class Filled:
    """Distances in dB of all candidates, the chosen one first; `change` at both joins, and there in the recording as it was."""

    distances: np.ndarray
    reports: list[CandidateReport]
    joins: list[float]
    before: list[float]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--regions", type=int, default=50)
    parser.add_argument("--timbre", choices=("clip", "model"))
    parser.add_argument("--picture", type=Path, help="only draw a filled region of the recorded loop into this PNG")
    parser.add_argument("--tuning", action="store_true", help="the recordings that the method was chosen with, not the others")
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    options = parser.parse_args(arguments)
    limits.MAX_VARIATIONS = options.candidates  # the sound of all is compared
    engine = Pipeline()
    engine.load("sketch")
    if options.picture:
        draw(engine, options.picture)
        return
    found: list[Filled] = []
    with contextlib.suppress(KeyboardInterrupt):  # what there is by then is reported
        for clip, from_s, to_s in regions(options.folders, options.regions, options.tuning):
            found.append(filled(engine, clip, from_s, to_s, options.timbre, options.candidates))
    tell(found)
    print_takes(engine)


def regions(folders: list[Path], count: int, tuning: bool) -> Iterator[tuple[Path, float, float]]:
    """A file that holds a region and what is around it, and where in it the region lies."""
    loops = sorted([*OWN.glob("*.flac"), *LOOPS.glob("loop_*.flac")])
    long = sorted(path for folder in folders for path in folder.rglob("*.ogg") if soundfile.info(path).duration >= 30)
    loops = [path for path in loops if soundfile.info(path).duration >= 5]
    own = [paths[not tuning :: 2] for paths in (long, loops)]
    rng = np.random.default_rng(int(tuning))
    with tempfile.TemporaryDirectory() as folder:
        for path in [*own[1], *own[0], *own[0]][:count]:
            info = soundfile.info(path)
            seconds = min(rng.uniform(SHORTEST_S, LONGEST_S), info.duration / 3)
            edge_s = 12.0 if info.duration >= 30 else 0.3 * info.duration
            begin_s = rng.uniform(edge_s, info.duration - seconds - min(10.0, 0.1 * info.duration))
            first = round(max(0.0, begin_s - AROUND_S) * info.samplerate)
            audio, rate = soundfile.read(path, round((seconds + 2 * AROUND_S) * info.samplerate), first, always_2d=True)
            excerpt = Path(folder) / "excerpt.wav"
            soundfile.write(excerpt, audio, rate, subtype="FLOAT")
            yield excerpt, begin_s - first / rate, begin_s - first / rate + seconds


def filled(engine: Pipeline, clip: Path, from_s: float, to_s: float, timbre: str | None, count: int) -> Filled:
    request = GenerationRequest(
        clip=str(clip), from_s=from_s, to_s=to_s, join="new", decode="fast", seed=7, candidates=count, variations=count,
        timbre=timbre,
    )  # fmt: skip
    events = list(engine.generate(request))
    end = events[-1]
    assert isinstance(end, Finished)
    parts = [[e.samples for e in events if isinstance(e, AudioChunk) and e.variation == n] for n in range(1, count + 1)]
    new = [np.concatenate(part) for part in parts]
    old, rate = soundfile.read(clip, dtype="float32", always_2d=True)
    own = end.report.variations[0]
    assert own.from_s is not None and own.to_s is not None
    begin, stop = round(own.from_s * rate), round(own.to_s * rate)
    true = around(old[begin:stop], old[stop:], rate)
    distances = [float(np.abs(around(one, old[stop:], rate) - true).mean()) for one in new]
    whole = to_mono(np.concatenate([old[:begin], new[0], old[stop:]]))
    joins, before = ([change(audio, rate, at) for at in (begin, stop)] for audio in (whole, to_mono(old)))
    return Filled(np.array(distances), list(end.report.candidates), joins, before)


def around(region: np.ndarray, after: np.ndarray, rate: int) -> np.ndarray:
    """log-mel levels of the 0.5 s around a region's end."""
    sides = [soxr.resample(to_mono(side), rate, RATE) for side in (region[-rate:], after[:rate])]
    middle = len(sides[0]) // (RATE // 100)
    return log_mel(np.concatenate(sides))[middle - 25 : middle + 25]


def change(audio: np.ndarray, rate: int, at: int) -> float:
    """The share of neighbouring 10 ms of the two seconds around `at` between which the level changes less than it does there."""
    size = rate // 100
    first = at - min(at // size, 100) * size
    blocks = audio[first : first + 200 * size]
    blocks = blocks[: len(blocks) // size * size].reshape(-1, size)
    steps = np.abs(np.diff(10 * np.log10(np.square(blocks, dtype=np.float64).mean(1) + 1e-9)))
    return float(np.mean(steps < steps[(at - first) // size - 1]))


def share(distances: np.ndarray, chosen: int) -> float:
    """Of the other candidates that are farther than the chosen one."""
    others = np.delete(distances, chosen)
    return float(np.mean((others > distances[chosen] + SAME) + 0.5 * (np.abs(others - distances[chosen]) <= SAME)))


def tell(found: list[Filled]) -> None:
    report("fill.regions", len(found), "regions")
    report("fill.chosen", statistics.mean(share(one.distances, 0) for one in found), "share", 0.5)
    apart = [one.distances[1:][np.abs(one.distances[1:] - one.distances[0]) > SAME] - one.distances[0] for one in found]
    report("fill.differ", statistics.mean(float(np.mean(own > 0)) for own in apart if len(own)), "share", 0.5)
    report("fill.same", 1 - sum(map(len, apart)) / sum(len(one.distances) - 1 for one in found), "share")
    chosen = statistics.mean(one.distances[0] for one in found)
    random = statistics.mean(one.distances.mean() for one in found)
    report("fill.distance", chosen, "dB", random, random / chosen)
    worths: dict[str, Callable[[CandidateReport], float]] = {
        "likelihood": lambda one: one.likelihood, "spectrum": lambda one: -one.spectrum_db,
    }  # fmt: skip
    for name, worth in worths.items():
        picked = [share(one.distances, int(np.argmax([worth(own) for own in one.reports]))) for one in found if one.reports]
        report(f"fill.{name}", statistics.mean(picked), "share", 0.5)
    joins, before = ([join <= 0.95 for one in found for join in getattr(one, which)] for which in ("joins", "before"))
    report("fill.joins", statistics.mean(joins), "share", statistics.mean(before))


def print_takes(engine: Pipeline) -> None:
    """Of the recorded loop, from its third bar."""
    times: dict[int, list[float]] = {1: [], 4: []}
    for _ in range(3):
        for takes, spent in times.items():
            begun = time.perf_counter()
            request = GenerationRequest(
                clip=str(OWN / "compus.flac"), from_bar=3, bars=4, join="new", decode="fast", seed=7, variations=takes
            )
            for _event in engine.generate(request):
                pass
            spent.append(time.perf_counter() - begun)
    one, four = (statistics.median(times[takes]) for takes in (1, 4))
    report("takes.cost", four / one, "of one", 4.0, 4.0 / (four / one))


def draw(engine: Pipeline, target: Path) -> None:
    """The loop on its grid as it was and with its third bar filled, and both joins close by."""
    clip, beats_per_bar = OWN / "compus.flac", 4
    request = GenerationRequest(clip=str(clip), from_bar=3, to_bar=4, join="new", decode="fast", seed=7)
    events = list(engine.generate(request))
    new = np.concatenate([event.samples for event in events if isinstance(event, AudioChunk)])
    end_of_job = events[-1]
    assert isinstance(end_of_job, Finished)
    old, rate = soundfile.read(clip, dtype="float32", always_2d=True)
    own = end_of_job.report.variations[0]
    assert own.from_s is not None
    begin, end = round(own.from_s * rate), round(own.from_s * rate) + len(new)
    whole = np.concatenate([old[:begin], new, old[end:]])
    beat_s = len(new) / rate / beats_per_bar
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    axes = figure.subplot_mosaic([["old", "old"], ["new", "new"], ["entry", "exit"]])
    for name, audio in (("old", old), ("new", whole)):
        axes[name].plot(np.arange(len(audio)) / rate, audio[:, 0], linewidth=0.3, color="0.3")
        axes[name].axvspan(begin / rate, end / rate, color="tab:orange", alpha=0.25)
        for number in range(round(len(audio) / rate / beat_s) + 1):
            is_bar = number % beats_per_bar == 0
            axes[name].axvline(number * beat_s, color="C3" if is_bar else "C0", linewidth=1.2 if is_bar else 0.4)
        title = {"old": "as it was: bars red, beats blue", "new": "filled, the best of eight candidates"}[name]
        axes[name].set(title=title, yticks=[], xlim=(0, len(audio) / rate))
    for name, at in (("entry", begin), ("exit", end)):
        near = slice(at - round(0.04 * rate), at + round(0.04 * rate))
        time_ms = (np.arange(len(whole))[near] - at) / rate * 1000
        axes[name].plot(time_ms, old[near, 0], linewidth=0.8, color="silver")
        axes[name].plot(time_ms, whole[near, 0], linewidth=0.8, color="black")
        axes[name].axvline(0, color="C3")
        axes[name].axvspan(*((0, 40) if name == "entry" else (-40, 0)), color="tab:orange", alpha=0.15)
        axes[name].set(title=f"{name} join, ms; grey: as it was", yticks=[], xlim=(-40, 40))
    figure.savefig(target, dpi=80)


if __name__ == "__main__":
    main()
