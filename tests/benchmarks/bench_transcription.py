"""Are drums and bass line transcribed as they were played: python -m tests.benchmarks.bench_transcription [--picture FILE]

16 s each of pieces of the corpus that no training saw, in the order they come, rendered by fluidsynth, and through the codec of
`sketch` by its fast and its full path, as all that it makes comes out of that. F1 of notes within 50 ms. Lines, for each way:
`drums.CLASS.WAY`   kick, snare, hat; 0.8 is wanted. Baseline: kicks on one and three, snares on two and four, hats on eighths.
`drums.lag.WAY`     median of how late strokes are, in ms, that are right.
`bass.note.WAY`     notes of the right pitch; baseline: the strongest semitone of every eighth.
`bass.octave.WAY`   were the octave not to matter.
`notes.cost`        seconds of work for a second of audio.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr

from engine.acceleration import Prepared, choose_runtime, prepare
from engine.checkpoints.checkpoint import load_checkpoint
from engine.corpus.render import SAMPLE_RATE
from engine.corpus.transcribed import Excerpt, excerpts
from engine.evaluation.codec_trial import FAST, FULL, recode
from engine.evaluation.note_scores import Score, score_bass, score_times
from engine.music import bass_line
from engine.music.bass_line import BassNote, transcribe_bass
from engine.music.drums import CLASSES, RATE, Stroke, bands, detect_drums
from tests.benchmarks.report import report

WAYS = {"rendered": None, "fast": FAST, "full": FULL}
PATTERN = {"kick": (0.0, 2.0), "snare": (1.0, 3.0), "hat": tuple(np.arange(0, 4, 0.5).tolist())}  # beats


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=34)
    parser.add_argument("--picture", type=Path, help="where a piece by the full path is drawn, with the notes found in it")
    parser.add_argument("--styles", action="store_true", help="a line for each style, too")
    options = parser.parse_args(arguments)
    scores: dict[str, Score] = defaultdict(Score)
    lags: dict[str, list[float]] = defaultdict(list)
    worked_s = audio_s = 0.0
    for excerpt, way, audio in coded(options.pieces):
        began_at = time.perf_counter()
        strokes, notes = detect_drums(audio), transcribe_bass(audio)
        worked_s, audio_s = worked_s + time.perf_counter() - began_at, audio_s + len(audio) / RATE
        style = excerpt.piece.style.name
        if options.picture and way == "full" and len(excerpt.bass) > 8 and min(map(len, excerpt.drums.values())) > 4:
            draw(excerpt, audio, strokes, notes, options.picture)
            options.picture = None
        for name, played in excerpt.drums.items():
            times = [stroke.at_s for stroke in strokes if name in stroke.drums]
            for key in (f"drums.{name}.{way}", f"drums.{name}.{way}.{style}"):
                scores[key] += score_times(times, played)
            scores[f"drums.{name}.{way} baseline"] += score_times(pattern(name, excerpt), played)
            lags[way] += [near for at_s in times if played and abs(near := min((at_s - t for t in played), key=abs)) < 0.05]
        for key in (f"bass.note.{way}", f"bass.note.{way}.{style}"):
            scores[key] += score_bass(notes, excerpt.bass)
        scores[f"bass.note.{way} baseline"] += score_bass(strongest(audio, excerpt), excerpt.bass)
        scores[f"bass.octave.{way}"] += score_bass(notes, excerpt.bass, octaves=False)
    for key, score in scores.items():
        if not key.endswith("baseline") and (options.styles or key.count(".") == 2):
            baseline = scores.get(f"{key} baseline")
            report(key, score.f1, f"F1 of {score.played}, precision {score.precision:.2f}, recall {score.recall:.2f}",
                   baseline.f1 if baseline else None)  # fmt: skip
    for way, found in lags.items():
        report(f"drums.lag.{way}", 1000 * float(np.median(found)), "ms")
    report("notes.cost", worked_s / audio_s, "s/s")


def coded(pieces: int) -> Iterator[tuple[Excerpt, str, np.ndarray]]:
    prepared: Prepared = prepare(load_checkpoint("sketch"), choose_runtime("cpu"))
    for excerpt in itertools.islice(excerpts(21, held_out=True), pieces):
        for name, way in WAYS.items():
            audio = excerpt.audio if way is None else recode(prepared, excerpt.audio, way)
            yield excerpt, name, soxr.resample(audio, SAMPLE_RATE, RATE).astype(np.float32)


def pattern(name: str, excerpt: Excerpt) -> list[float]:
    piece, bars = excerpt.piece, range(excerpt.piece.bars)
    beats = (bar * piece.style.beats + beat for bar in bars for beat in PATTERN[name] if beat < piece.style.beats)
    return [beat * 60 / piece.bpm for beat in beats]


def strongest(audio: np.ndarray, excerpt: Excerpt) -> list[BassNote]:
    """Of every eighth the bass pitch at which the spectrum is strongest; equal neighbours are one note."""
    level = bass_line.spectra(audio)[:, 0, bass_line.BELOW :][:, : bass_line.PITCHES]
    step_s = 30 / excerpt.piece.bpm
    notes: list[BassNote] = []
    for number in range(int(len(audio) / RATE / step_s)):
        hops = slice(*(round(at * step_s * RATE / bass_line.HOP) for at in (number, number + 1)))
        pitch = bass_line.LOWEST + int(level[hops].mean(0).argmax())
        if not notes or notes[-1].pitch != pitch:
            notes.append(BassNote(number * step_s, (number + 1) * step_s, pitch))
    return notes


def draw(excerpt: Excerpt, audio: np.ndarray, strokes: list[Stroke], notes: list[BassNote], target: Path) -> None:
    """Two piano rolls over spectra: of the drums in bands, of the bass in semitones. Found notes are red, played ones blue."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    seconds = min(8.0, len(audio) / RATE)
    above.imshow(bands(audio).T, origin="lower", aspect="auto", cmap="Greys_r", vmin=-5, vmax=4,
                 extent=(0, len(audio) / RATE, 0, 24))  # fmt: skip
    for row, name in zip((2, 10, 19), CLASSES, strict=True):
        above.plot(excerpt.drums[name], [row + 1] * len(excerpt.drums[name]), "o", mfc="none", color="deepskyblue", ms=6, mew=0.8)
        times = [stroke.at_s for stroke in strokes if name in stroke.drums]
        above.plot(times, [row + 1] * len(times), "|", color="C3", ms=11, mew=1.6)
    above.set_yticks([3, 11, 20], CLASSES)
    lowest = bass_line.LOWEST - bass_line.BELOW
    level = bass_line.spectra(audio)[:, 0, bass_line.BELOW :][:, : bass_line.PITCHES]
    below.imshow(level.T, origin="lower", aspect="auto", cmap="Greys_r", vmin=-4, vmax=5,
                 extent=(0, len(audio) / RATE, lowest + bass_line.BELOW - 0.5, bass_line.HIGHEST + 0.5))  # fmt: skip
    for start_s, end_s, pitch in excerpt.bass:
        below.plot([start_s, end_s], [pitch, pitch], color="deepskyblue", lw=5, solid_capstyle="butt")
    for note in notes:
        below.plot([note.start_s, note.end_s], [note.pitch, note.pitch], color="C3", lw=2.2, solid_capstyle="butt")
        below.plot(note.start_s, note.pitch, "|", color="C3", ms=8, mew=1.4)
    below.set_ylabel("bass, MIDI pitch", fontsize=8)
    style = excerpt.piece.style.name
    below.set_xlabel(f"seconds of a held-out {style} piece after the codec; played: blue, found: red", fontsize=8)
    below.set_xlim(0, seconds)
    for axes in (above, below):
        axes.tick_params(labelsize=7)
    figure.savefig(target, dpi=80)


if __name__ == "__main__":
    main()
