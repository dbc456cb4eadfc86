"""What bridge/osc/README.md says of the interface, as far as the rules need it."""

from __future__ import annotations

import math

PROTOCOL = 1
MAX_DATAGRAM = 4096
LEAST_DATAGRAM = 1024
MAX_PROGRESS_PER_S = 10

ENDS = {"done", "fail", "cancelled"}
REPLIES = {  # types of the arguments that each begins with; key, value pairs follow where PAIRS says so
    "ack": "s",
    "cancelled": "ssf",
    "chunk": "siffs",
    "done": "ssf",
    "entry": "siss",
    "estimated": "sff",
    "fail": "sss",
    "found": "sii",
    "midi/binding": "siss",
    "model": "siis",
    "pong": "ssi",
    "preset": "siiss",
    "progress": "sfff",
    "queued": "si",
    "state": "ss",
    "welcome": "ssif",
}
PAIRS = {"cancelled", "chunk", "done", "entry", "estimated", "fail", "midi/binding", "model", "preset", "queued", "state"}
REJECTED = {  # what is wrong: address, arguments after the id, code
    "an unknown address": ("/inspire/compose", [], "unknown_address"),
    "no prompt": ("/inspire/generate", [], "missing_argument"),
    "a key without its value": ("/inspire/generate", ["dub", "seed"], "missing_argument"),
    "an unknown key": ("/inspire/generate", ["dub", "tempo", 120.0], "unknown_key"),
    "a key given twice": ("/inspire/generate", ["dub", "seed", 1, "seed", 2], "unknown_key"),
    "text for a number": ("/inspire/generate", ["dub", "seed", "seven"], "bad_value"),
    "half a seed": ("/inspire/generate", ["dub", "seed", 0.5], "bad_value"),
    "a duration out of range": ("/inspire/generate", ["dub", "duration_s", 10_800.0], "bad_value"),
    "a duration that is no number": ("/inspire/generate", ["dub", "duration_s", math.nan], "bad_value"),
    "an unknown section": ("/inspire/generate", ["dub", "section", "bridge"], "bad_value"),
    "bars without a tempo": ("/inspire/generate", ["dub", "bars", 4], "bad_request"),
    "an escape code in a path": ("/inspire/generate", ["dub", "path", "x\x1b[2J.wav"], "bad_value"),
    "an empty prompt": ("/inspire/generate", [""], "bad_request"),
    "a clip that is not there": ("/inspire/continue", ["/nowhere/loop.wav"], "bad_clip"),
    "a path outside the output folder": ("/inspire/generate", ["dub", "path", "../../x.wav"], "output"),
    "a cancel of nothing": ("/inspire/cancel", [], "no_such_job"),
    "nothing to do again": ("/inspire/again", ["nobody-at-all"], "no_such_job"),
    "a section of nothing": ("/inspire/again", ["nobody-at-all", "section", "drop"], "no_such_job"),
    "nothing to play": ("/inspire/play", ["nobody-at-all"], "no_such_job"),
    "a variation that no job has": ("/inspire/play", ["nobody-at-all", "variation", 0], "bad_value"),
    "an unknown way to decode": ("/inspire/again", ["nobody-at-all", "decode", "better"], "bad_value"),
    "an unknown preset": ("/inspire/generate", ["", "preset", "no such preset"], "no_such_preset"),
    "an action that MIDI has not": ("/inspire/midi/learn", ["quit"], "bad_value"),
    "a binding that is not there": ("/inspire/midi/forget", ["note", "number", 3, "channel", 16], "no_such_binding"),
    "an arrangement without bars": ("/inspire/arrange", ["intro verse", "prompt", "dub", "bpm", 120.0], "bad_request"),
    "an arrangement of no length": ("/inspire/arrange", ["intro:0", "prompt", "dub", "bpm", 120.0], "bad_request"),
    "an arrangement without a tempo": ("/inspire/arrange", ["intro:4", "prompt", "dub"], "bad_request"),
    "an estimate of too much": ("/inspire/estimate", ["bars", 4000, "bpm", 120.0], "bad_value"),
    "an estimate of bars without a tempo": ("/inspire/estimate", ["bars", 4], "bad_request"),
    "a transport without its position": ("/inspire/transport", [120.0], "missing_argument"),
    "a transport without a tempo": ("/inspire/transport", [0.0, 4.0, 1], "bad_value"),
    "a metre in thirds": ("/inspire/transport", [120.0, 4.0, 1, "beats_per_bar", 4, "beat_unit", 3], "bad_value"),
    "another protocol": ("/inspire/hello", ["conformance", 99], "protocol"),
}
# The key token that follows is then read as what is missing.
NOT_WITH_A_TOKEN = {"no prompt", "a key without its value", "a transport without its position"}
