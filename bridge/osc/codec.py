"""OSC bytes ↔ (address, arguments). The only user of python-osc.

Bundles are taken apart here and not by python-osc, whose reader never returns from a negative element size.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import TypeAlias

from pythonosc import slip as osc_slip
from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from bridge.errors import MessageError
from bridge.limits import MAX_ARGUMENTS, MAX_FRAME, MAX_NESTING
from bridge.osc.fields import MAX_ID_CHARS
from bridge.plain_text import is_plain

Value: TypeAlias = int | float | str | bool

READ_TYPES = "ifsdhTF"
BUNDLE = b"#bundle\0"  # how one begins
SLIP_END = osc_slip.END
_AT_ONCE = 1  # the timetag that means so
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970


def encode(address: str, arguments: list[int | float | str]) -> bytes:
    """One message; int, float and str become i, f and s. Integers must fit 32 bits."""
    builder = OscMessageBuilder(address)
    for value in arguments:
        builder.add_arg(value, {int: "i", float: "f", str: "s"}[type(value)])
    return builder.build().dgram


def is_bundle(packet: bytes) -> bool:
    return packet.startswith(BUNDLE)


def split(packet: bytes, timetag: int = _AT_ONCE, nesting: int = 0) -> Iterator[tuple[int, bytes]]:
    """The messages of a packet, each with its timetag: itself, or the elements of a bundle in order.

    Raises MessageError where a bundle's sizes do not add up.
    """
    if not is_bundle(packet):
        yield timetag, packet
        return
    if nesting == MAX_NESTING:
        raise MessageError(f"bundles are nested deeper than {MAX_NESTING}")
    position = len(BUNDLE) + 8
    if len(packet) < position:
        raise MessageError("a bundle ends inside its timetag")
    (timetag,) = struct.unpack_from(">Q", packet, len(BUNDLE))
    while position < len(packet):
        if position + 4 > len(packet):
            raise MessageError("a bundle ends inside an element's size")
        (size,) = struct.unpack_from(">i", packet, position)
        position += 4
        if size <= 0 or position + size > len(packet):
            raise MessageError(f"a bundle's element claims {size} bytes, {len(packet) - position} are left")
        yield from split(packet[position : position + size], timetag, nesting + 1)
        position += size


def seconds_until(timetag: int) -> float:
    """How long to wait for a bundle's NTP time; at most 0 when it is past, or means at once."""
    return 0.0 if timetag == _AT_ONCE else timetag / 2**32 - _NTP_EPOCH_S - time.time()


def slip(packet: bytes) -> bytes:
    """A packet as a frame in a stream (OSC 1.1)."""
    return osc_slip.encode(packet)


class SlipReader:
    """Finds frames in a stream, however it is cut. Holds at most MAX_FRAME and a little."""

    def __init__(self) -> None:
        self._held = bytearray()  # of a frame whose end has not come: not looked through again
        self._skipping = False  # to the end of a frame that is too long

    def feed(self, data: bytes) -> Iterator[bytes | MessageError]:
        """The frames that `data` completes; an error, once, for each that is too long or no SLIP."""
        *ended, rest = data.split(osc_slip.END)
        for part in ended:
            raw = bytes(self._held) + part
            self._held.clear()
            if self._skipping:
                self._skipping = False
            elif raw:
                yield _frame(raw)
        if not self._skipping:
            self._held += rest
        if len(self._held) > 2 * MAX_FRAME:  # every byte may be escaped
            self._held.clear()
            self._skipping = True
            yield TOO_LONG


def _frame(raw: bytes) -> bytes | MessageError:
    try:
        packet = osc_slip.decode(raw)
    except osc_slip.ProtocolError:
        return MessageError("this frame is not SLIP: after 219 there must be 220 or 221")
    return packet if len(packet) <= MAX_FRAME else TOO_LONG


TOO_LONG = MessageError(f"this frame is too long: at most {MAX_FRAME} bytes are allowed")


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
                id = id if len(id) <= MAX_ID_CHARS and is_plain(id) else ""  # else the answer could be too long to send
            if len(types) > 1 + MAX_ARGUMENTS:
                raise MessageError(f"this message has {len(types) - 1} arguments: at most {MAX_ARGUMENTS} are allowed", id=id)
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
