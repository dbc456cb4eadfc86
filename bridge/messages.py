"""OSC arguments ↔ frozen commands and replies. Pure: no socket, no clock. Small readers of `osc_spec`.

Parsing is lenient at the edge (see `osc_spec`) and strict behind it: nothing inside the daemon sees an argument list.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from typing import Any

from bridge import osc_spec
from bridge.errors import MessageError
from engine.api import GenerationRequest, RequestError

MAX_FAIL_MESSAGE = 800  # bytes of UTF-8: with id and path a fail stays under MAX_DATAGRAM_OUT


# ---- commands: what a client asks


@dataclass(frozen=True)
class Hello:
    id: str
    name: str
    protocol: int
    events: str = "own"
    reply_port: int | None = None


@dataclass(frozen=True)
class Submit:
    """/inspire/generate and /inspire/continue: the same job, with a clip or without. `path` is the result's name."""

    id: str
    request: GenerationRequest
    play: bool = False
    path: str | None = None
    reply_port: int | None = None


@dataclass(frozen=True)
class Draft:
    """A submit that names a preset, which is looked up where presets are known: `complete` makes it a Submit.

    `music` are the request's own fields, `ours` the rest of Submit's.
    """

    id: str
    preset: str
    music: dict[str, Any]
    ours: dict[str, Any]
    reply_port: int | None = None

    def complete(self, music: dict[str, Any]) -> Submit:
        """Raises MessageError when the values do not go together."""
        try:
            return Submit(self.id, GenerationRequest(**music), **self.ours, reply_port=self.reply_port)
        except RequestError as error:
            raise MessageError(f"{error} (with preset {self.preset})", error.code, self.id, self.reply_port) from None


@dataclass(frozen=True)
class ListPresets:
    id: str
    bank: str | None = None
    reply_port: int | None = None


@dataclass(frozen=True)
class StepPreset:
    id: str
    by: int
    reply_port: int | None = None


@dataclass(frozen=True)
class SelectBank:
    id: str
    bank: str
    reply_port: int | None = None


@dataclass(frozen=True)
class SavePreset:
    id: str
    name: str
    job: str
    reply_port: int | None = None


@dataclass(frozen=True)
class Cancel:
    id: str
    job: str
    reply_port: int | None = None


@dataclass(frozen=True)
class Status:
    id: str
    job: str | None = None
    reply_port: int | None = None


@dataclass(frozen=True)
class History:
    id: str
    words: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    kept: bool = False
    limit: int = osc_spec.HISTORY_LIMIT
    offset: int = 0
    reply_port: int | None = None


@dataclass(frozen=True)
class Keep:
    id: str
    job: str
    keep: bool = True
    reply_port: int | None = None


@dataclass(frozen=True)
class Delete:
    id: str
    job: str
    reply_port: int | None = None


@dataclass(frozen=True)
class Ping:
    id: str
    reply_port: int | None = None


@dataclass(frozen=True)
class Quit:
    id: str
    reply_port: int | None = None


Command = (
    Hello
    | Submit
    | Draft
    | Cancel
    | Status
    | History
    | Keep
    | Delete
    | ListPresets
    | StepPreset
    | SelectBank
    | SavePreset
    | Ping
    | Quit
)


# ---- replies and events: what the daemon says. Fields are the table's arguments; `pairs` its optional keys.


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
class Queued:
    id: str
    position: int


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


Reply = Pong | Welcome | Ack | PresetInfo | Queued | ProgressReport | Chunk | Done | Fail | Cancelled | Found | Entry | State
End = Done | Fail | Cancelled

