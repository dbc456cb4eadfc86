"""The audio device: how loud it plays, and what; the host's transport, which it starts with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from bridge.errors import MessageError
from bridge.osc.commands.table import Command, JobId, Table
from bridge.osc.fields import Meta
from bridge.osc.protocol import LEAST_GAIN_DB, MAX_GAIN_DB, TRANSPORT_S
from engine.api import BEAT_UNITS, MAX_VARIATIONS

TABLE = Table()


@TABLE.command(
    "/inspire/gain", "sets how loud the audio device plays, at once and without a click; files keep their level", "ack", "fail"
)
@dataclass(frozen=True)
class SetGain(Command):
    gain_db: Annotated[float, Meta("0: as it is in the file", LEAST_GAIN_DB, MAX_GAIN_DB)]


@TABLE.command("/inspire/play", "plays a result that is there; a cancel of its job, or another play, ends it", "ack", "fail")
@dataclass(frozen=True)
class Play(Command):
    job: JobId
    variation: Annotated[int, Meta("which, counted from 1", 1, MAX_VARIATIONS)] = 1


@TABLE.command(
    "/inspire/transport",
    f"reports the host's transport, for start bar: counts for {TRANSPORT_S:g} s, so send it once a second; wins over MIDI clock",
    "ack",
    "fail",
)
@dataclass(frozen=True)
class ReportTransport(Command):
    """As it is when it is sent. The last one wins, whoever sends it."""

    bpm: Annotated[float, Meta("tempo in quarter notes per minute", 10, 1000)]
    position_beats: Annotated[
        float, Meta("where the song is, in quarter notes from its beginning; negative in a count-in", -1_000, 1_000_000)
    ]
    playing: Annotated[bool, Meta("1: it moves on from there; 0: it is stopped")]
    beats_per_bar: Annotated[
        int | None, Meta("beats in a bar; when not given the setting midi_beats_per_bar, else the job's", 1, 16)
    ] = None
    beat_unit: Annotated[int | None, Meta("the note a beat is: 2, 4, 8 or 16; 4 when not given", 2, 16)] = None
    loop_start_beats: Annotated[
        float | None, Meta("where the host's loop begins, in quarter notes; not given: it plays none", -1_000, 1_000_000)
    ] = None
    loop_end_beats: Annotated[float | None, Meta("and where it ends", -1_000, 1_000_000)] = None
    age_s: Annotated[
        float | None, Meta("how long ago it was so, in seconds; the mailbox adds how long the message lay there", 0, TRANSPORT_S)
    ] = None

    @classmethod
    def read(cls, id: str, **values: Any) -> ReportTransport:
        loop = [values.get(name) for name in ("loop_start_beats", "loop_end_beats")]
        if loop.count(None) == 1:
            raise MessageError("a loop has loop_start_beats and loop_end_beats: give both, or neither", "bad_request")
        if loop[0] is not None and not loop[1] > loop[0]:
            raise MessageError(f"the loop ends at {loop[1]:g} and begins at {loop[0]:g}: it must end later", "bad_request")
        unit = values.get("beat_unit", 4)
        if unit not in BEAT_UNITS:
            raise MessageError(f"beat_unit is {unit}: one of 2, 4, 8, 16 is allowed", "bad_value")
        if (beats := values.get("beats_per_bar", 4)) * 4 / unit > 16:
            raise MessageError(f"the metre is {beats}/{unit}: bars of at most 16 quarter notes are allowed", "bad_request")
        if unit != 4 and "beats_per_bar" not in values:
            raise MessageError("beat_unit is given without beats_per_bar: give both, or neither", "bad_request")
        return cls(id, **values)
