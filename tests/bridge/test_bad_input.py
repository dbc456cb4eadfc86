"""Whatever is sent: one clear fail, and the daemon serves on."""

from __future__ import annotations

import math
import random
import struct

import pytest

from bridge.osc import codec
from bridge.osc.replies import Fail, Pong
from tests.bridge.conftest import RawClient

CASES = {
    "no arguments": ("/inspire/generate", [], "no_id"),
    "empty id": ("/inspire/generate", ["", "dub"], "no_id"),
    "id of 10,000 characters": ("/inspire/generate", ["x" * 10_000, "dub"], "no_id"),
    "unknown address": ("/inspire/compose", ["j", "dub"], "unknown_address"),
    "no prompt": ("/inspire/generate", ["j"], "missing_argument"),
    "empty prompt": ("/inspire/generate", ["j", ""], "bad_request"),
    "blank prompt": ("/inspire/generate", ["j", " \n"], "bad_request"),
    "prompt of 10,000 characters": ("/inspire/generate", ["j", "x" * 10_000], "bad_value"),
    "no number for a prompt": ("/inspire/generate", ["j", math.nan], "bad_value"),
    "negative duration": ("/inspire/generate", ["j", "dub", "duration_s", -1.0], "bad_value"),
    "no duration": ("/inspire/generate", ["j", "dub", "duration_s", 0.0], "bad_value"),
    "duration not a number": ("/inspire/generate", ["j", "dub", "duration_s", math.nan], "bad_value"),
    "endless duration": ("/inspire/generate", ["j", "dub", "duration_s", math.inf], "bad_value"),
    "three hours": ("/inspire/generate", ["j", "dub", "duration_s", 10_800.0], "bad_value"),
    "a million bars": ("/inspire/generate", ["j", "dub", "bars", 1_000_000, "bpm", 120.0], "bad_value"),
    "bars that last too long": ("/inspire/generate", ["j", "dub", "bars", 512, "bpm", 60.0], "bad_request"),
    "bars and duration": ("/inspire/generate", ["j", "dub", "bars", 4, "bpm", 120.0, "duration_s", 8.0], "bad_request"),
    "bars without a tempo": ("/inspire/generate", ["j", "dub", "bars", 4], "bad_request"),
    "the host's 3,159,345 bpm": ("/inspire/generate", ["j", "dub", "bpm", 3_159_345.0], "bad_value"),
    "unknown key": ("/inspire/generate", ["j", "dub", "tempo", 120.0], "unknown_key"),
    "key without a value": ("/inspire/generate", ["j", "dub", "seed"], "missing_argument"),
    "text for a number": ("/inspire/generate", ["j", "dub", "seed", "seven"], "bad_value"),
    "half a seed": ("/inspire/generate", ["j", "dub", "seed", 0.5], "bad_value"),
    "unknown section": ("/inspire/generate", ["j", "dub", "section", "bridge"], "bad_value"),
    "unknown musical key": ("/inspire/generate", ["j", "dub", "key", "K dur"], "bad_request"),
    "path outside": ("/inspire/generate", ["j", "dub", "path", "../../x.wav"], "output"),
    "absolute path": ("/inspire/generate", ["j", "dub", "path", "/tmp/x.wav"], "output"),
    "reply port out of range": ("/inspire/ping", ["j", "reply_port", 70_000], "bad_value"),
    "missing clip": ("/inspire/continue", ["j", "/nowhere/loop.wav"], "bad_clip"),
    "a folder for a clip": ("/inspire/continue", ["j", "/"], "bad_clip"),
    "a clip's name too long for the disk": ("/inspire/continue", ["j", "/" + "x" * 900], "bad_clip"),
    "a clip of nobody's": ("/inspire/continue", ["j", "~nobody-at-all/loop.wav"], "bad_clip"),
    "no clip": ("/inspire/continue", ["j"], "missing_argument"),
    "cancel of nothing": ("/inspire/cancel", ["nobody"], "no_such_job"),
    "hello without a protocol": ("/inspire/hello", ["j", "Live"], "missing_argument"),
}
BYTES = {
    "nothing": b"",
    "noise": bytes(range(1, 200)),
    "half a message": codec.encode("/inspire/ping", ["j"])[:-2],
    "type tag without its value": b"/inspire/ping\0\0\0,s\0\0",
    "bundle of negative size": b"#bundle\0" + struct.pack(">Qi", 1, -4),
    "bundle cut short": b"#bundle\0" + struct.pack(">Qi", 1, 400) + b"/inspire",
    "blob after an id of 5,000 characters": b"/inspire/ping\0\0\0,sb\0" + b"j" * 5000 + bytes(8),
    "not UTF-8 after such an id": b"/inspire/generate\0\0\0,ss\0" + b"j" * 5000 + bytes(4) + b"caf\xe9" + bytes(4),
    "blob": b"/inspire/ping\0\0\0,sb\0j\0\0\0\0\0\0\0",
}


def answers(raw: RawClient) -> list:
    """Everything that comes back, up to the answer to a ping sent last."""
    raw.send("/inspire/ping", "last")
    replies = []
    while not isinstance(reply := raw.receive(), Pong):
        assert reply is not None, f"the daemon is silent after {replies}"
        replies.append(reply)
    return replies


@pytest.mark.parametrize(("address", "arguments", "code"), CASES.values(), ids=CASES)
def test_one_clear_fail(raw, address, arguments, code):
    raw.send(address, *arguments)
    (reply,) = answers(raw)
    assert isinstance(reply, Fail) and reply.code == code
    assert reply.id == (arguments[0] if arguments and len(arguments[0]) <= 100 else "")
    assert 10 < len(reply.message) < 1_100  # at most a text of the longest kind, a path, and what is wrong with it


@pytest.mark.parametrize("datagram", BYTES.values(), ids=BYTES)
def test_what_is_not_osc(raw, datagram):
    raw.send_bytes(datagram)
    (reply,) = answers(raw)
    assert isinstance(reply, Fail) and reply.code in ("bad_packet", "bad_value", "no_id")


def test_latin_1_keeps_its_id(raw):
    raw.send_bytes(codec.encode("/inspire/generate", ["latin", "caf_"]).replace(b"caf_", "café".encode("latin-1")))
    (reply,) = answers(raw)
    assert (reply.id, reply.code) == ("latin", "bad_packet") and "UTF-8" in reply.message


def test_replies_are_not_answered(raw):
    """Two daemons that heard of each other would talk for ever."""
    raw.send("/inspire/fail", "j", "bad_value", "no")
    raw.send("/inspire/ack", "j")
    assert answers(raw) == []


def test_noise_is_survived(daemon, raw):
    random.seed(7)
    good = codec.encode("/inspire/generate", ["n", "refuse this", "duration_s", 1.0, "seed", 7])
    for _ in range(1000):
        data = bytearray(good)
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(1, len(data))] = random.randrange(256)
        raw.send_bytes(bytes(data[: random.randrange(len(data) + 1)]))
        while raw.receive(0.0001):
            pass
    while raw.receive(0.5):
        pass
    assert answers(raw) == []
    assert daemon.serves_on()
