"""Chords bar by bar, estimated from the audio. Mono float32 [frames]."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.arrays import Audio
from engine.music.analysis import CHROMA_RANGE, SCALES, chroma_by_register
from engine.music.grid import Grid
from engine.words import CHORDS, NO_CHORD, NOTES, parse_chord

SEVENTH = 0.8  # of how strongly the other notes sound does a seventh
BASS_RANGE, BASS_WEIGHT = (40.0, 200.0), 0.1
OUTSIDE = 0.15  # by how much less likely each note makes a chord that the key's scale does not have
FLOOR = 0.02  # of chroma: below, a pitch class is not there
CLEAR = 0.35  # correlation with the best chord below which it is none: drums alone have 0.2, noise 0.3
SILENT = 1e-3  # root mean square
LEAST_S = 0.7  # of a bar at the result's ends

Curve = NDArray[np.float64]


def estimate_chords(
    audio: Audio, samplerate: int, grid: Grid, key: tuple[int, str] | None
) -> list[tuple[float, str]]:
    """Where each chord begins, in seconds, and its name ("Am7", "-" for none): one to a bar, equal neighbours are one."""
    names, templates = _templates()
    chords: list[tuple[float, str]] = []
    for start_s, end_s in bars(grid, len(audio) / samplerate):
        bar = audio[round(start_s * samplerate) : round(end_s * samplerate)]
        name = _chord_of(bar, samplerate, names, templates, key)
        if not chords or chords[-1][1] != name:
            chords.append((round(start_s, 3), name))
    return chords


def bars(grid: Grid, seconds: float) -> Iterator[tuple[float, float]]:
    """Where bars begin and end, in seconds, the parts of bars at either end too where they last."""
    bar_s = grid.beats_per_bar * 60 / grid.bpm
    number = int(np.floor(grid.beat / grid.beats_per_bar + 1e-6))
    while True:
        start_s = (number * grid.beats_per_bar - grid.beat) * 60 / grid.bpm
        first, last = max(0.0, start_s), min(seconds, start_s + bar_s)
        if first >= seconds - 1e-3:
            return
        if last - first >= min(LEAST_S, 0.9 * bar_s):
            yield first, last
        number += 1


def _chord_of(bar: Audio, samplerate: int, names: list[str], templates: Curve, key: tuple[int, str] | None) -> str:
    if not len(bar) or np.sqrt(np.mean(np.square(bar, dtype=np.float64))) < SILENT:
        return NO_CHORD
    whole, bass = (_clear(one) for one in chroma_by_register(bar, samplerate, (CHROMA_RANGE, BASS_RANGE)))
    likely = templates @ whole
    if likely.max() < CLEAR:
        return NO_CHORD
    for index, name in enumerate(names):
        root, quality = parse_chord(name) or (0, "")
        likely[index] += BASS_WEIGHT * bass[root]
        if key is not None:
            scale = {(key[0] + step) % 12 for step in SCALES[key[1]]}
            likely[index] -= OUTSIDE * sum((root + step) % 12 not in scale for step in CHORDS[quality])
    return names[int(np.argmax(likely))]


def _clear(chroma: Curve) -> Curve:
    """How clearly each pitch class is there or is not: mean 0, length 1."""
    level = np.log(chroma + FLOOR)
    level = level - level.mean()
    return np.asarray(level / max(float(np.linalg.norm(level)), 1e-9))


def _templates() -> tuple[list[str], Curve]:
    """Names of all chords, and [chords, 12] what each sounds like."""
    names, rows = [], []
    for quality, steps in CHORDS.items():
        for root, note in enumerate(NOTES):
            row = np.zeros(12)
            row[[(root + step) % 12 for step in steps]] = 1.0
            if len(steps) > 3:
                row[(root + steps[3]) % 12] = SEVENTH
            row -= row.mean()
            names.append(note + quality)
            rows.append(row / np.linalg.norm(row))
    return names, np.array(rows)
