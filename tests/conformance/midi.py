"""Bindings of MIDI messages."""

from __future__ import annotations

from tests.conformance.peers import Server, expect, new_id
from tests.conformance.rules import expect_fail, rule


@rule("midi/list tells how many bindings there are, and each of them")
def bindings(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/midi/list", id := new_id())
    found = client.answer(id, "found")
    told = [reply for reply in client.settled() if reply.id == id]
    expect([reply.name for reply in told] == ["midi/binding"] * found.values[2], f"{found} with {len(told)} bindings")
    expect([reply.values[1] for reply in told] == list(range(len(told))), "the bindings are not counted from 0")


@rule("a learn waits until it is cancelled, and is then one fail; without MIDI it is one at once")
def learn(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/midi/learn", id := new_id(), "preset/next")
    reply = client.answer(id)
    if reply.name == "ack":
        client.send("/inspire/cancel", asked := new_id(), "job", id)
        client.answer(asked, "ack")
        expect_fail(client.answer(id), "not_learnt", "a learn that was cancelled")
    else:
        expect_fail(reply, "no_midi", "a learn without MIDI")
    more = [reply for reply in client.settled() if reply.id == id]
    expect(not more, f"after its end: {more[0] if more else ''}")
