"""OSC bytes ↔ (address, arguments). The only user of python-osc.

Bundles are taken apart here and not by python-osc, whose reader never returns from a negative element size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TypeAlias

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from bridge.errors import MessageError

Value: TypeAlias = int | float | str | bool

READ_TYPES = "ifsdhTF"
_BUNDLE = b"#bundle\0"
_MAX_NESTING = 8


def encode(address: str, arguments: list[int | float | str]) -> bytes:
    """One message; int, float and str become i, f and s. Integers must fit 32 bits."""
    builder = OscMessageBuilder(address)
    for value in arguments:
        builder.add_arg(value, {int: "i", float: "f", str: "s"}[type(value)])
    return builder.build().dgram


def split(packet: bytes, nesting: int = 0) -> Iterator[bytes]:
    """The messages of a packet: itself, or the elements of a bundle in order. Timetags are not waited for.

    Raises MessageError where a bundle's sizes do not add up.
    """
    if not packet.startswith(_BUNDLE):
        yield packet
        return
    if nesting == _MAX_NESTING:
        raise MessageError(f"bundles are nested deeper than {_MAX_NESTING}")
    position = len(_BUNDLE) + 8  # past the timetag
    while position < len(packet):
        if position + 4 > len(packet):
            raise MessageError("a bundle ends inside an element's size")
        (size,) = struct.unpack_from(">i", packet, position)
        position += 4
        if size <= 0 or position + size > len(packet):
            raise MessageError(f"a bundle's element claims {size} bytes, {len(packet) - position} are left")
        yield from split(packet[position : position + size], nesting + 1)
        position += size


def decode(message: bytes) -> tuple[str, list[Value]]:
    """Address and arguments of one message. Raises MessageError, with the request's id where it can be read."""
    if not message.startswith(b"/"):
        raise MessageError("this is not an OSC message: it must begin with an address such as /inspire/ping")
    id = ""
    try:
        address, position = osc_types.get_string(message, 0)
        if position < len(message):
            types, position = osc_types.get_string(message, position)
            if types.startswith(",s"):
                id, _ = osc_types.get_string(message, position)
            unread = sorted(set(types[1:]) - set(READ_TYPES))
            if types.startswith(",") and unread:
                raise MessageError(f"OSC type {unread[0]!r} is not served: use {', '.join(READ_TYPES)}", "bad_value", id)
        return address, OscMessage(message).params
    except UnicodeDecodeError:
        raise MessageError("text must be UTF-8: this message holds bytes that are not", id=id) from None
    except (ParseError, osc_types.ParseError) as error:
        raise MessageError(f"this is not a whole OSC message: {_reason(error)}", id=id) from None


def _reason(error: Exception) -> str:
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    return str(error)
