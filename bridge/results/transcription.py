"""What is transcribed from a result, as tracks of its MIDI file: chords, drums and the bass line, from the engine's report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.results.tempo_map import Note, Part
from engine.api import DRUM_NOTES, chord_notes

TRACKS = ("chords", "drums", "bass")  # the engine's names, too
DRUM_CHANNEL, BASS_PROGRAM = 9, 33  # of General MIDI, counted from 0: the tenth channel, a bass guitar played with fingers
_STROKE_S = 0.05
_BASS_VELOCITY = 90


def names(contents: Mapping[str, Any]) -> list[str]:
    """Which of TRACKS there are, of a sidecar's contents."""
    return [name for name in TRACKS if contents.get("engine", {}).get(name)]


def parts(contents: Mapping[str, Any], from_s: float, end_s: float) -> list[Part]:
    """Of the new audio, which is from `from_s` to `end_s`; none where none were asked for."""
    entries_of = {name: [entry.split(" ") for entry in contents["engine"][name]] for name in names(contents)}
    made = {"chords": _chords, "drums": _drums, "bass": _bass}
    return [made[name](entries, from_s, end_s) for name, entries in entries_of.items()]


def _chords(entries: list[list[str]], from_s: float, end_s: float) -> Part:
    """Their names are texts, as chord symbols have no event of their own."""
    starts = [from_s + float(start_s) for start_s, _ in entries]
    notes, texts = [], []
    for start_s, after_s, (_, name) in zip(starts, [*starts[1:], end_s], entries, strict=True):
        if pitches := chord_notes(name):
            texts.append((start_s, name))
        notes += [Note(start_s, min(after_s, end_s), pitch) for pitch in pitches]
    return Part("chords", notes, texts=texts)


def _drums(entries: list[list[str]], from_s: float, end_s: float) -> Part:
    notes = []
    for at_s, drums, velocity in entries:
        start_s = from_s + float(at_s)
        last_s = min(start_s + _STROKE_S, end_s)
        notes += [Note(start_s, last_s, DRUM_NOTES[drum], int(velocity)) for drum in drums.split("+") if start_s < end_s]
    return Part("drums", notes, channel=DRUM_CHANNEL)


def _bass(entries: list[list[str]], from_s: float, end_s: float) -> Part:
    notes = [
        Note(from_s + float(start_s), min(from_s + float(last_s), end_s), int(pitch), _BASS_VELOCITY)
        for start_s, last_s, pitch in entries
    ]
    return Part("bass", [note for note in notes if note.end_s > note.start_s], channel=1, program=BASS_PROGRAM)
