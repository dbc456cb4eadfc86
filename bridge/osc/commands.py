"""What a client asks: OSC arguments → frozen commands, and a client's half of that. Pure: no socket, no clock.

Nothing inside the daemon sees an argument list.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import Any

from bridge.errors import MessageError
from bridge.osc import spec
from bridge.osc.arguments import as_text, convert, read, read_values, shown, unknown_key
from engine.api import GenerationRequest, RequestError


@dataclass(frozen=True)
class Hello:
    id: str
    name: str
    protocol: int
    events: str = "own"
    max_datagram: int = spec.MAX_DATAGRAM_OUT
    reply_port: int | None = None


@dataclass(frozen=True)
class Submit:
    """/inspire/generate, continue and sketch: the same job, with a clip or without. `path` is the result's name.

    `weights` are those that the model must have, empty for any: what a job was made with that is asked for again.
    """

    id: str
    request: GenerationRequest
    play: bool = False
    path: str | None = None
    reply_port: int | None = None
    weights: str = ""
    start: str = "now"  # one of spec.STARTS
    draft: Draft | None = None  # what it was made from


@dataclass(frozen=True)
class Draft:
    """A submit that leaves values to where they are known, a preset's, a MIDI clip's, the clock's: `complete` makes it a Submit.

    `music` are the request's own fields, `ours` the rest of Submit's. A sketch need not name a preset.
    """

    id: str
    preset: str | None
    music: dict[str, Any]
    ours: dict[str, Any]
    reply_port: int | None = None
    is_sketch: bool = False

    def above(self, preset: Mapping[str, Any], music: dict[str, Any]) -> dict[str, Any]:
        """What wins over a preset's values: `music`, and of a sketch how short it is, and how many there are."""
        if not self.is_sketch:
            return music
        length: dict[str, Any] = {}
        if not {"bars", "duration_s"} & music.keys():
            has_tempo = (music | dict(preset)).get("bpm")
            length = {"bars": spec.SKETCH_BARS} if has_tempo else {"duration_s": spec.SKETCH_S}
        return {"variations": spec.SKETCHES} | length | music

    def complete(self, music: dict[str, Any]) -> Submit:
        """Raises MessageError when the values do not go together."""
        try:
            return Submit(self.id, GenerationRequest(**music), **self.ours, reply_port=self.reply_port, draft=self)
        except RequestError as error:
            told = f"{error} (with preset {self.preset})" if self.preset else str(error)
            raise MessageError(told, error.code, self.id, self.reply_port) from None


@dataclass(frozen=True)
class Again:
    """What the job `job` asked for, under a new id. What is None is as it was then."""

    id: str
    job: str
    seed: int | None = None
    play: bool | None = None
    path: str | None = None
    reply_port: int | None = None


@dataclass(frozen=True)
class ListPresets:
    id: str
    bank: str | None = None
    reply_port: int | None = None


@dataclass(frozen=True)
class ListModels:
    id: str
    reply_port: int | None = None


@dataclass(frozen=True)
class StepPreset:
    id: str
    by: int
    reply_port: int | None = None


@dataclass(frozen=True)
class SelectPreset:
    id: str
    preset: str
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
class SetPaused:
    id: str
    paused: bool
    reply_port: int | None = None


@dataclass(frozen=True)
class SetGain:
    id: str
    gain_db: float
    reply_port: int | None = None


@dataclass(frozen=True)
class Status:
    id: str
    job: str | None = None
    reply_port: int | None = None


@dataclass(frozen=True)
class ListJobs:
    id: str
    limit: int = spec.HISTORY_LIMIT
    offset: int = 0
    reply_port: int | None = None


@dataclass(frozen=True)
class History:
    id: str
    words: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    kept: bool = False
    limit: int = spec.HISTORY_LIMIT
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
class ListBindings:
    id: str
    reply_port: int | None = None


@dataclass(frozen=True)
class Learn:
    """`values` are the action's own arguments and keys, and what a controller's ends stand for."""

    id: str
    action: str
    values: dict[str, Any]
    reply_port: int | None = None


@dataclass(frozen=True)
class Forget:
    """None: any."""

    id: str
    kind: str
    number: int | None = None
    channel: int | None = None
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
    | Again
    | Cancel
    | SetPaused
    | SetGain
    | Status
    | ListJobs
    | History
    | Keep
    | Delete
    | ListPresets
    | ListModels
    | StepPreset
    | SelectPreset
    | SelectBank
    | SavePreset
    | ListBindings
    | Learn
    | Forget
    | Ping
    | Quit
)

_MUSIC_FIELDS = {f.name for f in fields(GenerationRequest)}


def parse_command(address: str, arguments: list, token: str = "") -> Command:
    """One command from OSC. Raises MessageError that carries the request's id and reply port where they can be read.

    `token` is what the command must bring, empty for nothing; one that does not learns nothing else.
    """
    id = _read_id(arguments)
    try:
        _check_token(address, arguments, token)
        return _parse(address, id, arguments[1:])
    except (MessageError, RequestError) as error:
        raise MessageError(str(error), error.code, id, _reply_port(arguments)) from None


