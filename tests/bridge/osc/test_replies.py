"""Replies become addresses and arguments, and these the same replies."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc import replies
from bridge.osc.parsing import encode_command
from bridge.osc.replies import decode_reply, encode_reply


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
