"""What the engine's process says of a run, as messages of the pipe and back: every field by its name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import EngineFailure
from engine.api import AudioChunk, EngineError, Event, Finished, GenerationReport, Progress

Message = dict[str, Any]


def encode(run: int | None, event: Event | EngineError) -> tuple[Message, NDArray[np.float32] | None]:
    """The message of an event, and the samples that go with it: float32 (frames, channels)."""
    match event:
        case Progress():
            fields: Message = {"type": "progress", **asdict(event)}
        case AudioChunk():
            fields = {"type": "chunk", "index": event.index, "start_frame": event.start_frame}
            fields |= {"samplerate": event.samplerate, "variation": event.variation}
        case Finished():
            fields = {"type": "finished", "frames": event.frames, "samplerate": event.samplerate, "cancelled": event.cancelled}
            fields |= {"report": asdict(event.report)}
        case EngineError():
            fields = {"type": "failed", "code": event.code, "message": str(event)}
    return {"run": run, **fields}, event.samples if isinstance(event, AudioChunk) else None


def decode(message: Message, samples: NDArray[np.float32] | None) -> Event | EngineFailure:
    """`encode` backwards; an engine's error becomes the failure of a run."""
    fields = {name: value for name, value in message.items() if name not in ("type", "run", "shape")}
    match message["type"]:
        case "progress":
            return Progress(**fields)
        case "chunk":
            assert samples is not None, "a chunk came without its samples"
            return AudioChunk(**fields, samples=samples)
        case "finished":
            return Finished(**fields | {"report": GenerationReport.from_mapping(fields["report"])})
        case "failed":
            return EngineFailure(fields["message"], fields["code"])
    raise AssertionError(f"the worker sent {message['type']!r}")
