"""The OSC table as the script reads it, generated from the daemon's own: one definition, so that the two cannot drift apart.

Only what the device uses is taken, in the order of the daemon's table. A command that this daemon does not have yet is left out,
and the script does without.
"""

from __future__ import annotations

import json

from bridge.osc import spec

_MUSIC = (
    *("bars", "duration_s", "bpm", "beats_per_bar", "beat_unit", "key", "section", "seed", "variations"),
    *("guidance", "model", "preset", "play", "start"),
)
# Command → the keys that the device uses.
_COMMANDS = {
    "hello": ("max_datagram",),
    "generate": _MUSIC,
    "continue": (
        *("prompt", "from_s", "context_s", "join"),
        *_MUSIC,
    ),
    "fill": ("prompt", *(name for name in _MUSIC if name not in ("bars", "duration_s"))),  # it lasts as its region does
    "arrange": ("prompt", "clip", "from_s", "context_s", "join", *_MUSIC),
    "again": ("seed", "play"),
    "cancel": ("job",),
    "status": ("job",),
    "history": ("limit", "state"),
    "keep": ("keep",),
    "presets": (),
    "models": (),
    "gain": (),
    "transport": None,  # all of them
    "estimate": ("prompt", "clip", "from_s", "context_s", "join", "start_s", "end_s", *_MUSIC),
}
# Reply → the keys that the device reads; its arguments it knows all.
_REPLIES = {
    "welcome": (),
    "ack": (),
    "queued": (),
    "progress": (),
    "chunk": ("variation",),
    "done": ("others", "seed", "bpm", "bpm_measured", "first_chunk_s", "key", "downbeat_ms", "join_click_db"),
    "fail": ("path", "duration_s", "others"),
    "cancelled": ("others",),
    "entry": ("kept", "prompt", "clip", "seed", "path", "others", "duration_s"),
    "state": (
        *("job", "pid", "model", "paused", "folder", "audio_device", "transport", "problem"),
        *("path", "duration_s", "others"),
    ),
    "preset": ("prompt", "shortened"),
    "model": (),
    "estimated": None,  # all of them
}


def script_table() -> str:
    """JavaScript: `var TABLE`, of commands and replies."""
    commands = {}
    for name, wanted in _COMMANDS.items():
        message = spec.COMMANDS.get(f"/inspire/{name}")
        if message is not None:
            keys = [f for f in message.pairs if wanted is None or f.name in (*wanted, "reply_port")]
            commands[name] = {"arguments": [_field(f) for f in message.arguments], "keys": {f.name: _field(f) for f in keys}}
    replies = {}
    for name, wanted in _REPLIES.items():
        message = spec.REPLIES.get(f"/inspire/{name}")
        if message is not None:
            replies[name] = {
                "arguments": [[f.name, f.type] for f in message.arguments],
                "keys": {f.name: f.type for f in message.pairs if wanted is None or f.name in wanted},
            }
    table = {
        "protocol": spec.PROTOCOL,
        "least_datagram": spec.LEAST_DATAGRAM_OUT,
        "commands": commands,
        "replies": replies,
    }
    return "var TABLE = " + json.dumps(table, indent=1) + ";\n"


def _field(f: spec.Field) -> list:
    """Name, type, least and most, and what may stand there where it is a choice; null where there is no limit."""
    return [f.name, f.type, f.low, f.high, *([list(f.choices)] if f.choices else [])]
