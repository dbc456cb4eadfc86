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


class Note(NamedTuple):
    """From `start_s` up to `end_s`: a MIDI pitch."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int = 80


class Part(NamedTuple):
    """A track of its own. channel, program: counted from 0; None: the instrument is left to the host. texts: (seconds, text)."""

    name: str
    notes: Sequence[Note]
    channel: int = 0
    program: int | None = None
    texts: Sequence[tuple[float, str]] = ()


def encode(
    duration_s: float, bpm: float, beats_per_bar: int, beat_unit: int, markers: Iterable[tuple[float, str]],
    parts: Sequence[Part] = (),
) -> bytes:  # fmt: skip
    """The file's bytes, the same for the same values. Tempo: quarter notes a minute. Marker: (seconds, text), in time's order."""
    tempo = mido.bpm2tempo(bpm)
    head = [
        (0.0, mido.MetaMessage("set_tempo", tempo=tempo)),
        (0.0, mido.MetaMessage("time_signature", numerator=beats_per_bar, denominator=beat_unit)),
        *((time_s, mido.MetaMessage("marker", text=text)) for time_s, text in markers),
    ]
    tracks = [_track(head, duration_s, tempo), *(_track(_messages(part), duration_s, tempo) for part in parts)]
    out = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8", tracks=tracks).save(file=out)
    return out.getvalue()


def _messages(part: Part) -> list[tuple[float, Any]]:
    """At which second which message comes, in time's order. A note ends before the next one of its pitch begins."""
    head = [(0.0, mido.MetaMessage("track_name", name=part.name))]
    if part.program is not None:
        head.append((0.0, mido.Message("program_change", program=part.program, channel=part.channel)))
    timed: list[tuple[float, int, Any]] = [(time_s, 1, mido.MetaMessage("text", text=text)) for time_s, text in part.texts]
    for note in part.notes:
        on = mido.Message("note_on", note=note.pitch, velocity=note.velocity, channel=part.channel)
        timed.append((note.start_s, 2, on))
        timed.append((note.end_s, 0, mido.Message("note_off", note=note.pitch, channel=part.channel)))
    return head + [(time_s, message) for time_s, _, message in sorted(timed, key=lambda one: one[:2])]


def _track(messages: Iterable[tuple[float, Any]], duration_s: float, tempo: int) -> mido.MidiTrack:
    track, now = mido.MidiTrack(), 0
    for time_s, message in [*messages, (duration_s, mido.MetaMessage("end_of_track"))]:
        tick = round(time_s * 1e6 / tempo * TICKS_PER_BEAT)
        track.append(message.copy(time=max(0, tick - now)))
        now = max(now, tick)
    return track
