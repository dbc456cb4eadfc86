"""What a message consists of: fields with type, range and meaning, read from the annotations of the message's own class.

    @dataclass(frozen=True)
    class SetGain(Command):
        gain_db: Annotated[float, Meta("0: as it is in the file", -100.0, 12.0)]

Fields without a default are the message's arguments, in order; those with one are its keys.
"""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

_TYPES = {int: "i", bool: "i", float: "f", str: "s"}


class Meta(NamedTuple):
    """What a field's type does not say. `low` and `high` bound a number, or a string's length in characters."""

    doc: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    is_sentence: bool = False  # of a reply: it may lose its end where there is no room
    is_free: bool = False  # of a command: text that may hold anything, also line breaks


@dataclass(frozen=True)
class Field:
    """One value of a message. `low` and `high` bound a number, or a string's length in characters."""

    name: str
    type: str  # "i", "f" or "s"
    doc: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    is_sentence: bool = False  # of a reply: it may lose its end where there is no room
    is_free: bool = False  # of a command: text that may hold anything, also line breaks

    @property
    def is_switch(self) -> bool:
        return self.type == "i" and (self.low, self.high) == (0, 1)

    @property
    def allowed(self) -> str:
        """What may stand here, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = {"i": "a whole number", "f": "a number", "s": "text"}[self.type]
        unit = " characters" if self.type == "s" else ""
        if self.low is not None and self.high is not None:
            return f"{kind} {'of' if unit else 'from'} {_plain(self.low)} to {_plain(self.high)}{unit}"
        return kind


@dataclass(frozen=True)
class Message:
    """One address. `arguments` come first and in order (before them, the id); `pairs` are optional; `answers` name replies."""

    address: str
    doc: str
    arguments: tuple[Field, ...] = ()
    pairs: tuple[Field, ...] = ()
    answers: tuple[str, ...] = ()

    def pair(self, name: str) -> Field | None:
        return next((field for field in self.pairs if field.name == name), None)


MAX_ID_CHARS, MAX_TOKEN_CHARS = 100, 200
_ID = "chosen by the client; a repeated id answers with the job's state instead of starting again"
ID = Field("id", "s", _ID, 1, MAX_ID_CHARS)
REPLY_PORT = Field("reply_port", "i", "answer to this port of the sender's host, not to the packet's own source", 1, 65535)
TOKEN = Field("token", "s", "the daemon's, where its settings have one: needed with every command", 0, MAX_TOKEN_CHARS)
USER = Field("user", "s", "who asks, as this system numbers or names users: another's daemon wants its token", 0, 200)
COMMON = (REPLY_PORT, TOKEN, USER)


def read_message(type_: type, address: str, doc: str, answers: tuple[str, ...] = (), common: tuple[Field, ...] = ()) -> Message:
    """The row of the table that a message's class is. Its own fields come before inherited ones, `common` keys last.

    A reply keeps its keys in the dictionary `pairs`: their annotations stand in its class `Keys`.
    """
    required = {f.name for f in dataclasses.fields(type_) if f.default is f.default_factory is dataclasses.MISSING}
    fields = _fields(type_)
    keys = _fields(type_.Keys) if hasattr(type_, "Keys") else ()
    arguments = tuple(f for f in fields if f.name in required)
    pairs = tuple(f for f in fields if f.name not in required)
    return Message(address, doc, arguments, (*pairs, *keys, *common), answers)


def _fields(type_: type) -> tuple[Field, ...]:
    hints = get_type_hints(type_, include_extras=True)
    names = dict.fromkeys(name for cls in type_.__mro__ for name in vars(cls).get("__annotations__", ()))
    return tuple(_field(name, hints[name]) for name in names if _meta(hints[name]))


def _field(name: str, hint: Any) -> Field:
    meta = _meta(hint)
    assert meta, f"{name} has no Meta"
    type_ = _bare(hint)
    if type_ is bool and meta.low is None:
        meta = meta._replace(low=0, high=1)
    return Field(name, _TYPES[type_], *meta)


def _meta(hint: Any) -> Meta | None:
    if get_origin(hint) is Annotated:
        return next((one for one in hint.__metadata__ if isinstance(one, Meta)), None)
    return next((meta for part in get_args(hint) if (meta := _meta(part))), None)


def _bare(hint: Any) -> Any:
    """Without what is annotated, and without None."""
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = [part for part in get_args(hint) if part is not type(None)]
        return _bare(hint)
    return hint


def short_name(address: str) -> str:
    """ "/inspire/generate" → "generate"."""
    return address.removeprefix("/inspire/")


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
