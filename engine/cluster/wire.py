"""What goes over HTTP between the daemon's machine and the engine's. No torch, no Ray, nothing pickled.

A message is a JSON object and, where its `bytes` says so, as many bytes after it. On the wire: the object's length as four bytes,
most significant first, the object, the bytes. Events carry the fields of `engine.api`'s; a chunk's bytes are its samples,
float32, as (frames, channels). "alive" says that the engine still works on it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from engine.api import AudioChunk, EngineError, Event, Finished, GenerationReport, Progress

Message = dict[str, Any]

ALIVE_S = 2.0  # between two messages at most
MAX_HEADER = 1 << 20
_LENGTH = struct.Struct(">I")


class RemoteError(EngineError):
    """An error that the other side raised, with its code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def pack(message: Message, content: bytes = b"") -> bytes:
    header = json.dumps(message | ({"bytes": len(content)} if content else {})).encode()
    return _LENGTH.pack(len(header)) + header + content


def unpack(read: Callable[[int], bytes]) -> tuple[Message, bytes]:
    """The next message. read: gives exactly so many bytes, or raises EOFError. Raises ValueError for what is no message."""
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > MAX_HEADER:
        raise ValueError(f"a header of {length} bytes: this is no engine's answer")
    message = json.loads(read(length))
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message, read(int(message["bytes"])) if message.get("bytes") else b""


def encode(event: Event | EngineError) -> bytes:
    match event:
        case Progress():
            return pack({"type": "progress", "phase": event.phase, "done_s": event.done_s, "total_s": event.total_s})
        case AudioChunk():
            fields = {"index": event.index, "start_frame": event.start_frame, "samplerate": event.samplerate}
            fields |= {"variation": event.variation, "channels": event.samples.shape[1]}
            return pack({"type": "chunk", **fields}, np.ascontiguousarray(event.samples, np.float32).tobytes())
        case Finished():
            fields = {"frames": event.frames, "samplerate": event.samplerate}
            return pack({"type": "finished", **fields, "cancelled": event.cancelled, "report": asdict(event.report)})
    return pack({"type": "failed", "code": event.code, "message": str(event)})


def decode(message: Message, content: bytes) -> Event | RemoteError | None:
    """`encode` backwards; None for "alive". Times of progress are when it came here: the other machine has another clock."""
    fields = {name: value for name, value in message.items() if name not in ("type", "bytes", "channels", "replica")}
    match message.get("type"):
        case "alive":
            return None
        case "progress":
            return Progress(**fields)
        case "chunk":
            return AudioChunk(**fields, samples=np.frombuffer(content, np.float32).reshape(-1, message["channels"]))
        case "finished":
            return Finished(**fields | {"report": GenerationReport.from_mapping(fields["report"])})
        case "failed":
            return RemoteError(message["message"], message["code"])
    raise ValueError(f"a message of type {message.get('type')!r}")
