"""Packets that no good client sends: made from the OSC table, right and wrong, then damaged. Same seed, same packets.

`Fuzzer.datagram` gives one for UDP, `Fuzzer.stream` some for TCP, as one string of bytes with its SLIP frames. /inspire/quit is
left out, as it would end the daemon, and so are ports of other programs.
"""

from __future__ import annotations

import math
import random
import struct
import time

from bridge.osc import codec, spec
from bridge.osc.spec import Field

_NTP_EPOCH_S = 2_208_988_800
_COMMANDS = [message for message in spec.COMMANDS.values() if message.address != "/inspire/quit"]
_NUMBERS = [0, -1, 1, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, 0.5, -0.0, 1e-45, 1e38, 1e300, math.nan, math.inf, -math.inf]
_TEXTS = ["", " ", "\n", "%s%n", "../../x", "/etc/passwd", "~", "~nobody/x", "\u202e\U0001f3b5", "é" * 300, "x" * 5000, "'; --"]
_SHORT_S = 0.5  # of most jobs that are right: the daemon is to be tried, not the disk


class Fuzzer:
    """`clip` is a file that may be continued, `port` one that replies may be sent to."""

    def __init__(self, seed: int, clip: str, port: int):
        self._random = random.Random(seed)
        self._clip = clip
        self._port = port

    def datagram(self) -> bytes:
        """At most what fits into a UDP datagram."""
        return self._packet(4)[:65_000]

    def stream(self, frames: int) -> bytes:
        r = self._random
        parts = [codec.slip(self._packet(4)) for _ in range(frames)]
        no_frames = [b"\xdb\x00\xc0", b"\xc0\xc0", r.randbytes(200), b"x" * 200_000 + b"\xc0"]
        for _ in range(r.randrange(3)):
            parts.insert(r.randrange(len(parts)), r.choice(no_frames))
        return b"".join(parts)

    def _packet(self, nesting: int) -> bytes:
        r, kind = self._random, self._random.random()
        if kind < 0.05:
            return r.randbytes(r.choice([0, 1, 3, 4, 16, 200, 3000]))
        if kind < 0.15 and nesting:
            return self._bundle([self._packet(nesting - 1) for _ in range(r.choice([0, 1, 2, 2, 20]))])
        packet = self._message()
        return packet if kind < 0.55 else self._damaged(packet)

    def _bundle(self, elements: list[bytes]) -> bytes:
        r = self._random
        when = int((time.time() + _NTP_EPOCH_S + r.choice([-10, 0.01, 0.3, 59, 61, 1e6])) * 2**32)
        timetag = r.choice([1, 1, 0, 2**64 - 1, when])
        sizes = [len(element) if r.random() < 0.97 else r.choice([0, -4, 3, 2**31 - 1]) for element in elements]
        return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(
            struct.pack(">i", size) + element for size, element in zip(sizes, elements, strict=True)
        )

    def _message(self) -> bytes:
        r = self._random
        message = r.choice(_COMMANDS)
        values: list[tuple[str, object]] = [("s", f"f{r.randrange(300)}") if r.random() < 0.95 else self._any()]
        values += [self._value(field) for field in message.arguments]
        pairs = r.sample(message.pairs, min(len(message.pairs), r.choice([0, 0, 1, 2, 3])))
        if message.pair("duration_s") and r.random() < 0.9:
            values += [("s", "duration_s"), ("f", _SHORT_S)]
            pairs = [field for field in pairs if field.name not in ("duration_s", "bars")]
        for field in pairs:
            values += [("s", field.name), self._value(field)]
        if r.random() < 0.1:
            values.insert(r.randrange(len(values) + 1), self._any())
        wrong = r.choice([*spec.REPLIES, "/", "/inspire", "/inspire/" + "x" * 900])
        types = "".join(type_ for type_, _ in values)
        address = message.address if r.random() < 0.97 else wrong
        return _string(address) + _string(f",{types}") + b"".join(_encoded(*value) for value in values)

    def _value(self, field: Field) -> tuple[str, object]:
        """Mostly one that is allowed."""
        r = self._random
        if r.random() < 0.1:
            return self._any()
        if field.name == "reply_port":
            return "i", r.choice([self._port, self._port, 0, 65_536, -1])
        if field.choices:
            return "s", r.choice(field.choices)
        if field.type == "s":
            right = {"clip": self._clip, "job": f"f{r.randrange(300)}", "path": f"takes/{r.randrange(50)}", "bank": "band"}
            right |= {"since": "2026", "until": "2026-11", "key": "A minor", "name": f"name {r.randrange(50)}"}
            return "s", right.get(field.name, r.choice(["tune", "24k stereo tune", "dub techno, 124 bpm"]))
        low, high = (field.low, field.high) if field.low is not None else (-1000, 1000)
        number = r.choice([low, high, low - 1, high + 1, low + r.random() * min(high - low, 1000)])
        return (field.type, int(number)) if field.type == "i" else (field.type, float(number))

    def _any(self) -> tuple[str, object]:
        r = self._random
        type_ = r.choice("ifsdhTFNIbtmrcS[]")
        number, text = r.choice(_NUMBERS), r.choice(_TEXTS)
        return type_, text if type_ in "sS" else number

    def _damaged(self, packet: bytes) -> bytes:
        r, data = self._random, bytearray(packet)
        for _ in range(r.choice([1, 1, 2, 5])):
            place = r.randrange(len(data) + 1)
            match r.randrange(4):
                case 0 if data:
                    data[place % len(data)] = r.randrange(256)
                case 1:
                    del data[place:]
                case 2:
                    data[place:place] = r.randbytes(r.choice([1, 4, 40]))
                case _:
                    del data[place : place + r.choice([1, 4, 40])]
        return bytes(data)


def _string(text: str) -> bytes:
    data = text.encode() + b"\0"
    return data + bytes(-len(data) % 4)


def _encoded(type_: str, value: object) -> bytes:
    """An OSC argument, its number pressed into what the type can hold."""
    if type_ in "sS":
        return _string(str(value))
    whole = int(value) if math.isfinite(value) else 0
    match type_:
        case "f":
            return struct.pack(">f", value if abs(value) < 3e38 or not math.isfinite(value) else math.inf)
        case "d":
            return struct.pack(">d", value)
        case "h" | "t":
            return struct.pack(">Q", whole % 2**64)
        case "b":
            return struct.pack(">i", whole % 50) + bytes(52)[: (whole % 50 + 3) // 4 * 4]
        case "T" | "F" | "N" | "I" | "[" | "]":
            return b""
    return struct.pack(">I", whole % 2**32)
