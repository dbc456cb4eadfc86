"""What MIDI does: listed, learnt, forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from bridge.osc.commands.table import Command, Table
from bridge.osc.fields import Meta
from bridge.osc.protocol import LEARN_S, LEAST_GAIN_DB, MIDI_ACTIONS, MIDI_KINDS, STARTS

TABLE = Table()

Action = Annotated[str, Meta("what the message does", choices=MIDI_ACTIONS)]
Kind = Annotated[str, Meta("which MIDI message does it", choices=MIDI_KINDS)]
Number = Annotated[int, Meta("the note, program or controller; any when not given", 0, 127)]
Channel = Annotated[int, Meta("the MIDI channel; any when not given", 1, 16)]
Low = Annotated[float, Meta("of gain in dB and guidance: what a controller's 0 stands for", LEAST_GAIN_DB, 20)]
High = Annotated[float, Meta("of gain in dB and guidance: what a controller's 127 stands for", LEAST_GAIN_DB, 20)]


@TABLE.command("/inspire/midi/list", "asks for the MIDI bindings: one reply each", "found", "midi/binding", "fail")
@dataclass(frozen=True)
class ListBindings(Command):
    pass


@dataclass(frozen=True)
class Learn(Command):
    """`values` are the action's own arguments and keys, and what a controller's ends stand for."""

    action: str
    values: dict[str, Any]


@TABLE.command(
    "/inspire/midi/learn",
    f"the next note, program or controller that comes does this from now on; a cancel of its id or {LEARN_S:g} s end it",
    "ack",
    "midi/binding",
    "fail",
)
@dataclass(frozen=True)
class LearnAction(Command):
    action: Action
    preset: Annotated[str | None, Meta("of preset/select, generate and sketch: which", 1, 60)] = None
    bank: Annotated[str | None, Meta("of preset/bank: which", 1, 100)] = None
    start: Annotated[str | None, Meta("of generate and sketch: when it starts", choices=STARTS)] = None
    low: Low | None = None
    high: High | None = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Learn:
        return Learn(id, values.pop("action"), reply_port=values.pop("reply_port", None), values=values)


@TABLE.command("/inspire/midi/forget", "removes a binding: this note, program or controller does nothing any more", "ack", "fail")
@dataclass(frozen=True)
class Forget(Command):
    kind: Kind
    number: Number | None = None
    channel: Channel | None = None
