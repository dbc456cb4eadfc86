"""The daemon as a Python library: `Client` waits, `AsyncClient` is for asyncio. Both speak OSC by the daemon's own table.

    from bridge.client import Client

    with Client() as client:
        *_, end = client.generate("dub techno, 124 bpm", bars=8, bpm=124)
        print(end.path)

Replies are the frozen types of `bridge.osc.replies`, errors those of `bridge.errors`.
"""

from bridge.errors import BridgeError, MessageError, NoDaemon
from bridge.osc.async_client import AsyncClient
from bridge.osc.client import Client, new_id
from bridge.osc.replies import (
    Ack,
    BindingInfo,
    Cancelled,
    Chunk,
    Done,
    Entry,
    Estimated,
    Fail,
    Found,
    ModelReply,
    Pong,
    PresetInfo,
    ProgressReport,
    Queued,
    Reply,
    State,
    Welcome,
    paths_of,
)

__all__ = [
    "Ack",
    "AsyncClient",
    "BindingInfo",
    "BridgeError",
    "Cancelled",
    "Chunk",
    "Client",
    "Done",
    "Entry",
    "Estimated",
    "Fail",
    "Found",
    "MessageError",
    "ModelReply",
    "NoDaemon",
    "Pong",
    "PresetInfo",
    "ProgressReport",
    "Queued",
    "Reply",
    "State",
    "Welcome",
    "new_id",
    "paths_of",
]
