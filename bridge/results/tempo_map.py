"""A standard MIDI file that tells a DAW the musical time of a result: its tempo, its metre, and where its sections begin.

It has no notes. Its first tick is the result's first sample, its end the result's end.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import mido

TICKS_PER_BEAT = 960


def encode(duration_s: float, bpm: float, beats_per_bar: int, beat_unit: int, markers: Iterable[tuple[float, str]]) -> bytes:
    """The file's bytes, the same for the same values. Tempo: quarter notes a minute. Marker: (seconds, text), in time's order."""
    tempo = mido.bpm2tempo(bpm)
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=tempo))
    track.append(mido.MetaMessage("time_signature", numerator=beats_per_bar, denominator=beat_unit))
    now = 0
    for message, time_s in [
        *((mido.MetaMessage("marker", text=text), time_s) for time_s, text in markers),
        (mido.MetaMessage("end_of_track"), duration_s),
    ]:
        tick = round(time_s * 1e6 / tempo * TICKS_PER_BEAT)
        track.append(message.copy(time=max(0, tick - now)))
        now = max(now, tick)
    out = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8", tracks=[track]).save(file=out)
    return out.getvalue()
