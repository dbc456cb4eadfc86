"""A standard MIDI file that gives a DAW the musical time of a result: its tempo, its metre, and where its sections begin.

Its first tick is the result's first sample, its end the result's end. Notes are on tracks of their own, where what was played is
known.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import mido

TICKS_PER_BEAT = 960
VELOCITY = 80


class Chord(NamedTuple):
    """From `start_s` up to `end_s`: what it is called, and its MIDI notes, none where there is no chord."""

    start_s: float
    end_s: float
    name: str
    notes: tuple[int, ...]


def encode(
    duration_s: float, bpm: float, beats_per_bar: int, beat_unit: int, markers: Iterable[tuple[float, str]],
    chords: Sequence[Chord] = (),
) -> bytes:  # fmt: skip
    """The file's bytes, the same for the same values. Tempo: quarter notes a minute. Marker: (seconds, text), in time's order, as
    the chords are, which are a track of that name.
    """
    tempo = mido.bpm2tempo(bpm)
    head = [
        (0.0, mido.MetaMessage("set_tempo", tempo=tempo)),
        (0.0, mido.MetaMessage("time_signature", numerator=beats_per_bar, denominator=beat_unit)),
        *((time_s, mido.MetaMessage("marker", text=text)) for time_s, text in markers),
    ]
    tracks = [_track(head, duration_s, tempo)]
    if chords:
        tracks.append(_track(_messages(chords), duration_s, tempo))
    out = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8", tracks=tracks).save(file=out)
    return out.getvalue()


def _messages(chords: Sequence[Chord]) -> list[tuple[float, Any]]:
    """At which second which message comes, in time's order. The names are texts, as chord symbols have no event of their own."""
    messages: list[tuple[float, Any]] = [(0.0, mido.MetaMessage("track_name", name="chords"))]
    for chord in chords:
        if chord.notes:
            messages.append((chord.start_s, mido.MetaMessage("text", text=chord.name)))
        messages += [(chord.start_s, mido.Message("note_on", note=note, velocity=VELOCITY)) for note in chord.notes]
        messages += [(chord.end_s, mido.Message("note_off", note=note)) for note in chord.notes]
    return messages


def _track(messages: Iterable[tuple[float, Any]], duration_s: float, tempo: int) -> mido.MidiTrack:
    track, now = mido.MidiTrack(), 0
    for time_s, message in [*messages, (duration_s, mido.MetaMessage("end_of_track"))]:
        tick = round(time_s * 1e6 / tempo * TICKS_PER_BEAT)
        track.append(message.copy(time=max(0, tick - now)))
        now = max(now, tick)
    return track
