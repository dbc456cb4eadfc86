"""How packets stand in a stream: SLIP (OSC 1.1) or a size before each (OSC 1.0), recognised by a stream's first bytes. Pure.

What cannot be either is known at once, and is not read on: a web page can make its browser connect to any port of this machine
and choose what follows the browser's own first words, so nothing may be looked for behind a beginning that is not OSC.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bridge.errors import MessageError
from bridge.limits import MAX_FRAME
from bridge.osc import codec

_SIZE = struct.Struct(">i")
_LEAST_PACKET = 8  # bytes: an address and its type tags
_HTTP_VERBS = (b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"PATCH", b"DELETE", b"CONNECT", b"TRACE", b"PRI")


class NotOsc(Exception):
    """A stream that begins as no OSC does; the message says as what."""


class Slip:
    """OSC 1.1."""

    name = "SLIP"

    def __init__(self) -> None:
        self.feed = codec.SlipReader().feed

    @staticmethod
    def encode(packet: bytes) -> bytes:
        return codec.slip(packet)


class SizePrefix:
    """OSC 1.0: an int32 with the size of what follows. `feed` raises NotOsc after a size that cannot be: the stream is lost."""

    name = "size"

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0  # bytes left of a packet that is too long

    def feed(self, data: bytes) -> Iterator[bytes | MessageError]:
        self._held += data
        while True:
            skipped = min(self._skip, len(self._held))
            self._held, self._skip = self._held[skipped:], self._skip - skipped
            if self._skip or len(self._held) < _SIZE.size:
                return
            (size,) = _SIZE.unpack_from(self._held)
            if size < 0:
                raise NotOsc(f"a packet of {size} bytes")
            end = _SIZE.size + size
            if size > MAX_FRAME:
                self._skip = end
                yield codec.TOO_LONG
            elif len(self._held) < end:
                return
            else:
                packet, self._held = self._held[_SIZE.size : end], self._held[end:]
                if packet:
                    yield packet

    @staticmethod
    def encode(packet: bytes) -> bytes:
        return _SIZE.pack(len(packet)) + packet


def find(beginning: bytes) -> Slip | SizePrefix | None:
    """By a stream's first bytes; None while they do not say. Raises NotOsc as soon as they can be neither."""
    framing: Slip | SizePrefix
    packet = beginning.lstrip(codec.SLIP_END)
    if len(packet) == len(beginning) and packet[:1] == b"\0":
        framing, packet = SizePrefix(), packet[_SIZE.size :]
        if len(beginning) >= _SIZE.size:
            (size,) = _SIZE.unpack_from(beginning)
            if not _LEAST_PACKET <= size <= MAX_FRAME or size % 4:
                raise NotOsc(_name(beginning))
    else:
        framing = Slip()
    if packet.startswith((b"/", codec.BUNDLE)):
        return framing
    if not codec.BUNDLE.startswith(packet):
        raise NotOsc(_name(beginning))
    return None


def _name(beginning: bytes) -> str:
    if beginning.startswith(_HTTP_VERBS) or (len(beginning) < 4 and any(verb.startswith(beginning) for verb in _HTTP_VERBS)):
        return "HTTP"
    if beginning.startswith(b"\x16\x03"):
        return "TLS"
    return "no OSC"
