"""What a MIDI message asks for: `[[midi_map]]` tables of settings.toml → bindings → the commands that an OSC client would send.

    [[midi_map]]
    note = 36               # or program, or controller: 0 to 127, or "any"
    channel = 10            # 1 to 16; any where it is not given
    action = "generate"     # a command without /inspire/, or guidance: one of spec.MIDI_ACTIONS
    preset = "Funk"         # the command's own arguments and keys

A controller gives gain and guidance their value, from `low` to `high`; a program without a preset is its number in the list.
There is no map unless someone makes one: what pads and keys send differs, and nobody's keyboard shall start jobs unasked. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge import toml_file
from bridge.errors import BridgeError, MessageError
from bridge.limits import MAX_BINDINGS
from bridge.osc import commands, parsing, spec
from bridge.osc.arguments import read
from bridge.osc.fields import Field

TABLE = "midi_map"
MAX_VALUE = 127
GIVERS = {"gain": "controller", "guidance": "controller", "preset/select": "program"}  # which kind can say what the action needs
_JOBS = ("generate", "sketch")
_NOT_OURS = {key.name for key in spec.COMMON} | {"job"}  # MIDI has no port, no token, and cancels its own jobs
_ANY = "any"
_RANGES = {"gain": (-60.0, 0.0), "guidance": (0.0, 10.0)}  # of a controller, unless it says
(_GUIDANCE,) = (key for key in spec.COMMANDS["/inspire/generate"].pairs if key.name == "guidance")
_NUMBER = Field("number", "i", "", 0, MAX_VALUE)
_CHANNEL = Field("channel", "i", "", 1, 16)

Trigger = tuple[str, int | None, int | None]  # kind, number, channel; None: any


class MapError(BridgeError):
    """A binding that makes no sense, for its `key`."""

    code = "bad_value"

    def __init__(self, message: str, key: str = "action"):
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class Binding:
    """One table of the map. Checked on creation: raises MapError.

    `number` is 0 to 127, `channel` 1 to 16, None for any. `values` are the action's own arguments and keys. `low` and `high` are
    what a controller's 0 and 127 stand for.
    """

    kind: str
    number: int | None
    channel: int | None
    action: str
    values: Mapping[str, Any] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.action not in spec.MIDI_ACTIONS:
            raise MapError(f"action is {self.action!r}: one of {', '.join(spec.MIDI_ACTIONS)} is allowed")
        target, giver = self._target, GIVERS.get(self.action)
        if target and self.kind != giver:
            raise MapError(f"a {self.kind} has no value for {self.action}: give it {target.name}, or use a {giver}")
        for name in ("low", "high"):
            if getattr(self, name) is not None and not (target and self.is_continuous):
                raise MapError(f"{name} is for a controller of gain or guidance only", name)
            if target and getattr(self, name) is not None:
                _checked(Field(name, "f", "", target.low, target.high), getattr(self, name))
        if self.action == "guidance":
            if unknown := self.values.keys() - {_GUIDANCE.name}:
                raise MapError(f"guidance has no key {min(unknown)!r}", min(unknown))
            _checked(_GUIDANCE, self.values_with(MAX_VALUE)[_GUIDANCE.name])
        else:
            self.command("check", MAX_VALUE)

    @property
    def trigger(self) -> Trigger:
        return self.kind, self.number, self.channel

    @property
    def starts_jobs(self) -> bool:
        return self.action in _JOBS

    @property
    def is_continuous(self) -> bool:
        """It follows a controller's value, rather than being pressed."""
        return self._target is not None and self.action in _RANGES

    def values_with(self, raw: int) -> dict[str, Any]:
        """Its values, with what the message itself says: `raw` is the controller's value or the program's number."""
        if self._target is None:
            return dict(self.values)
        if not self.is_continuous:
            return {self._target.name: str(raw), **self.values}
        usual_low, usual_high = _RANGES[self.action]
        low = usual_low if self.low is None else self.low
        high = usual_high if self.high is None else self.high
        return {self._target.name: low + (high - low) * raw / MAX_VALUE}

    def command(self, id: str, raw: int, **more: Any) -> commands.Command:
        """What a client would send; `more` are keys that it may have anyway, None for none. Not of guidance. Raises MapError."""
        values = self.values_with(raw)
        if self.starts_jobs:
            values = {"prompt": "", "play": 1} | more | values
            if not values["prompt"]:
                values.setdefault("preset", "selected")
        message = spec.COMMANDS[f"/inspire/{self.action}"]
        for one in message.arguments:
            if one.name not in values:
                raise MapError(f"{self.action} needs {one.name}: {one.doc}")
        arguments = [values.pop(one.name) for one in message.arguments]
        pairs = [part for name, value in values.items() if value is not None for part in (name, value)]
        try:
            if taken := values.keys() & _NOT_OURS:
                raise MessageError(f"{self.action} has no key {min(taken)!r} here", "unknown_key")
            return parsing.parse_command(message.address, [id, *arguments, *pairs])
        except MessageError as error:
            key = next((key for key in self.values if re.search(rf"\b{re.escape(key)}\b", str(error))), "action")
            raise MapError(str(error), key) from None

    @property
    def _target(self) -> Field | None:
        """What the MIDI message itself says."""
        if self.action not in GIVERS:
            return None
        target = _GUIDANCE if self.action == "guidance" else spec.COMMANDS[f"/inspire/{self.action}"].arguments[0]
        return None if target.name in self.values else target


