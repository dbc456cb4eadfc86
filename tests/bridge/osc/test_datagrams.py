"""No reply is larger than its client can read: whatever texts it holds, and by the rule."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bridge.osc import codec, replies, spec
from bridge.osc.datagrams import encode
from bridge.osc.replies import Reply, decode_reply
from bridge.osc.spec import LEAST_DATAGRAM_OUT, MAX_DATAGRAM_OUT, MAX_FOLDER_BYTES

ID = "𝄞" * 100  # four bytes each: the largest id there is
NAME = "é" * 127 + "x"  # 255 bytes, as long as a file's name can be
LONG_PATH = "/é" * 2000 + "/" + NAME
PATH = "/" + "f" * (MAX_FOLDER_BYTES - 1) + "/" + NAME


def shown(packet: bytes) -> Reply:
    return decode_reply(*codec.decode(packet))


def largest(message: spec.Message) -> Reply:
    """With every key, each text as long as it can be and longer."""

    def value(field: spec.Field):
        if field.choices:
            return max(field.choices, key=len)
        if field.type != "s":
            return 1
        known = {"job": ID, "name": "é" * 60, "bank": NAME, "code": "unknown_address", "version": "0.1.0", "path": LONG_PATH}
        return known.get(field.name, "é" * 5000)

    kind = replies.TYPES[message.address]
    arguments = {field.name: value(field) for field in message.arguments}
    pairs = {"pairs": {field.name: value(field) for field in message.pairs if field.name != "shortened"}}
    return kind(ID, **arguments, **(pairs if "pairs" in {f.name for f in fields(kind)} else {}))


@pytest.mark.parametrize("message", spec.REPLIES.values(), ids=lambda message: message.address)
@pytest.mark.parametrize("most", [LEAST_DATAGRAM_OUT, 2000, MAX_DATAGRAM_OUT])
def test_every_reply_fits_whatever_it_holds(message, most):
    reply = largest(message)
    packet = encode(reply, most)
    assert len(packet) <= most
    reported = shown(packet)
    assert reported.id == ID and type(reported) is type(reply)
    numbers = {name: value for name, value in getattr(reply, "pairs", {}).items() if isinstance(value, int)}
    assert numbers.items() <= getattr(reported, "pairs", {}).items()
    assert len(codec.encode(*replies.encode_reply(reply))) <= most or reported.pairs["shortened"] == 1


def test_a_result_in_the_longest_folder_is_reported_in_full():
    others = "/".join([NAME] * 7)
    numbers = {"samplerate": 48000, "seed": 1, "rtf": 0.1, "first_chunk_s": 0.1, "underruns": 0, "bpm": 124.0}
    for reply in (
        replies.Done(ID, PATH, 8.0, {"others": others, "weights": "f" * 64, **numbers}),
        replies.Cancelled(ID, PATH, 8.0, {"others": others}),
        replies.Chunk(ID, 1, 0.0, 0.1, PATH, {"variation": 8}),
        replies.Entry("q", 1, ID, "interrupted", {"created": "2026-11-21T12:00:00+00:00", "kept": 1, "path": PATH, "seed": 7}),
    ):
        reported = shown(encode(reply))
        assert "shortened" not in reported.pairs and replies.paths_of(reported) == replies.paths_of(reply)


def test_sentences_lose_their_end_first_then_paths_their_folder_then_keys_go():
    state = replies.State("s", "down", {"problem": "p" * 900, "audio_device": "a" * 800, "folder": "/f" * 100, "queued": 3})
    reported = shown(encode(state, 1024)).pairs
    assert reported["folder"] == "/f" * 100 and reported["queued"] == 3 and reported["shortened"] == 1
    assert reported["problem"].startswith("pppp") and reported["problem"].endswith("…") and len(reported["problem"]) >= 50

    done = replies.Done("j", "/music/" + "f" * 900 + "/dub.wav", 8.0, {"others": "dub.2.wav", "weights": "f" * 64, "seed": 7})
    reported = shown(encode(done, 1024))
    assert reported.path == "dub.wav" and reported.pairs["others"] == "dub.2.wav" and reported.pairs["shortened"] == 1

    done = replies.Done("j", "/music/dub.wav", 8.0, {"others": "/".join(["o" * 200] * 7), "weights": "f" * 64, "seed": 7})
    reported = shown(encode(done, 1024))
    assert reported.pairs.keys() == {"weights", "seed", "shortened"}


def test_a_fail_keeps_its_beginning():
    reported = shown(encode(replies.Fail("j", "engine_error", "café " * 3000), 1024))
    assert reported.message.startswith("café café") and reported.message.endswith("…") and reported.pairs == {"shortened": 1}
