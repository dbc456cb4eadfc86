"""A hello: who speaks, which events it wants, and how large its buffer is."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.commands import Hello
from bridge.osc.parsing import parse_command
from bridge.osc.protocol import LEAST_DATAGRAM_OUT, MAX_DATAGRAM_OUT


def test_hello():
    assert parse_command("/inspire/hello", ["h", "Live", 1, "events", "all"]) == Hello("h", "Live", 1, "all")
    assert parse_command("/inspire/hello", ["h", "Max", 1, "max_datagram", 1024.0]).max_datagram == 1024
    assert parse_command("/inspire/hello", ["h", "", 1]) == Hello("h", "", 1, "own", MAX_DATAGRAM_OUT)


@pytest.mark.parametrize(
    "pairs", [("max_datagram", LEAST_DATAGRAM_OUT - 1), ("max_datagram", MAX_DATAGRAM_OUT + 1), ("events", "some")]
)
def test_what_it_cannot_want_is_rejected(pairs):
    with pytest.raises(MessageError) as caught:
        parse_command("/inspire/hello", ["h", "Max", 1, *pairs])
    assert caught.value.code == "bad_value"
