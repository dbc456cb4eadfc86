"""Composes a piece from a style's tables: key, tempo, progression, sections, and notes in beats.

Everything repeats exactly where music repeats: bars are tiled, nothing is humanised, and a bar lasts a whole number of token
frames. Equal bars therefore become equal tokens, which is what lets a small language model keep time.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import mido
import numpy as np

from engine.corpus.styles import CRASH, KICK, PROGRAMS, PROGRESSIONS, SNARE, TOM_HIGH, TOM_LOW, TOM_MID, Part, Style
from engine.music.analysis import NOTE_NAMES
from engine.music.grid import bar_frames

FRAME_RATE = 50  # token frames a second
BAR_STEP = 2  # bars last a multiple of this many frames
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
TICKS = 480
DRUM_CHANNEL = 9
BASS_PROGRAMS = range(32, 40)
DRUMLESS = 0.12  # share of pieces without drums in styles that have them
DRUMS_ALONE = 0.1  # as a drum loop is: what is continued most
DYNAMICS = {"intro": 0.72, "verse": 0.9, "chorus": 1.0, "verse2": 0.9, "outro": 0.76}  # of a section's velocities


@dataclass(frozen=True)
class Note:
    """One note. Times in beats from the piece's start; `channel` picks the instrument."""

    start: float
    length: float
    pitch: int
    velocity: int
    channel: int


@dataclass(frozen=True)
class Section:
    label: str  # one of engine.api.SECTIONS
    first_bar: int
    bars: int
    layers: tuple[str, ...]
    build_up: int = 0  # so many of its bars, the last ones, lead to a drop: see `engine.corpus.build_ups`


@dataclass(frozen=True)
class Piece:
    """A composed piece. `bar_frames` token frames to a bar give the tempo exactly."""

    style: Style
    mood: str
    key: int
    mode: str
    progression: tuple[int, ...]
    bar_frames: int
    sections: tuple[Section, ...]
    instruments: dict[str, str]  # layer → instrument word
    notes: tuple[Note, ...]
    programs: dict[int, int]  # channel → General MIDI program

    @property
    def bpm(self) -> float:
        return 60.0 * self.style.beats * FRAME_RATE / self.bar_frames

    @property
    def bars(self) -> int:
        return self.sections[-1].first_bar + self.sections[-1].bars

    @property
    def seconds(self) -> float:
        return self.bars * self.bar_frames / FRAME_RATE


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
        notes += _mma_notes(style, chords, sections, programs, with_drums, int(rng.integers(1, 10_000)))
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
        instruments |= _mma_instruments(programs)
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


def _step_starts(pattern: str):
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


def _mma_notes(style: Style, chords, sections, programs: dict[int, int], with_drums: bool, seed: int) -> list[Note]:
    """One progression cycle per groove from MMA, straightened to a 24th-of-a-beat grid and tiled over the section."""
    notes: list[Note] = []
    blocks: dict[str, list[Note]] = {}
    cycle = len(chords) * style.beats
    for section in sections:
        groove = style.mma[section.label]
        if groove not in blocks:
            blocks[groove] = _mma_block(groove, chords, style, seed, programs)
        thin = section.label in ("intro", "outro")
        for first in range(0, section.bars * style.beats, cycle):
            offset = section.first_bar * style.beats + first
            notes += [
                Note(n.start + offset, n.length, n.pitch, n.velocity, n.channel)
                for n in blocks[groove]
                if not (n.channel == DRUM_CHANNEL and (thin or not with_drums))
                and not (n.channel != DRUM_CHANNEL and thin and programs.get(n.channel) in BASS_PROGRAMS)
                and first + n.start < section.bars * style.beats
            ]
    return notes


