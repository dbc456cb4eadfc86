"""What the engine raises on purpose."""

from __future__ import annotations


class EngineError(Exception):
    """Root of everything the engine raises on purpose.

    `code` is one stable word for programs; the message is one sentence for people: what was wrong,
    what is allowed, what to do.
    """

    code = "engine"


class RequestError(EngineError):
    """A field of the request is missing, of the wrong type or out of range."""

    code = "bad_request"


class ClipError(EngineError):
    """The clip to continue cannot be read or holds nothing usable."""

    code = "bad_clip"


class ModelError(EngineError):
    """A model directory is missing, incomplete, damaged or of another variant."""

    code = "bad_model"


class OutOfMemory(EngineError):
    """The memory does not suffice for a model or a request. What was taken is free again."""

    code = "no_memory"