def _parse(address: str, id: str, arguments: list) -> Command:
    message = spec.COMMANDS.get(address)
    if message is None:
        raise MessageError(f"no command {shown(address)}: there are {', '.join(spec.COMMANDS)}", "unknown_address")
    if not id:
        raise MessageError(f"{address} must begin with a request id that you choose, a text of 1 to 100 characters", "no_id")
    values = read_values(message, arguments)
    values.pop(spec.TOKEN.name, None)
    return _READERS[spec.short_name(address)](id, **values)


def _check_token(address: str, arguments: list, expected: str) -> None:
    """In constant time: how long a refusal takes says nothing of the token."""
    message = spec.COMMANDS.get(address)
    pairs = arguments[1 + len(message.arguments if message else ()) :]
    given = dict(zip(pairs[::2], pairs[1::2], strict=False)).get(spec.TOKEN.name, "")
    if expected and not hmac.compare_digest(str(given).encode(), expected.encode()):
        raise MessageError("this daemon asks for its token (its setting token): give it with the key token", "token")


def encode_command(address: str, id: str, arguments: list, pairs: dict[str, Any]) -> tuple[str, list]:
    """A command as a client sends it, values converted to the table's types. A pair that is None is left out."""
    message = spec.COMMANDS[address]
    values: list = [id, *(convert(f.type, value) for f, value in zip(message.arguments, arguments, strict=True))]
    for name, value in pairs.items():
        if value is None:
            continue
        key = message.pair(name)
        if key is None:
            raise unknown_key(message, name)
        values += [name, convert(key.type, value)]
    return address, values


def _read_id(arguments: list) -> str:
    """The request's id, or empty. Pd and Max may send a number: it is taken as its text, 7.0 as "7"."""
    id = (as_text(arguments[0]) if arguments else None) or ""
    return id if len(id) <= spec.ID.high else ""


def _reply_port(arguments: list) -> int | None:
    """The reply port of a message that may be wrong elsewhere, so that the fail reaches who listens there."""
    for name, value in zip(arguments, arguments[1:], strict=False):
        if name == spec.REPLY_PORT.name:
            try:
                return read(spec.REPLY_PORT, value)
            except MessageError:
                return None
    return None


def is_midi_clip(clip: str | None) -> bool:
    """By its name: one that is not what it says fails when it is read."""
    return clip is not None and clip.lower().endswith((".mid", ".midi"))


def _submit(id: str, play: bool = False, preset: str | None = None, is_sketch: bool = False, **values: Any) -> Submit | Draft:
    music = {name: value for name, value in values.items() if name in _MUSIC_FIELDS}
    ours = {"play": bool(play)} | {name: value for name, value in values.items() if name not in _MUSIC_FIELDS}
    if preset or is_sketch or values.get("start") == "bar" or is_midi_clip(values.get("clip")):
        return Draft(id, preset, music, ours, ours.pop("reply_port", None), is_sketch)
    return Submit(id, GenerationRequest(**music), **ours)


def _cancel(id: str, job: str | None = None, reply_port: int | None = None) -> Cancel:
    return Cancel(id, job or id, reply_port)


def _learn(id: str, action: str, reply_port: int | None = None, **values: Any) -> Learn:
    return Learn(id, action, values, reply_port)


def _history(id: str, **values: Any) -> History:
    for name in ("since", "until"):
        if name in values and not _is_day(values[name]):
            raise MessageError(f"{name} is {shown(values[name])}: a day such as 2026-11-21 is allowed", "bad_value")
    return History(id, **values)


def _is_day(text: str) -> bool:
    """Whether it is a year, a month or a day."""
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}(-\d\d){0,2}", text) is not None


_READERS: dict[str, Callable[..., Command]] = {
    "hello": Hello,
    "generate": _submit,
    "continue": _submit,
    "sketch": partial(_submit, is_sketch=True),
    "again": Again,
    "cancel": _cancel,
    "pause": partial(SetPaused, paused=True),
    "resume": partial(SetPaused, paused=False),
    "status": Status,
    "jobs": ListJobs,
    "history": _history,
    "keep": Keep,
    "delete": Delete,
    "presets": ListPresets,
    "gain": SetGain,
    "models": ListModels,
    "preset/select": SelectPreset,
    "preset/next": partial(StepPreset, by=1),
    "preset/previous": partial(StepPreset, by=-1),
    "preset/bank": SelectBank,
    "preset/save": SavePreset,
    "midi/list": ListBindings,
    "midi/learn": _learn,
    "midi/forget": Forget,
    "ping": Ping,
    "quit": Quit,
}
assert {f"/inspire/{name}" for name in _READERS} == set(spec.COMMANDS)
