"""Accompaniments by MMA, a program that plays chord charts in styles such as bossa nova and swing."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import mido

from engine.corpus.piece import DRUM_CHANNEL, Note, Section
from engine.corpus.styles import PROGRAMS, Style
from engine.music.analysis import NOTE_NAMES

BASS_PROGRAMS = range(32, 40)


def mma_notes(
    style: Style, chords: list[tuple[int, ...]], sections: list[Section], programs: dict[int, int], with_drums: bool, seed: int
) -> list[Note]:
    """One progression cycle per groove from MMA, straightened to a 24th-of-a-beat grid and tiled over the section."""
    notes: list[Note] = []
    blocks: dict[str, list[Note]] = {}
    cycle = len(chords) * style.beats
    for section in sections:
        groove = style.mma[section.label]
        if groove not in blocks:
            blocks[groove] = _block(groove, chords, style, seed, programs)
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


def _block(groove: str, chords: list[tuple[int, ...]], style: Style, seed: int, programs: dict[int, int]) -> list[Note]:
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
        tick = 0
        sounding: dict[tuple[int, int], tuple[int, int]] = {}  # (channel, note) → when it began, velocity
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


def mma_instruments(programs: dict[int, int]) -> dict[str, str]:
    words = {number: word for word, number in PROGRAMS.items()} | {26: "jazz guitar", 35: "fretless bass"}
    return {
        f"band {channel}": words[number]
        for channel, number in sorted(programs.items())
        if number in words and channel > 3 and channel != DRUM_CHANNEL
    }
