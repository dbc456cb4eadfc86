"""Writes a frozen Max for Live device: the patcher and the files it needs, in one file.

The layout was read off public devices. The outer chunks count in little-endian; what is inside `ptch` counts in big-endian, and
every size there includes its own eight bytes of header.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

AUDIO_EFFECT = b"aaaa"
_FROZEN = 7  # of meta
_THE_DEVICE = 0x11  # of flag
_MAC_EPOCH_S = 2_082_844_800  # 1904 to 1970
# Every build carries this date, so that equal sources make equal bytes.
_DATE = 1_764_288_000 + _MAC_EPOCH_S


@dataclass(frozen=True)
class Frozen:
    """A file inside a device. `type` is four letters: JSON, TEXT, "PNG " or "svg "."""

    name: str
    type: str
    data: bytes


def patcher_text(patcher: dict) -> str:
    """As Max saves it, near enough: one key a line, so that a change of the patch is a readable change of the file."""
    return json.dumps({"patcher": patcher}, indent="\t", ensure_ascii=False) + "\n"


def freeze(name: str, patcher: dict, needs: list[Frozen], kind: bytes = AUDIO_EFFECT) -> bytes:
    """The bytes of `name`, a device of four letters `kind`, with everything it needs inside."""
    assert struct.unpack(">I", kind)[0] == patcher["project"]["amxdtype"], "Max refuses a device whose two types differ"
    device = Frozen(name, "JSON", patcher_text(patcher).encode() + b"\0")
    files = [device, *needs]
    payload, entries, offset = b"", b"", 16
    for file in files:
        entries += _entry(file, offset, _THE_DEVICE if file is device else 0)
        payload += file.data
        offset += len(file.data)
    body = b"mx@c" + struct.pack(">IQ", 16, offset) + payload + _chunk(b"dlst", entries)
    head = b"ampf" + struct.pack("<I", 4) + kind + b"meta" + struct.pack("<II", 4, _FROZEN)
    return head + b"ptch" + struct.pack("<I", len(body)) + body


def _entry(file: Frozen, offset: int, flag: int) -> bytes:
    name = file.name.encode("ascii") + b"\0"
    fields = _chunk(b"type", file.type.encode("ascii")) + _chunk(b"fnam", name + b"\0" * (-len(name) % 4))
    numbers = {b"sz32": len(file.data), b"of32": offset, b"vers": 0, b"flag": flag, b"mdat": _DATE}
    return _chunk(b"dire", fields + b"".join(_chunk(tag, struct.pack(">I", number)) for tag, number in numbers.items()))


def _chunk(tag: bytes, data: bytes) -> bytes:
    return tag + struct.pack(">I", 8 + len(data)) + data
