"""The table of replies, replies as addresses and arguments, and the values that several replies have.

A class's fields are arguments; its class `Keys` names the optional keys of `pairs`.
The first argument of every reply is the request's id. Only int32, float32 and strings are sent. Pure: no socket, no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from bridge.errors import MessageError
from bridge.osc.arguments import convert, read_values, shown
from bridge.osc.fields import Message, Meta, read_message, short_name

Path = Annotated[str, Meta("the file; empty when there is no audio")]
Others = Annotated[str, Meta("names of the other variations' files beside path, '/' between")]
Duration = Annotated[float, Meta("seconds of audio in the file")]
Index = Annotated[int, Meta("counts from 0")]
Count = Annotated[int, Meta("how many there are in this answer")]
Version = Annotated[str, Meta("the daemon's version")]
Shortened = Annotated[int, Meta("1: something in it was cut or left out, to fit your max_datagram", 0, 1)]
Protocol = Annotated[int, Meta("the protocol it speaks")]
DoneS = Annotated[float, Meta("seconds of new audio generated")]
TotalS = Annotated[float, Meta("seconds of new audio asked for")]
Seed = Annotated[int, Meta("the seed used")]
Rtf = Annotated[float, Meta("seconds of work for a second of audio")]
Underruns = Annotated[int, Meta("gaps played on the audio device")]
Paused = Annotated[int, Meta("1: none begins until resume")]
Position = Annotated[int, Meta("jobs ahead of it")]

REPLIES: dict[str, Message] = {}
TYPES: dict[str, type[Reply]] = {}  # by address
_ADDRESSES: dict[type[Reply], str] = {}


@dataclass(frozen=True)
class Reply:
    """`id` is the request's."""

    id: str


R = TypeVar("R", bound=type[Reply])
Pairs = dict[str, Any]  # a value that is None is not sent


def reply(address: str, doc: str) -> Callable[[R], R]:
    """Puts a class into the table."""

    def add(type_: R) -> R:
        REPLIES[address], TYPES[address], _ADDRESSES[type_] = read_message(type_, address, doc), type_, address
        return type_

    return add


def encode_reply(reply: Reply) -> tuple[str, list[int | float | str]]:
    """Address and arguments, of int, float and str only, in the table's order. A pair that is None is left out."""
    message = message_of(reply)
    values: list[int | float | str] = [reply.id]
    values += [convert(f.type, getattr(reply, f.name)) for f in message.arguments]
    for name, value in pairs_of(reply).items():
        key = message.pair(name)
        assert key is not None, f"{message.address} has no key {name!r}"
        if value is not None:
            values += [name, convert(key.type, value)]
    return message.address, values


def decode_reply(address: str, arguments: list[Any]) -> Reply:
    """The client's half of `encode_reply`. Raises MessageError."""
    message = REPLIES.get(address)
    if message is None:
        raise MessageError(f"the daemon sends no {shown(address)}", "unknown_address")
    if not arguments or not isinstance(arguments[0], str):
        raise MessageError(f"{address} came without an id", "no_id")
    values = read_values(message, arguments[1:])
    names = {f.name for f in message.arguments}
    given = {name: value for name, value in values.items() if name in names}
    if message.pairs:
        given["pairs"] = {name: value for name, value in values.items() if name not in names}
    return TYPES[address](arguments[0], **given)


def message_of(reply: Reply) -> Message:
    return REPLIES[_ADDRESSES[type(reply)]]


def pairs_of(reply: Reply) -> Pairs:
    """Its optional keys; none where it has no room for them."""
    pairs: Pairs = getattr(reply, "pairs", {})
    return pairs


def name_of(reply: Reply) -> str:
    """Its address without the prefix, such as "done"."""
    return short_name(_ADDRESSES[type(reply)])
