"""Lines of packets: order within a line, turns between lines, and how much is held."""

from __future__ import annotations

import pytest

from bridge.limits import MAX_BACKLOG_BYTES, MAX_BACKLOG_BYTES_OF_ONE
from bridge.osc.backlog import Backlog


def taken(backlog: Backlog) -> list[bytes]:
    packets = []
    while backlog:
        packets.append(backlog.take()[0])
    return packets


def test_sources_take_turns_and_keep_their_order():
    backlog = Backlog()
    for packet, source in ((b"a1", "a"), (b"a2", "a"), (b"a3", "a"), (b"b1", "b"), (b"b2", "b")):
        assert backlog.add(packet, source)
    assert backlog.take() == (b"a1", "a")
    backlog.put_back([b"a1.1", b"a1.2"], "a")  # it was a bundle
    assert taken(backlog) == [b"b1", b"a1.1", b"b2", b"a1.2", b"a2", b"a3"]
    with pytest.raises(IndexError):
        backlog.take()


def test_one_that_floods_leaves_room_for_others():
    backlog, packet = Backlog(), bytes(60_000)
    held = 0
    while backlog.add(packet, "flood"):
        held += 1
    assert MAX_BACKLOG_BYTES_OF_ONE * 0.95 < held * len(packet) <= MAX_BACKLOG_BYTES_OF_ONE
    assert backlog.add(b"ping", "other")
    backlog.take()
    assert backlog.add(packet, "flood")  # there is room again
    for n in range(10):
        while backlog.add(packet, n):
            held += 1
    assert held * len(packet) <= MAX_BACKLOG_BYTES
    assert len(taken(backlog)) == held + 1
    assert backlog.add(packet, "flood")


def test_a_burst_of_2000_small_commands_fits():
    backlog = Backlog()
    assert all(backlog.add(bytes(4000), "burst") for _ in range(2000))
