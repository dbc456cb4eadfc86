"""Are the right chords found: python -m tests.benchmarks.bench_chords [--pieces 20]

Pieces of the corpus that training never saw, rendered by fluidsynth, against the notes they were made of. Lines:
`chords.root`  bars whose chord has the right root, of those in which at least two notes sound; baseline: the key's tonic, always.
               0.85 is wanted.
`chords.cost`  seconds of work for a second of audio.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from scipy import signal

from engine.corpus.arrange import compose
from engine.corpus.piece import Piece
from engine.corpus.render import SAMPLE_RATE, SOUNDFONT, add_effects, is_held_out, synthesise
from engine.corpus.styles import STYLES
from engine.music.analysis import SCALES, measure_key
from engine.music.chords import bars, estimate_chords
from engine.music.grid import Grid
from engine.words import parse_chord
from tests.benchmarks.report import report

RATE, SECONDS = 12_000, 45.0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=20)
    options = parser.parse_args(arguments)
    right, tonic, worked_s, played_s = [], [], 0.0, 0.0
    for piece, audio in held_out(options.pieces):
        began_at, grid = time.perf_counter(), Grid(piece.bpm, piece.style.beats)
        key = measure_key(audio, RATE)
        chords = [] if key is None else estimate_chords(audio, RATE, grid, key)
        worked_s, played_s = worked_s + time.perf_counter() - began_at, played_s + len(audio) / RATE
        roots = true_roots(piece)
        for number, (start_s, _) in enumerate(bars(grid, len(audio) / RATE)):
            if number in roots:
                name = next((name for at_s, name in reversed(chords) if at_s <= start_s + 0.01), "-")
                right.append((parse_chord(name) or (None,))[0] == roots[number])
                tonic.append(key is not None and key[0] == roots[number])
    report("chords.root", float(np.mean(right)), f"of {len(right)} bars", float(np.mean(tonic)))
    report("chords.cost", worked_s / played_s, "s/s")


def held_out(count: int) -> Iterator[tuple[Piece, np.ndarray]]:
    number = 0
    while count:
        number += 1
        rng = np.random.default_rng([21, number])
        style = STYLES[number % len(STYLES)]
        piece = compose(style, rng)
        if is_held_out(style, piece.mode, piece.progression, piece.bar_frames):
            count -= 1
            audio = add_effects(synthesise(piece, SOUNDFONT), piece, rng)[: round(SECONDS * SAMPLE_RATE)]
            yield piece, signal.resample_poly(audio, 1, SAMPLE_RATE // RATE).astype(np.float32)


def true_roots(piece: Piece) -> dict[int, int]:
    """Of each bar in which at least two notes sound, by its number."""
    beats, roots = piece.style.beats, {}
    scale, notes = SCALES[piece.mode], [note for note in piece.notes if note.channel != 9]
    for section in piece.sections:
        for number in range(section.bars):
            bar = section.first_bar + number
            first, last = bar * beats + 0.01, (bar + 1) * beats - 0.01
            if sum(note.start < last and note.start + note.length > first for note in notes) >= 2:
                roots[bar] = (piece.key + scale[piece.progression[number % len(piece.progression)] % 7]) % 12
    return roots


if __name__ == "__main__":
    main()
