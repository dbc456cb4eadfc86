"""Replies become addresses and arguments, and these the same replies; what is none is one error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import pytest

from bridge.errors import MessageError
from bridge.osc import replies
from bridge.osc.fields import Meta
from bridge.osc.parsing import encode_command
from bridge.osc.replies import decode_reply, encode_reply, message_of, name_of, pairs_of
from bridge.osc.replies import table as replies_table
from bridge.osc.replies.table import Pairs, Reply


@pytest.mark.parametrize(
    "reply",
    [
        replies.Pong("j", "0.1", 1),
        replies.Welcome("j", "0.1", 1, 60.0),
        replies.Ack("j"),
        replies.Queued("j", 3),
        replies.ProgressReport("j", 1.5, 8.0, 0.5),
        replies.Chunk("j", 2, 0.5, 0.25, "/m/x.part.wav"),
        replies.Done("j", "/m/x.wav", 8.0, {"seed": 7, "rtf": 0.25}),
        replies.Fail("j", "bad_value", "no", {"path": "/m/x.wav", "duration_s": 1.0}),
        replies.Cancelled("j", "", 0.0),
        replies.State("j", "idle", {"pid": 1, "model": "sketch"}),
    ],
    ids=replies.name_of,
)
def test_replies_survive_the_round_trip(reply):
    address, values = encode_reply(reply)
    assert {type(value) for value in values} <= {int, float, str}
    assert decode_reply(address, values) == reply


def test_pairs_without_a_value_are_left_out():
    assert encode_reply(replies.Done("j", "x", 1.0, {"bpm": None}))[1] == ["j", "x", 1.0]
    assert encode_command("/inspire/generate", "j", ["dub"], {"seed": None, "bars": 4})[1] == ["j", "dub", "bars", 4]
    with pytest.raises(MessageError, match="no key 'tempo'"):
        encode_command("/inspire/generate", "j", ["dub"], {"tempo": 4})


def test_a_key_that_the_table_has_not_is_never_sent():
    with pytest.raises(AssertionError, match="no key 'tempo'"):
        encode_reply(replies.Done("j", "x", 1.0, {"tempo": 120.0}))


@pytest.mark.parametrize(
    ("address", "values", "code"),
    [
        ("/inspire/sung", ["j"], "unknown_address"),
        ("/inspire/ack", [], "no_id"),
        ("/inspire/ack", [7], "no_id"),
        ("/inspire/done", ["j"], "missing_argument"),
        ("/inspire/done", ["j", "x.wav", 1.0, "tempo", 120.0], "unknown_key"),
    ],
)
def test_what_is_no_reply_is_one_error(address, values, code):
    with pytest.raises(MessageError) as caught:
        decode_reply(address, values)
    assert caught.value.code == code


def test_a_class_puts_itself_into_the_table(monkeypatch):
    for name in ("REPLIES", "TYPES", "_ADDRESSES"):
        monkeypatch.setattr(replies_table, name, {})

    @replies_table.reply("/inspire/sung", "a song")
    @dataclass(frozen=True)
    class Sung(Reply):
        verses: Annotated[int, Meta("how many")]
        pairs: Pairs = field(default_factory=dict)

        class Keys:
            key: Annotated[str, Meta("in which key")]

    song = Sung("s", 3, {"key": "A minor"})
    assert (name_of(song), message_of(song).doc, pairs_of(song)) == ("sung", "a song", {"key": "A minor"})
    assert decode_reply(*encode_reply(song)) == song