def _mma_block(groove: str, chords, style: Style, seed: int, programs: dict[int, int]) -> list[Note]:
    names = {(4, 7): "", (3, 7): "m", (3, 6): "dim", (4, 7, 11): "M7", (4, 7, 10): "7", (3, 7, 10): "m7", (3, 6, 10): "m7b5"}
    lines = [f"RndSeed {seed}", "Tempo 120", f"Time {style.beats}", f"Groove {groove}"]
    for bar, chord in enumerate(chords, 1):
        quality = names[tuple((pc - chord[0]) % 12 for pc in chord[1:])]
        lines.append(f"{bar} {NOTE_NAMES[chord[0]]}{quality}")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "block.mma"), Path(folder, "block.mid")
        source.write_text("\n".join(lines) + "\n")
        subprocess.run(["mma", "-f", str(target), str(source)], check=True, capture_output=True)
        midi = mido.MidiFile(target)
    notes: list[Note] = []
    for track in midi.tracks:
        tick, sounding = 0, {}
        for message in track:
            tick += message.time
            if message.type == "program_change" and message.channel != DRUM_CHANNEL:
                programs.setdefault(message.channel, message.program)
            elif message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note] = (tick, message.velocity)
            elif message.type in ("note_on", "note_off") and (message.channel, message.note) in sounding:
                begun, velocity = sounding.pop((message.channel, message.note))
                start = round(begun / midi.ticks_per_beat * 12) / 12
                if start < len(chords) * style.beats:
                    length = max(tick - begun, 24) / midi.ticks_per_beat
                    notes.append(Note(start, length, message.note, min(120, 8 * round(velocity / 8)), message.channel))
    return notes


def _mma_instruments(programs: dict[int, int]) -> dict[str, str]:
    words = {number: word for word, number in PROGRAMS.items()} | {26: "jazz guitar", 35: "fretless bass"}
    return {
        f"band {channel}": words[number]
        for channel, number in sorted(programs.items())
        if number in words and channel > 3 and channel != DRUM_CHANNEL
    }


def to_midi(piece: Piece) -> mido.MidiFile:
    """The piece as a type-1 MIDI file. One beat lasts a whole number of microseconds, so bars meet token frames exactly."""
    midi = mido.MidiFile(ticks_per_beat=TICKS)
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("set_tempo", tempo=piece.bar_frames * 1_000_000 // FRAME_RATE // piece.style.beats))
    head.append(mido.MetaMessage("time_signature", numerator=piece.style.beats, denominator=4))
    midi.tracks.append(head)
    for channel in sorted({n.channel for n in piece.notes}):
        events = [(0, 0, mido.Message("program_change", channel=channel, program=piece.programs.get(channel, 0)))]
        if piece.style.pump and channel in (1, 2):
            events += _pump(channel, piece)
        for n in piece.notes:
            if n.channel == channel:
                on, off = round(n.start * TICKS), round((n.start + n.length) * TICKS)
                events.append((on, 2, mido.Message("note_on", channel=channel, note=n.pitch, velocity=n.velocity)))
                events.append((off, 1, mido.Message("note_off", channel=channel, note=n.pitch)))
        track, before = mido.MidiTrack(), 0
        for tick, _, message in sorted(events, key=lambda e: (e[0], e[1])):
            track.append(message.copy(time=tick - before))
            before = tick
        midi.tracks.append(track)
    return midi


def _pump(channel: int, piece: Piece) -> list[tuple[int, int, mido.Message]]:
    """Side-chain-like ducking: expression dips on each beat of the bars where the kick plays and recovers over half of it."""
    events = []
    for section in piece.sections:
        if "drums" not in section.layers or "bass" not in section.layers:
            continue
        for beat in range(section.first_bar * piece.style.beats, (section.first_bar + section.bars) * piece.style.beats):
            for step, value in enumerate((40, 64, 88, 108, 120, 127)):
                events.append(
                    (
                        round((beat + step / 10) * TICKS),
                        0,
                        mido.Message("control_change", channel=channel, control=11, value=value),
                    )
                )
    return events
