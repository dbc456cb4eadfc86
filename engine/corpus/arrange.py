"""Composes a piece from a style's tables: key, tempo, progression, sections, and notes in beats.

Everything repeats exactly where music repeats: bars are tiled, nothing is humanised, and a bar lasts a whole number of token
frames. Equal bars therefore become equal tokens, which is what lets a small language model keep time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.corpus.mma import mma_instruments, mma_notes
from engine.corpus.piece import BAR_STEP, DRUM_CHANNEL, FRAME_RATE, Note, Piece, Section
from engine.corpus.styles import CRASH, KICK, PROGRAMS, PROGRESSIONS, SNARE, TOM_HIGH, TOM_LOW, TOM_MID, Part, Style
from engine.music.grid import bar_frames

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
DRUMLESS = 0.12  # share of pieces without drums in styles that have them
DRUMS_ALONE = 0.1  # as a drum loop is: what is continued most
DYNAMICS = {"intro": 0.72, "verse": 0.9, "chorus": 1.0, "verse2": 0.9, "outro": 0.76}  # of a section's velocities


def tempi(style: Style) -> range:
    """Every length of a bar that `compose` may draw, in token frames."""
    slowest, fastest = (bar_frames(bpm, style.beats, FRAME_RATE, BAR_STEP) for bpm in style.bpm)
    return range(fastest, slowest + 1, BAR_STEP)


def compose(style: Style, rng: np.random.Generator, drums_alone: float = DRUMS_ALONE, drumless: float = DRUMLESS) -> Piece:
    """Draws one piece. Deterministic in `rng`.

    drumless: share of pieces without drums, in styles that have them. drums_alone: share of those with drums in which nothing
    else plays.
    """
    mode = style.modes[rng.integers(len(style.modes))]
    key = int(rng.integers(12))
    progressions = PROGRESSIONS[style.progressions, mode]
    progression = progressions[rng.integers(len(progressions))]
    length = bar_frames(rng.uniform(*style.bpm), style.beats, FRAME_RATE, BAR_STEP)
    parts = {name: part for name in ("bass", "chords", "pad", "lead") if (part := getattr(style, name))}
    instruments = {name: str(rng.choice(part.instruments)) for name, part in parts.items()}
    with_drums = bool(style.drums or style.mma) and rng.random() >= drumless
    sections = _sections(set(parts) | ({"band"} if style.mma else set()), with_drums, rng)
    if with_drums:
        instruments["drums"] = "drums"
    channels = {name: index for index, name in enumerate(("bass", "chords", "pad", "lead"))}
    programs = {channels[name]: PROGRAMS[word] for name, word in instruments.items() if name in channels}
    if with_drums:
        programs[DRUM_CHANNEL] = style.kit or 0
    chords = [_chord(key, mode, degree, style.sevenths) for degree in progression]
    notes: list[Note] = []
    if style.mma:
        notes += mma_notes(style, chords, sections, programs, with_drums, int(rng.integers(1, 10_000)))
    patterns = {name: str(rng.choice(part.patterns)) for name, part in parts.items() if name != "lead"}
    drums = style.drums[rng.integers(len(style.drums))] if style.drums else {}
    motif = _motif(style, key, mode, chords, parts["lead"], rng) if "lead" in parts else []
    for section in sections:
        for bar in range(section.bars):
            start = (section.first_bar + bar) * style.beats
            chord = chords[bar % len(chords)]
            for name, pattern in patterns.items():
                if name in section.layers:
                    notes += _pitched_bar(parts[name], pattern, chord, start, channels[name], style)
            if "drums" in section.layers and drums:
                fill = bar == section.bars - 1 and section.label != "outro"
                notes += _drum_bar(
                    drums, start, style, crash=bar == 0 and section.label == "chorus", fill=fill, full="bass" in section.layers
                )
            if "lead" in section.layers:
                cycle = len(chords)
                notes += [
                    Note(start + n.start - (bar % cycle) * style.beats, n.length, n.pitch, n.velocity, channels["lead"])
                    for n in motif
                    if (bar % cycle) * style.beats <= n.start < (bar % cycle + 1) * style.beats
                ]
    mood = str(rng.choice(style.moods))
    if style.mma:
        instruments |= mma_instruments(programs)
    notes = _with_dynamics(notes, sections, style.beats)
    if with_drums and rng.random() < drums_alone:
        notes, sections = _drums_alone(notes, sections, style.beats)
        instruments = {"drums": "drums"}
    return Piece(style, mood, key, mode, progression, length, tuple(sections), instruments, tuple(notes), programs)


def _sections(layers: set[str], with_drums: bool, rng: np.random.Generator) -> list[Section]:
    """intro – verse – chorus – verse2 – outro, each with fewer or more layers."""
    rhythm = {"drums"} if with_drums else set()
    bed = [name for name in ("pad", "chords", "bass", "band") if name in layers]
    thin = {bed[rng.integers(len(bed))]} if "band" not in layers else {"band"}
    plan = [
        ("intro", 4, thin | (rhythm if rng.random() < 0.3 and "band" not in layers else set())),
        ("verse", 8, (layers - {"lead", "pad"}) | rhythm),
        ("chorus", 8, layers | rhythm),
    ]
    if rng.random() < 0.5:
        plan.append(("verse2", 4, (layers - {"pad"}) | rhythm))
    plan.append(("outro", 4, thin | ({"bass"} & layers)))
    sections, bar = [], 0
    for label, bars, names in plan:
        sections.append(Section(label, bar, bars, tuple(sorted(names))))
        bar += bars
    return sections


def _drums_alone(notes: list[Note], sections: list[Section], beats: int) -> tuple[list[Note], list[Section]]:
    """The sections that have drums, one after the other, and their drums."""
    alone, kept, bar = [], [], 0
    for section in sections:
        if "drums" in section.layers:
            first, after = section.first_bar * beats, (section.first_bar + section.bars) * beats
            here = (note for note in notes if note.channel == DRUM_CHANNEL and first <= note.start < after)
            alone += [replace(note, start=note.start - first + bar * beats) for note in here]
            kept.append(replace(section, first_bar=bar, layers=("drums",)))
            bar += section.bars
    return alone, kept


def _with_dynamics(notes: list[Note], sections: list[Section], beats: int) -> list[Note]:
    """An intro is played softer than its chorus, not only by fewer."""
    loudness = [DYNAMICS[section.label] for section in sections for _ in range(section.bars)]
    bars = (min(int(note.start // beats), len(loudness) - 1) for note in notes)
    return [replace(note, velocity=max(1, round(note.velocity * loudness[bar]))) for note, bar in zip(notes, bars, strict=True)]


def _chord(key: int, mode: str, degree: int, seventh: bool) -> tuple[int, ...]:
    """Pitch classes of the diatonic chord on `degree`, root first."""
    scale = SCALES[mode]
    return tuple((key + scale[(degree + step) % 7]) % 12 for step in ((0, 2, 4, 6) if seventh else (0, 2, 4)))


def _lift(pitch_class: int, low: int) -> int:
    """The lowest pitch of this class that is not below `low`."""
    return low + (pitch_class - low) % 12


def _step_starts(pattern: str) -> Iterator[tuple[int, str, int]]:
    """(index, symbol, length in steps) of each note of a pattern."""
    for index, symbol in enumerate(pattern):
        if symbol not in ".-":
            length = 1
            while index + length < len(pattern) and pattern[index + length] == "-":
                length += 1
            yield index, symbol, length


def _swung(step: float, swing: float) -> float:
    """Sixteenth-note index → beats, every second sixteenth delayed."""
    pair, odd = divmod(step, 2)
    return (pair * 2 + (odd and 2 * swing)) / 4


def _pitched_bar(part: Part, pattern: str, chord: tuple[int, ...], start: float, channel: int, style: Style) -> list[Note]:
    root, fifth = _lift(chord[0], part.low), _lift(chord[2], part.low)
    tones = sorted(_lift(pc, part.low) for pc in chord)
    pitches = {
        "1": [root],
        "8": [root + 12],
        "5": [fifth],
        "7": [root - 2],
        "c": tones,
        "a": tones[:1],
        "b": tones[1:2],
        "d": tones[2:3],
    }
    return [
        Note(start + _swung(index, style.swing), length / 4 * 0.95, pitch, part.velocity, channel)
        for index, symbol, length in _step_starts(pattern)
        for pitch in pitches[symbol]
    ]


def _drum_bar(drums: dict[int, str], start: float, style: Style, *, crash: bool, fill: bool, full: bool) -> list[Note]:
    velocity = {"X": 118, "x": 98, "o": 66}
    notes = [
        Note(start + _swung(index, style.swing), 0.2, pitch, velocity[symbol], DRUM_CHANNEL)
        for pitch, pattern in drums.items()
        if full or pitch not in (KICK, SNARE)
        for index, symbol in enumerate(pattern)
        if symbol != "." and not (fill and index >= 12)
    ]
    if crash:
        notes.append(Note(start, 1, CRASH, 96, DRUM_CHANNEL))
    if fill:
        rolls = (SNARE, TOM_HIGH, TOM_MID, TOM_LOW)
        notes += [Note(start + 3 + index / 4, 0.2, pitch, 92 + 6 * index, DRUM_CHANNEL) for index, pitch in enumerate(rolls)]
    return notes


def _motif(style: Style, key: int, mode: str, chords: list[tuple[int, ...]], part: Part, rng: np.random.Generator) -> list[Note]:
    """A lead line over one progression cycle: a rhythm of one bar answered by its variation, chord tones on strong beats."""
    scale = sorted(_lift((key + s) % 12, part.low) + octave for s in SCALES[mode] for octave in (0, 12))
    eighths = style.beats * 2
    rhythms = [sorted({0, *rng.choice(np.arange(1, eighths), size=rng.integers(2, 5), replace=False).tolist()}) for _ in range(2)]
    place = int(rng.integers(4, 9))
    notes: list[Note] = []
    for bar, chord in enumerate(chords):
        onsets = rhythms[bar % 2]
        for index, onset in enumerate(onsets):
            place = int(np.clip(place + rng.choice((-2, -1, -1, 0, 1, 1, 2)), 0, len(scale) - 1))
            pitch = scale[place]
            if onset % 4 == 0:
                pitch = min((p for p in scale if p % 12 in chord), key=lambda p: abs(p - scale[place]))
            end = onsets[index + 1] if index + 1 < len(onsets) else eighths
            notes.append(Note(bar * style.beats + onset / 2, min(end - onset, 3) / 2 * 0.92, pitch, part.velocity, 3))
    return notes