_REPLY_TYPES: dict[str, type] = {
    "/inspire/pong": Pong,
    "/inspire/welcome": Welcome,
    "/inspire/ack": Ack,
    "/inspire/preset": PresetInfo,
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
_MUSIC_FIELDS = {f.name for f in fields(GenerationRequest)}


def parse_command(address: str, arguments: list) -> Command:
    """One command from OSC. Raises MessageError that carries the request's id and reply port where they can be read."""
    id = _read_id(arguments)
    try:
        return _parse(address, id, arguments[1:])
    except (MessageError, RequestError) as error:
        raise MessageError(str(error), error.code, id, _reply_port(arguments)) from None


def _parse(address: str, id: str, arguments: list) -> Command:
    message = osc_spec.COMMANDS.get(address)
    if message is None:
        raise MessageError(f"no command {_shown(address)}: there are {', '.join(osc_spec.COMMANDS)}", "unknown_address")
    if not id:
        raise MessageError(f"{address} must begin with a request id that you choose, a text of 1 to 100 characters", "no_id")
    values = _read_values(message, arguments)
    match osc_spec.short_name(address):
        case "hello":
            return Hello(id, **values)
        case "generate" | "continue":
            return _submit(id, values)
        case "cancel":
            return Cancel(id, values.pop("job", id), **values)
        case "presets":
            return ListPresets(id, **values)
        case "preset/next" | "preset/previous":
            return StepPreset(id, 1 if address.endswith("next") else -1, **values)
        case "preset/bank":
            return SelectBank(id, **values)
        case "preset/save":
            return SavePreset(id, **values)
        case "status":
            return Status(id, **values)
        case "history":
            return _history(id, values)
        case "keep":
            return Keep(id, **values)
        case "delete":
            return Delete(id, **values)
        case "ping":
            return Ping(id, **values)
        case "quit":
            return Quit(id, **values)
    raise AssertionError(f"{address} stands in the table but is not parsed")


def encode_reply(reply: Reply) -> tuple[str, list[int | float | str]]:
    """Address and arguments, of int, float and str only, in the table's order. A pair that is None is left out."""
    message = osc_spec.REPLIES[_ADDRESSES[type(reply)]]
    values: list[int | float | str] = [reply.id]
    values += [_as(f.type, getattr(reply, f.name)) for f in message.arguments]
    for name, value in getattr(reply, "pairs", {}).items():
        key = message.pair(name)
        assert key is not None, f"{message.address} has no key {name!r}"
        if value is not None:
            values += [name, _as(key.type, value)]
    return message.address, values


def decode_reply(address: str, arguments: list) -> Reply:
    """The client's half of `encode_reply`. Raises MessageError."""
    message = osc_spec.REPLIES.get(address)
    if message is None:
        raise MessageError(f"the daemon sends no {_shown(address)}", "unknown_address")
    if not arguments or not isinstance(arguments[0], str):
        raise MessageError(f"{address} came without an id", "no_id")
    values = _read_values(message, arguments[1:])
    names = {f.name for f in message.arguments}
    given = {name: value for name, value in values.items() if name in names}
    if message.pairs:
        given["pairs"] = {name: value for name, value in values.items() if name not in names}
    return _REPLY_TYPES[address](arguments[0], **given)


def encode_command(address: str, id: str, arguments: list, pairs: dict[str, Any]) -> tuple[str, list]:
    """A command as a client sends it, values converted to the table's types. A pair that is None is left out."""
    message = osc_spec.COMMANDS[address]
    values: list = [id, *(_as(f.type, value) for f, value in zip(message.arguments, arguments, strict=True))]
    for name, value in pairs.items():
        if value is None:
            continue
        key = message.pair(name)
        if key is None:
            raise _unknown_key(message, name)
        values += [name, _as(key.type, value)]
    return address, values


def name_of(reply: Reply) -> str:
    """Its address without the prefix, such as "done"."""
    return osc_spec.short_name(_ADDRESSES[type(reply)])


def fail(error: Exception, id: str) -> Fail:
    """The reply that an error with a `code` becomes."""
    return Fail(id, error.code, str(error).encode()[:MAX_FAIL_MESSAGE].decode(errors="ignore"))


# ---- reading values by the table


def _read_id(arguments: list) -> str:
    """The request's id, or empty. Pd and Max may send a number: it is taken as its text, 7.0 as "7"."""
    if not arguments or isinstance(arguments[0], bool):
        return ""
    id = arguments[0]
    if isinstance(id, float):
        id = int(id) if id.is_integer() else id
    id = str(id)
    return id if len(id) <= osc_spec.ID.high else ""


def _reply_port(arguments: list) -> int | None:
    """The reply port of a message that may be wrong elsewhere, so that the fail reaches who listens there."""
    for name, value in zip(arguments, arguments[1:], strict=False):
        if name == osc_spec.REPLY_PORT.name:
            try:
                return _read(osc_spec.REPLY_PORT, value)
            except MessageError:
                return None
    return None


def _read_values(message: osc_spec.Message, values: list) -> dict[str, Any]:
    """The arguments after the id, by name: checked, converted."""
    count = len(message.arguments)
    if len(values) < count:
        missing = message.arguments[len(values)]
        raise MessageError(f"{message.address} needs {missing.name} ({missing.allowed}) after the id", "missing_argument")
    read = {f.name: _read(f, value) for f, value in zip(message.arguments, values, strict=False)}
    pairs = values[count:]
    for name, value in zip(pairs[::2], [*pairs[1::2], None], strict=False):
        key = message.pair(name) if isinstance(name, str) else None
        if key is None:
            raise _unknown_key(message, name)
        if name in read:
            raise MessageError(f"{name} is given twice", "unknown_key")
        if value is None:
            raise MessageError(f"{name} has no value: give {key.allowed}", "missing_argument")
        read[name] = _read(key, value)
    return read


def _read(f: osc_spec.Field, value: Any) -> Any:
    """`value` as the table's type. Integral floats pass for integers, integers for floats, T and F for 1 and 0."""
    wrong = MessageError(f"{f.name} is {_shown(value)}: {f.allowed} is allowed", "bad_value")
    if f.type == "s":
        if not isinstance(value, str):
            raise wrong
        size = len(value)
    else:
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise wrong
        if f.type == "i" and value != int(value):
            raise wrong
        value = size = int(value) if f.type == "i" else float(value)
    if f.choices and value not in f.choices:
        raise wrong
    if (f.low is not None and size < f.low) or (f.high is not None and size > f.high):
        if f.type == "s":
            raise MessageError(f"{f.name} has {size} characters: {f.allowed} is allowed", "bad_value")
        raise wrong
    return value


def _submit(id: str, values: dict[str, Any]) -> Submit | Draft:
    music = {name: value for name, value in values.items() if name in _MUSIC_FIELDS}
    ours = {name: value for name, value in values.items() if name not in _MUSIC_FIELDS}
    ours["play"] = bool(ours.get("play", False))
    if preset := ours.pop("preset", None):
        return Draft(id, preset, music, ours, ours.pop("reply_port", None))
    return Submit(id, GenerationRequest(**music), **ours)


def _history(id: str, values: dict[str, Any]) -> History:
    for name in ("since", "until"):
        if name in values and not re.fullmatch(r"\d{4}(-\d\d){0,2}", values[name]):
            raise MessageError(f"{name} is {_shown(values[name])}: a day such as 2026-11-21 is allowed", "bad_value")
    return History(id, **values)


def _unknown_key(message: osc_spec.Message, name: Any) -> MessageError:
    known = ", ".join(f.name for f in message.pairs)
    return MessageError(f"{message.address} has no key {_shown(name)}: its keys are {known}", "unknown_key")


def _as(type_: str, value: Any) -> int | float | str:
    return {"i": int, "f": float, "s": str}[type_](value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
