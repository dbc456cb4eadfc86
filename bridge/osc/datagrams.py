"""Replies as packets that their client can read: as large as it said at most.

What is too large loses, until it fits: of sentences their ends, the longest first; of a path its folder; then the texts among
its keys, the longest first. Ids, numbers and names among the arguments are never touched. The key `shortened` says so.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from bridge.osc import codec, spec
from bridge.osc.arguments import cut
from bridge.osc.replies import Reply, encode_reply, message_of, pairs_of

_LEAST_TEXT = 60  # bytes that a sentence keeps


def encode(reply: Reply, most_bytes: int = spec.MAX_DATAGRAM_OUT) -> bytes:
    while len(packet := codec.encode(*encode_reply(reply))) > most_bytes:
        reply = _shorter(reply, len(packet) - most_bytes)
    return packet


def _shorter(reply: Reply, excess: int) -> Reply:
    """By one text, which is given up to `excess` bytes less."""
    message = message_of(reply)
    arguments = {f.name: getattr(reply, f.name) for f in message.arguments}
    values = {name: value for name, value in (arguments | pairs_of(reply)).items() if value is not None}
    texts = {f.name: str(values[f.name]) for f in (*message.arguments, *message.pairs) if f.type == "s" and f.name in values}
    sentences = {f.name for f in (*message.arguments, *message.pairs) if f.is_sentence}
    longest_first = sorted(texts, key=lambda name: len(texts[name].encode()), reverse=True)
    for name in longest_first:
        if name in sentences and (size := len(texts[name].encode())) > _LEAST_TEXT:
            return _with(reply, name, cut(texts[name], max(_LEAST_TEXT, size - excess)))
    path = texts.get("path", "")
    if path != (file_name := os.path.basename(path)):
        return _with(reply, "path", file_name)
    longest = next((name for name in longest_first if name in pairs_of(reply)), None)
    assert longest, f"{message.address} is {excess} bytes too large"
    return _with(reply, longest, None)


def _with(reply: Reply, name: str, text: str | None) -> Reply:
    pairs = {**pairs_of(reply), "shortened": 1}
    changed: dict[str, Any] = {"pairs": pairs | {name: text}} if name in pairs else {"pairs": pairs, name: text}
    return replace(reply, **changed)
