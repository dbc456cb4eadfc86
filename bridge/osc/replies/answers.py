"""Answers to commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from bridge.osc.commands import Action, Channel, High, Kind, Low, Number
from bridge.osc.fields import Meta
from bridge.osc.replies.table import Count, Index, Pairs, Protocol, Reply, Shortened, Version, reply


@reply("/inspire/pong", "the daemon is there")
@dataclass(frozen=True)
class Pong(Reply):
    version: Version
    protocol: Protocol


@reply("/inspire/welcome", "you are registered")
@dataclass(frozen=True)
class Welcome(Reply):
    version: Version
    protocol: Protocol
    lease_s: Annotated[float, Meta("seconds without a message until you are forgotten")]


@reply("/inspire/ack", "the command is accepted")
@dataclass(frozen=True)
class Ack(Reply):
    pass


@reply("/inspire/preset", "a preset")
@dataclass(frozen=True)
class PresetInfo(Reply):
    index: Index
    count: Count
    name: Annotated[str, Meta("its name")]
    bank: Annotated[str, Meta("its bank")]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        description: Annotated[str, Meta("what it is for", is_sentence=True)]
        prompt: Annotated[str, Meta("what it plays, the beginning of it", is_sentence=True)]
        bpm: Annotated[float, Meta("its tempo")]
        key: Annotated[str, Meta("its key")]
        bars: Annotated[int, Meta("its length in bars")]
        shortened: Shortened


@reply("/inspire/model", "a model")
@dataclass(frozen=True)
class ModelReply(Reply):
    index: Index
    count: Count
    name: Annotated[str, Meta("what to call it")]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        kind: Annotated[str, Meta("embedded; own: in your models folder; released: InspireMusic's; musicgen; stable-audio")]
        megabytes: Annotated[float, Meta("size of its weights")]
        loaded: Annotated[int, Meta("1: it is in memory")]
        path: Annotated[str, Meta("its folder")]
        shortened: Shortened


@reply("/inspire/midi/binding", "what a MIDI message does, as settings.toml has it")
@dataclass(frozen=True)
class BindingInfo(Reply):
    index: Index
    action: Action
    kind: Kind
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        number: Number
        channel: Channel
        low: Low
        high: High
        values: Annotated[str, Meta("arguments and keys that go with the action, as TOML has them")]
        shortened: Shortened
