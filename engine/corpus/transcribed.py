"""Excerpts of composed pieces with the notes that sound in them: what a transcription is learnt from and judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine.arrays import Audio
from engine.corpus.arrange import compose
from engine.corpus.piece import DRUM_CHANNEL, Note, Piece, Section
from engine.corpus.render import SOUNDFONT, add_effects, is_held_out, synthesise
from engine.corpus.styles import STYLES

# General MIDI notes by what they are in a transcription. Others, as toms, congas and crashes, are no part of one.
DRUM_CLASSES = {"kick": (35, 36), "snare": (37, 38, 39, 40), "hat": (42, 44, 46, 51, 53, 54, 59, 69, 70, 82)}
MMA_HIGHEST = 50  # pitch of a bass that MMA plays
SECONDS = 16.0


@dataclass(frozen=True, eq=False)
class Excerpt:
    """audio: mono float32 at SAMPLE_RATE, whole bars. drums: of each class the seconds at which it is struck. bass: (begins,
    ends, MIDI pitch), in seconds.
    """

    piece: Piece
    audio: Audio
    drums: dict[str, list[float]]
    bass: list[tuple[float, float, int]]


def excerpts(seed: int, *, held_out: bool, first: int = 0) -> Iterator[Excerpt]:
    """Endlessly, one style after the other, of pieces that training saw or never saw."""
    number = first
    while True:
        number += 1
        rng = np.random.default_rng([seed, number])
        style = STYLES[number % len(STYLES)]
        piece = compose(style, rng)
        if is_held_out(style, piece.mode, piece.progression, piece.bar_frames) == held_out:
            yield excerpt(piece, rng)


def excerpt(piece: Piece, rng: np.random.Generator) -> Excerpt:
    """Some SECONDS of a piece, whole bars, from anywhere in it."""
    bar_s = piece.seconds / piece.bars
    bars = min(piece.bars, max(1, round(SECONDS / bar_s)))
    first = int(rng.integers(piece.bars - bars + 1))
    part = cut(piece, first, bars)
    audio = add_effects(synthesise(part, SOUNDFONT), part, rng)
    beat_s = 60 / piece.bpm
    drums = {
        name: sorted({n.start * beat_s for n in part.notes if n.channel == DRUM_CHANNEL and n.pitch in pitches})
        for name, pitches in DRUM_CLASSES.items()
    }
    end = bars * piece.style.beats
    bass = [(n.start * beat_s, min(n.start + n.length, end) * beat_s, n.pitch) for n in bass_line(part)]
    return Excerpt(part, audio, drums, bass)


def bass_line(piece: Piece) -> list[Note]:
    """In time's order. Of styles that MMA plays, whose channels hold several instruments: the lowest of the low notes."""
    if piece.style.bass is not None:
        return sorted((n for n in piece.notes if n.channel == 0), key=lambda n: n.start)
    low: dict[float, Note] = {}
    for note in piece.notes:
        if note.channel != DRUM_CHANNEL and note.pitch <= MMA_HIGHEST:
            low[note.start] = min(note, low.get(note.start, note), key=lambda n: n.pitch)
    return [low[start] for start in sorted(low)]


def cut(piece: Piece, first: int, bars: int) -> Piece:
    """A piece's bars from `first` on, as one section. Notes that begin before them are left out."""
    begin, end = first * piece.style.beats, (first + bars) * piece.style.beats
    notes = tuple(replace(n, start=n.start - begin) for n in piece.notes if begin - 1e-6 <= n.start < end - 1e-6)
    notes = tuple(replace(n, start=max(0.0, n.start)) for n in notes)
    layers = tuple(sorted({layer for section in piece.sections for layer in section.layers}))
    return replace(piece, notes=notes, sections=(Section("verse", 0, bars, layers),))
