"""What the daemon says: frozen replies and events ↔ OSC arguments. Pure: no socket, no clock.

Fields are the table's arguments; `pairs` its optional keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import MessageError
from bridge.osc import spec
from bridge.osc.arguments import convert, read_values, shown


@dataclass(frozen=True)
class Pong:
    id: str
    version: str
    protocol: int


@dataclass(frozen=True)
class Welcome:
    id: str
    version: str
    protocol: int
    lease_s: float


@dataclass(frozen=True)
class Ack:
    id: str


@dataclass(frozen=True)
class PresetInfo:
    id: str
    index: int
    count: int
    name: str
    bank: str
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelReply:
    id: str
    index: int
    count: int
    name: str
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BindingInfo:
    id: str
    index: int
    action: str
    kind: str
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Queued:
    id: str
    position: int
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProgressReport:
    id: str
    done_s: float
    total_s: float
    rtf: float


@dataclass(frozen=True)
class Chunk:
    id: str
    index: int
    start_s: float
    duration_s: float
    path: str
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    id: str
    path: str
    duration_s: float
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fail:
    id: str
    code: str
    message: str
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancelled:
    id: str
    path: str
    duration_s: float
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    id: str
    count: int
    shown: int


@dataclass(frozen=True)
class Entry:
    id: str
    index: int
    job: str
    state: str
    pairs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    id: str
    state: str
    pairs: dict[str, Any] = field(default_factory=dict)


End = Done | Fail | Cancelled
Reply = (
    Pong | Welcome | Ack | PresetInfo | ModelReply | BindingInfo | Queued | ProgressReport | Chunk | End | Found | Entry | State
)

_REPLY_TYPES: dict[str, type] = {
    "/inspire/pong": Pong,
    "/inspire/welcome": Welcome,
    "/inspire/ack": Ack,
    "/inspire/preset": PresetInfo,
    "/inspire/model": ModelReply,
    "/inspire/midi/binding": BindingInfo,
    "/inspire/queued": Queued,
    "/inspire/progress": ProgressReport,
    "/inspire/chunk": Chunk,
    "/inspire/done": Done,
    "/inspire/fail": Fail,
    "/inspire/cancelled": Cancelled,
    "/inspire/found": Found,
    "/inspire/entry": Entry,
    "/inspire/state": State,
}
_ADDRESSES = {reply: address for address, reply in _REPLY_TYPES.items()}


def encode_reply(reply: Reply) -> tuple[str, list[int | float | str]]:
    """Address and arguments, of int, float and str only, in the table's order. A pair that is None is left out."""
    message = message_of(reply)
    values: list[int | float | str] = [reply.id]
    values += [convert(f.type, getattr(reply, f.name)) for f in message.arguments]
    for name, value in getattr(reply, "pairs", {}).items():
        key = message.pair(name)
        assert key is not None, f"{message.address} has no key {name!r}"
        if value is not None:
            values += [name, convert(key.type, value)]
    return message.address, values


def decode_reply(address: str, arguments: list) -> Reply:
    """The client's half of `encode_reply`. Raises MessageError."""
    message = spec.REPLIES.get(address)
    if message is None:
        raise MessageError(f"the daemon sends no {shown(address)}", "unknown_address")
    if not arguments or not isinstance(arguments[0], str):
        raise MessageError(f"{address} came without an id", "no_id")
    values = read_values(message, arguments[1:])
    names = {f.name for f in message.arguments}
    given = {name: value for name, value in values.items() if name in names}
    if message.pairs:
        given["pairs"] = {name: value for name, value in values.items() if name not in names}
    return _REPLY_TYPES[address](arguments[0], **given)


def message_of(reply: Reply) -> spec.Message:
    return spec.REPLIES[_ADDRESSES[type(reply)]]


def name_of(reply: Reply) -> str:
    """Its address without the prefix, such as "done"."""
    return spec.short_name(_ADDRESSES[type(reply)])


def others_of(paths: Sequence[Path]) -> dict[str, str]:
    """The pair that names a result's variations beside the first of `paths`; none where it is alone."""
    return {"others": "/".join(path.name for path in paths[1:])} if len(paths) > 1 else {}


def paths_of(reply: End | Entry) -> list[str]:
    """A result's files as a reply names them, the first first."""
    path = getattr(reply, "path", None) or reply.pairs.get("path")
    others = reply.pairs.get("others")
    return [path, *(str(Path(path).with_name(name)) for name in others.split("/"))] if others else [path] if path else []


def fail(error: Exception, id: str) -> Fail:
    """The reply that an error with a `code` becomes."""
    return Fail(id, error.code, str(error))
