"""Do loops go round, and do results keep their grid: python -m tests.benchmarks.bench_loops [--loops 8] [--keep FOLDER]

Loops of `sketch` in 12 tempi and 4 metres, two bars of the fast path; `--loops 96` and more is the measurement of record. The
grid is measured by librosa (`pip install librosa`, for this alone), the join by frames of 10 ms. Lines:
`loops.join`       loops at whose join the level changes no more than between 95 % of their own frames; baseline: the same audio
                   cut at its end.
`loops.bar_line`   the same of their own bar line inside, where nothing was joined; as large as music's own downbeats make it.
`loops.meeting`    as `loops.join`, and with frames that meet at the join too: those of `loops.join` are counted from the
                   beginning, so that up to 10 ms before it are left out. It is what the engine reports.
`loops.downbeats`  loops whose change there is within the 95th percentile of the changes at their beats (in one frame of each).
`loops.rolls`      takes that were made for a loop, on average.
`loops.step`       largest step at the join, from one sample to the next, against the largest inside; baseline: cut.
`loops.level`      loops whose last bar is within 1 dB of the first; baseline: cut.
`loops.click`      loops with a click at the join that is louder than the music around it; baseline: cut.
`loops.rounds`     samples by which sixteen rounds miss the grid of the file's tempo, the most.
`grid.median`, `grid.p95`  milliseconds, either way, of the beats against the asked grid by librosa, less what it is off on pieces
                   whose notes are on it exactly; baseline: before they were moved onto it.
`grid.clear.…`     the same of those in which ours is sure of a beat.
`grid.own.median`  the same by our own measure, as `done` tells it.
`grid.corpus.…`    librosa's of those pieces (`--pieces` of the corpus, with fluidsynth): its lag, and what it can tell at all.
`grid.cost`        share of a job's time that measuring takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile

from bridge.results.tags import Tags
from engine.api import AudioChunk, Finished, GenerationRequest
from engine.music import loop_joins
from engine.music.analysis import join_report
from engine.music.grid import Grid
from engine.music.grid_check import check_grid
from engine.music.loop import MOST_CHANGE, LoopEnd, check_loop
from engine.pipeline import Pipeline
from tests.benchmarks.report import report

TEMPI = (68.0, 76.0, 84.0, 92.0, 100.0, 108.0, 116.0, 124.0, 132.0, 140.0, 156.0, 172.0)
METRES = ((4, 4), (3, 4), (6, 4), (7, 8))
PROMPTS = ("house with piano and drums", "rock guitar and drums", "funk bass and drums", "jazz trio with drums", "string quartet",
           "techno", "bossa nova", "ambient pad and piano")  # fmt: skip
BARS, ROUNDS, FRAME_S = 2, 16, 0.01


@dataclass(frozen=True)
class Loop:
    """audio, cut: mono [frames], as it went out and without its end led to its beginning."""

    grid: Grid
    audio: np.ndarray
    cut: np.ndarray
    samplerate: int
    moved_ms: float
    downbeat_ms: float | None
    rolls: int
    seconds: float  # that it took


class _Watched(LoopEnd):
    """Remembers what it was given, of all the ends since the last result."""

    made: list[_Watched] = []

    def __init__(self, *args: int) -> None:
        super().__init__(*args)
        self.raw: list[np.ndarray] = []
        _Watched.made.append(self)

    def push(self, samples: np.ndarray) -> np.ndarray:
        self.raw.append(samples)
        return super().push(samples)

    @staticmethod
    def cut_of(audio: np.ndarray) -> np.ndarray:
        """What the loop `audio`, mono [frames], would be if it were cut: of all that were tried, the one that begins alike."""
        cuts = [np.concatenate(end.raw).mean(1) for end in _Watched.made]
        half = len(audio) // 2
        return min(cuts, key=lambda cut: float(np.abs(cut[:half] - audio[:half]).mean()))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loops", type=int, default=8)
    parser.add_argument("--pieces", type=int, default=6, help="of the corpus, for what librosa can tell")
    parser.add_argument("--keep", type=Path, help="a folder for the loops")
    parser.add_argument("--model", default="sketch")
    parser.add_argument("--picture", type=Path, help="where the loop whose cut end steps most is drawn")
    options = parser.parse_args(arguments)
    loops = []
    for number, loop in enumerate(made(options.loops, options.model)):
        loops.append(loop)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            soundfile.write(options.keep / f"{number:03d}.wav", np.stack([loop.audio, loop.cut], 1), loop.samplerate)
    print_joins(loops)
    if options.picture:
        draw(max(loops, key=lambda loop: step(loop.cut)), options.picture)
    exact = np.array([off_ms(*piece) for piece in corpus(options.pieces)])
    lag_ms = float(np.median(exact))
    report("grid.corpus.median", lag_ms, "ms")
    report("grid.corpus.p95", float(np.percentile(np.abs(exact - lag_ms), 95)), "ms")
    print_grid(loops, lag_ms)


def made(count: int, model: str) -> Iterator[Loop]:
    engine = Pipeline()
    engine.load(model)
    mock.patch.object(loop_joins, "LoopEnd", _Watched).start()
    for number in range(count):
        bpm, (beats, unit) = TEMPI[number % 12], METRES[number // 12 % 4]
        request = GenerationRequest(
            PROMPTS[number % len(PROMPTS)], bpm=bpm, beats_per_bar=beats, beat_unit=unit, bars=BARS, seed=1000 + number,
            decode="fast", loop=True,
        )  # fmt: skip
        began_at, chunks = time.perf_counter(), []
        for event in engine.generate(request):
            if isinstance(event, AudioChunk):
                chunks.append(event.samples)
            if isinstance(event, Finished):
                own, samplerate = event.report.variations[0], event.samplerate
        seconds = time.perf_counter() - began_at
        audio = np.concatenate(chunks).mean(1)
        cut = _Watched.cut_of(audio)
        _Watched.made = []
        grid = Grid(bpm, request.quarters_per_bar)
        yield Loop(grid, audio, cut, samplerate, own.moved_ms or 0.0, own.downbeat_ms, own.rolls or 1, seconds)


def print_joins(loops: list[Loop]) -> None:
    count = f"of {len(loops)}"
    ours, cuts = ([change(part, loop.samplerate, 0) <= 0.95 for part, loop in parts(loops, which)] for which in (0, 1))
    inside = [change(loop.audio, loop.samplerate, len(loop.audio) // BARS) <= 0.95 for loop in loops]
    report("loops.join", sum(ours), count, sum(cuts))
    report("loops.bar_line", sum(inside), count)
    meeting, cut_meeting = ([meets(part, loop.samplerate) for part, loop in parts(loops, which)] for which in (0, 1))
    report("loops.meeting", sum(meeting), count, sum(cut_meeting))
    downbeats = [beside_beats(loop) <= 0.95 for loop in loops]
    report("loops.downbeats", sum(downbeats), count)
    report("loops.rolls", sum(loop.rolls for loop in loops) / len(loops), "takes")
    largest, cut_largest = (max(step(part) for part, _ in parts(loops, which)) for which in (0, 1))
    report("loops.step", largest, "largest inside", cut_largest)
    report("loops.level", *(sum(abs(level(part)) <= 1 for part, _ in parts(loops, 0)),), count,
           sum(abs(level(part)) <= 1 for part, _ in parts(loops, 1)))  # fmt: skip
    report("loops.click", *(sum(clicks(part, loop.samplerate) for part, loop in parts(loops, 0)),), count,
           sum(clicks(part, loop.samplerate) for part, loop in parts(loops, 1)))  # fmt: skip
    report("loops.rounds", max(missed(loop) for loop in loops), "samples")


def parts(loops: list[Loop], which: int) -> list[tuple[np.ndarray, Loop]]:
    """Their audio as it went out (0), or cut (1)."""
    return [((loop.audio, loop.cut)[which], loop) for loop in loops]


def change(audio: np.ndarray, samplerate: int, at: int) -> float:
    """Which share of the loop's changes of energy between frames of 10 ms is smaller than that at frame `at`, round and round."""
    size = round(FRAME_S * samplerate)
    whole = np.roll(audio, -at)[: len(audio) // size * size].reshape(-1, size)
    energy = 10 * np.log10(np.square(whole, dtype=np.float64).mean(1) + 1e-7)
    changes = np.abs(np.diff(energy, prepend=energy[-1]))
    return float((changes < changes[0]).mean())


def meets(audio: np.ndarray, samplerate: int) -> bool:
    """As the engine measures it: the loop's very last 10 ms against its first."""
    return check_loop(audio[:, None], len(audio) // BARS, samplerate).change <= MOST_CHANGE


def beside_beats(loop: Loop) -> float:
    """Which share of the loop's own beats change its level less than the join does, each where it does most within 20 ms."""
    size = round(FRAME_S * loop.samplerate)
    whole = loop.audio[: len(loop.audio) // size * size].reshape(-1, size)
    energy = 10 * np.log10(np.square(whole, dtype=np.float64).mean(1) + 1e-7)
    changes = np.abs(np.diff(energy, prepend=energy[-1]))
    frames = np.round(np.arange(1, BARS * loop.grid.beats_per_bar) * 60 / loop.grid.bpm / FRAME_S).astype(int)
    beats = np.array([changes[max(0, frame - 2) : frame + 3].max() for frame in frames])
    return float((beats < changes[0]).mean())


def step(audio: np.ndarray) -> float:
    return float(abs(audio[0] - audio[-1]) / np.abs(np.diff(audio)).max())


def level(audio: np.ndarray) -> float:
    """From the last bar to the first, in dB."""
    bar = len(audio) // BARS
    first, last = (np.square(part, dtype=np.float64).mean() + 1e-9 for part in (audio[:bar], audio[-bar:]))
    return float(10 * np.log10(first / last))


def clicks(audio: np.ndarray, samplerate: int) -> bool:
    return join_report(np.tile(audio, 2), samplerate, len(audio)).click_db > 3


def missed(loop: Loop) -> float:
    exact = Tags(bpm=loop.grid.bpm, loops=True).exact_bpm(loop.samplerate, len(loop.audio))
    assert exact is not None
    beats = BARS * loop.grid.beats_per_bar
    return float(abs(ROUNDS * len(loop.audio) - ROUNDS * beats * 60 / float(np.float32(exact)) * loop.samplerate))


def print_grid(loops: list[Loop], lag_ms: float) -> None:
    offsets = np.array([off_ms(loop.audio, loop.samplerate, loop.grid) for loop in loops]) - lag_ms
    before = np.abs(offsets + np.array([loop.moved_ms for loop in loops]))
    sure = np.array([loop.downbeat_ms is not None for loop in loops])
    for name, which in (("grid", np.ones(len(loops), bool)), ("grid.clear", sure)):
        after = np.abs(offsets[which])
        report(f"{name}.median", float(np.median(after)), "ms", float(np.median(before[which])))
        report(f"{name}.p95", float(np.percentile(after, 95)), "ms", float(np.percentile(before[which], 95)))
    own = np.abs([loop.downbeat_ms for loop in loops if loop.downbeat_ms is not None])
    report("grid.own.median", float(np.median(own)), "ms")
    report("grid.clear.count", int(sure.sum()), f"of {len(loops)}")
    began_at = time.perf_counter()
    for loop in loops:
        check_grid(loop.audio[::2], loop.samplerate // 2, loop.grid)
    report("grid.cost", 2 * (time.perf_counter() - began_at) / sum(loop.seconds for loop in loops), "of the job's time")


def off_ms(audio: np.ndarray, samplerate: int, grid: Grid) -> float:
    """By how much the beats that librosa finds are late, the median: each against the nearest eighth note of the asked grid, as a
    beat tracker does not know which of them is the first. Played round twice, so that it has time to find them.
    """
    import librosa  # noqa: PLC0415 - of this benchmark alone

    hop = 64
    rounds = int(np.ceil(12 * samplerate / len(audio)))
    strength = librosa.onset.onset_strength(y=np.tile(audio, rounds), sr=samplerate, hop_length=hop, n_fft=1024)
    _, beats = librosa.beat.beat_track(
        onset_envelope=strength, sr=samplerate, hop_length=hop, bpm=grid.bpm, tightness=400, units="time", trim=False
    )
    eighth_s = 30 / grid.bpm
    away = (beats % (len(audio) / samplerate) + eighth_s / 2) % eighth_s - eighth_s / 2
    return float(1000 * np.median(away))


def corpus(count: int) -> Iterator[tuple[np.ndarray, int, Grid]]:
    """Bars of pieces whose notes are where they should be, all layers playing."""
    from engine.corpus.arrange import compose  # noqa: PLC0415 - they need programs
    from engine.corpus.render import SAMPLE_RATE, SOUNDFONT, add_effects, synthesise  # noqa: PLC0415
    from engine.corpus.styles import STYLES  # noqa: PLC0415

    for number in range(count):
        rng = np.random.default_rng([11, number])
        piece = compose(STYLES[number % len(STYLES)], rng)
        audio = add_effects(synthesise(piece, SOUNDFONT), piece, rng)
        section = max(piece.sections, key=lambda section: len(section.layers))
        bar_s = piece.bar_frames / 50
        first = round(section.first_bar * bar_s * SAMPLE_RATE)
        bars = audio[first : first + round(BARS * bar_s * SAMPLE_RATE)]
        yield bars[::2].copy(), SAMPLE_RATE // 2, Grid(piece.bpm, piece.style.beats)


def draw(loop: Loop, target: Path) -> None:
    """The loop with its beats and bars, and its join, cut and led to its beginning."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    above, left, right = figure.subplot_mosaic("AA;BC").values()
    beat = 60 / loop.grid.bpm
    above.plot(np.arange(len(loop.audio)) / loop.samplerate, loop.audio, lw=0.3, color="0.35")
    for number in range(round(BARS * loop.grid.beats_per_bar) + 1):
        is_bar = number % loop.grid.beats_per_bar == 0
        above.axvline(number * beat, color="C3" if is_bar else "C0", lw=1.2 if is_bar else 0.5)
    above.set_title(f"two bars at {loop.grid.bpm:g} bpm: bars red, beats blue", fontsize=9)
    near = round(0.004 * loop.samplerate)
    for axes, audio, name in ((left, loop.cut, "cut at its end"), (right, loop.audio, "led to its beginning")):
        join = np.concatenate([audio[-near:], audio[:near]])
        axes.plot((np.arange(len(join)) - near) / loop.samplerate * 1000, join, lw=1, color="0.2")
        axes.axvline(0, color="C3", lw=0.8)
        axes.set_title(f"the join, {name} (ms)", fontsize=9)
    for axes in (above, left, right):
        axes.tick_params(labelsize=7)
    figure.savefig(target, dpi=80)


if __name__ == "__main__":
    main()
