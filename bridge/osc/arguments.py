"""Values of a message, read by the table: lenient at the edge (see `bridge.osc.spec`), strict behind it. Pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bridge.errors import MessageError
from bridge.osc.fields import Field, Message
from bridge.plain_text import escaped


def read_values(message: Message, values: list[Any]) -> dict[str, Any]:
    """The arguments after the id, by name: checked, converted."""
    count = len(message.arguments)
    if len(values) < count:
        missing = message.arguments[len(values)]
        raise MessageError(f"{message.address} needs {missing.name} ({missing.allowed}) after the id", "missing_argument")
    given = {f.name: read(f, value) for f, value in zip(message.arguments, values, strict=False)}
    pairs = values[count:]
    for name, value in zip(pairs[::2], [*pairs[1::2], None], strict=False):
        key = message.pair(name) if isinstance(name, str) else None
        if key is None:
            raise unknown_key(message, name)
        if name in given:
            raise MessageError(f"{name} is given twice", "unknown_key")
        if value is None:
            raise MessageError(f"{name} has no value: give {key.allowed}", "missing_argument")
        given[name] = read(key, value)
    return given


def read(f: Field, value: Any) -> Any:
    """`value` as the table's type. Integral floats pass for integers, integers for floats, T and F for 1 and 0, and numbers for
    text: some hosts send nothing else.
    """
    wrong = MessageError(f"{f.name} is {shown(value)}: {f.allowed} is allowed", "bad_value")
    if f.type == "s":
        value = as_text(value)
        if value is None:
            raise wrong
        size = len(value)
    else:
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise wrong
        if f.type == "i" and value != int(value):
            raise wrong
        value = int(value) if f.type == "i" else float(value)
        size = value
    if f.choices and value not in f.choices:
        raise wrong
    if (f.low is not None and size < f.low) or (f.high is not None and size > f.high):
        if f.type == "s":
            raise MessageError(f"{f.name} has {size} characters: {f.allowed} is allowed", "bad_value")
        raise wrong
    return value


def as_text(value: Any) -> str | None:
    """Text as it is, a number as it is written: 7.0 is "7", the 32-bit 0.1 is "0.1". None for what is neither."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    if value == int(value):
        return str(int(value))
    single = np.float32(value)
    return str(single if float(single) == value else value)


def unknown_key(message: Message, name: Any) -> MessageError:
    known = ", ".join(f.name for f in message.pairs)
    return MessageError(f"{message.address} has no key {shown(name)}: its keys are {known}", "unknown_key")


def convert(type_: str, value: Any) -> int | float | str:
    """`value` as the table's type, to be sent. Raises MessageError for text that is in no encoding, as odd file names are."""
    if type_ == "s":
        try:
            str(value).encode()
        except UnicodeEncodeError:
            problem = f"{shown(str(value))} is no text in UTF-8: write it again, or rename the file"
            raise MessageError(problem, "bad_value") from None
        return str(value)
    return int(value) if type_ == "i" else float(value)


def shown(value: Any) -> str:
    """`value` in a message for people, cut where it is long."""
    text = escaped(repr(value))
    return text if len(text) <= 60 else text[:59] + "…"


def on_one_line(text: str) -> str:
    """For a terminal, which would obey what is between the letters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def cut(text: str, most_bytes: int) -> str:
    """Its beginning, in UTF-8 of at most so many bytes."""
    whole = text.encode()
    return text if len(whole) <= most_bytes else whole[: most_bytes - len("…".encode())].decode(errors="ignore") + "…"