def read_tables(tables: object, text: str) -> tuple[Binding, ...]:
    """The map from what TOML has under its name, in a file of this text. Raises MapError that names the line."""
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        raise MapError(f"line {toml_file.line_of(text, TABLE) or '?'}: {TABLE} is not a table: write [[{TABLE}]]")
    if len(tables) > MAX_BINDINGS:
        raise MapError(f"{TABLE} has {len(tables)} tables: at most {MAX_BINDINGS} are allowed")
    bindings: dict[Trigger, Binding] = {}
    for number, table in enumerate(tables):
        try:
            binding = _read_table(table)
            if binding.trigger in bindings:
                raise MapError(f"{name_of(*binding.trigger)} stands above already", binding.kind)
        except MapError as error:
            line = toml_file.line_in_table(text, TABLE, number, error.key) or toml_file.line_of(text, TABLE) or "?"
            raise MapError(f"line {line}: {error}", error.key) from None
        bindings[binding.trigger] = binding
    return tuple(bindings.values())


def edited(text: str, trigger: Trigger, binding: Binding | None) -> str:
    """A settings file's text with this binding in place of the one of `trigger`; None for none. Everything else stays.

    Raises ValueError for what is no TOML, and MapError where the file must be changed by hand.
    """
    values = tomllib.loads(text)
    bindings = read_tables(values.pop(TABLE, []), text)
    wanted = [one for one in bindings if one.trigger != trigger] + ([binding] if binding else [])
    for number in reversed([number for number, one in enumerate(bindings) if one.trigger == trigger]):
        text = toml_file.without_table(text, TABLE, number)
    if binding:
        text = toml_file.with_table(text, TABLE, to_table(binding))
    try:
        new = tomllib.loads(text)
        if list(read_tables(new.pop(TABLE, []), text)) == wanted and new == values:
            return text
    except ValueError:
        pass  # not as [[midi_map]]
    raise MapError(f"the settings file is written in a way that only people can change: write its map as [[{TABLE}]] tables")


def to_table(binding: Binding) -> dict[str, Any]:
    """What `read_tables` makes the same binding of."""
    table: dict[str, Any] = {
        binding.kind: _ANY if binding.number is None else binding.number,
        "channel": binding.channel,
        "action": binding.action,
    }
    table |= {**binding.values, "low": binding.low, "high": binding.high}
    return {key: value for key, value in table.items() if value is not None}


def name_of(kind: str, number: int | None, channel: int | None) -> str:
    """A trigger in words."""
    which = _ANY if number is None else number
    return f"{kind} {which} on {'any channel' if channel is None else f'channel {channel}'}"


def learnt(command: commands.Learn, kind: str, number: int, channel: int) -> Binding:
    """What a message makes of a learn: itself, but where it is a program that selects its own preset, all programs.

    Raises MapError.
    """
    values = dict(command.values)
    low, high = values.pop("low", None), values.pop("high", None)
    is_any = command.action == "preset/select" and "preset" not in values
    return Binding(kind, None if is_any else number, channel, command.action, values, low, high)


def find(bindings: Sequence[Binding], kind: str, number: int, channel: int) -> Binding | None:
    """The one that a message means: the most particular there is."""
    known = {binding.trigger: binding for binding in bindings}
    meant = ((kind, number, channel), (kind, number, None), (kind, None, channel), (kind, None, None))
    return next((known[trigger] for trigger in meant if trigger in known), None)


def _read_table(table: dict[str, Any]) -> Binding:
    values = dict(table)
    kinds = [kind for kind in spec.MIDI_KINDS if kind in values]
    if len(kinds) != 1:
        raise MapError(f"exactly one of {', '.join(spec.MIDI_KINDS)} is needed", kinds[-1] if kinds else "action")
    (kind,) = kinds
    number, channel = values.pop(kind), values.pop("channel", None)
    number = None if number == _ANY else _checked(_NUMBER, number, kind, f", or {_ANY!r},")
    channel = None if channel is None else _checked(_CHANNEL, channel)
    own = [values.pop(name, None) for name in ("action", "low", "high")]
    return Binding(kind, number, channel, own[0], values, *own[1:])


def _checked(known: Field, value: object, name: str = "", more: str = "") -> Any:
    try:
        if isinstance(value, bool):
            raise MessageError("")
        return read(known, value)
    except MessageError:
        name = name or known.name
        raise MapError(f"{name} is {value!r}: {known.allowed}{more} is allowed", name) from None
