"""Reads a frozen Max for Live device: shares nothing with the writer, checks every length, writes back what it read."""

from __future__ import annotations

import struct
from dataclasses import dataclass


class NotADevice(Exception):
    """What is wrong with the bytes."""


@dataclass
class File:
    name: str
    type: str
    data: bytes
    flag: int
    version: int
    date: int


@dataclass
class Device:
    kind: str
    meta: int
    files: list[File]


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        if len(part) < count:
            raise NotADevice(f"{count} bytes wanted at {self.at}, {len(part)} are there")
        self.at += count
        return part

    def number(self, layout: str) -> int:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def expect(self, wanted: bytes) -> None:
        at, got = self.at, self.take(len(wanted))
        if got != wanted:
            raise NotADevice(f"{wanted!r} wanted at {at}, {got!r} is there")


def read_device(data: bytes) -> Device:
    outer = _Reader(data)
    outer.expect(b"ampf\x04\0\0\0")
    kind = outer.take(4).decode("ascii", "replace")
    if kind not in ("aaaa", "mmmm", "iiii"):
        raise NotADevice(f"no device is of the kind {kind!r}")
    outer.expect(b"meta\x04\0\0\0")
    meta = outer.number("<I")
    outer.expect(b"ptch")
    length = outer.number("<I")
    if outer.at + length != len(data):
        raise NotADevice(f"the patch claims {length} bytes, {len(data) - outer.at} are left")
    return Device(kind, meta, _frozen(outer.take(length)))


def _frozen(body: bytes) -> list[File]:
    inner = _Reader(body)
    inner.expect(b"mx@c\0\0\0\x10")
    footer = inner.number(">Q")
    inner.at = footer
    inner.expect(b"dlst")
    if inner.number(">I") != len(body) - footer:
        raise NotADevice("the list of files does not end where the file does")
    files, expected = [], 16
    while inner.at < len(body):
        start = inner.at
        inner.expect(b"dire")
        size = inner.number(">I")
        fields = {}
        while inner.at < start + size:
            tag, length = inner.take(4), inner.number(">I")
            fields[tag] = inner.take(length - 8)
        if inner.at != start + size or list(fields) != [b"type", b"fnam", b"sz32", b"of32", b"vers", b"flag", b"mdat"]:
            raise NotADevice(f"an entry at {start} has fields {list(fields)}")
        if len(fields[b"fnam"]) % 4 or not fields[b"fnam"].endswith(b"\0"):
            raise NotADevice("a name is not padded")
        numbers = {tag: int.from_bytes(fields[tag], "big") for tag in (b"sz32", b"of32", b"vers", b"flag", b"mdat")}
        if numbers[b"of32"] != expected:
            raise NotADevice(f"a file begins at {numbers[b'of32']}, the one before ends at {expected}")
        expected += numbers[b"sz32"]
        content = body[numbers[b"of32"] : expected]
        name, kind = fields[b"fnam"].rstrip(b"\0").decode("ascii"), fields[b"type"].decode("ascii")
        files.append(File(name, kind, content, numbers[b"flag"], numbers[b"vers"], numbers[b"mdat"]))
    if expected != footer:
        raise NotADevice("there are bytes that belong to no file")
    return files


def write_device(device: Device) -> bytes:
    """The same bytes again."""
    at, entries = 16, []
    for file in device.files:
        name = file.name.encode() + b"\0"
        name += b"\0" * (-len(name) % 4)
        words = [(b"type", file.type.encode()), (b"fnam", name)]
        words += [
            (tag, number.to_bytes(4, "big"))
            for tag, number in (
                (b"sz32", len(file.data)),
                (b"of32", at),
                (b"vers", file.version),
                (b"flag", file.flag),
                (b"mdat", file.date),
            )
        ]
        fields = b"".join(tag + (len(value) + 8).to_bytes(4, "big") + value for tag, value in words)
        entries.append(b"dire" + (len(fields) + 8).to_bytes(4, "big") + fields)
        at += len(file.data)
    listed = b"".join(entries)
    body = b"mx@c" + (16).to_bytes(4, "big") + at.to_bytes(8, "big") + b"".join(file.data for file in device.files)
    body += b"dlst" + (len(listed) + 8).to_bytes(4, "big") + listed
    head = (
        b"ampf"
        + (4).to_bytes(4, "little")
        + device.kind.encode()
        + b"meta"
        + (4).to_bytes(4, "little")
        + device.meta.to_bytes(4, "little")
    )
    return head + b"ptch" + len(body).to_bytes(4, "little") + body
