"""Bindings of MIDI messages, and the host's transport."""

from __future__ import annotations

from tests.conformance.peers import Server, expect, new_id
from tests.conformance.rules import expect_fail, rule


@rule("midi/list tells how many bindings there are, and each of them")
def bindings(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/midi/list", id := new_id())
    found = client.answer(id, "found")
    reported = [reply for reply in client.settled() if reply.id == id]
    expect([reply.name for reply in reported] == ["midi/binding"] * found.values[2], f"{found} with {len(reported)} bindings")
    expect([reply.values[1] for reply in reported] == list(range(len(reported))), "the bindings are not counted from 0")


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


@rule("a transport that is reported is one ack, and the state shows it: bar, metre, tempo, whether it plays")
def transport(server: Server) -> None:
    client = server.udp()
    for playing, words in ((1, "playing"), (0, "stopped")):
        client.send("/inspire/transport", id := new_id(), 90.0, 14.25, playing, "beats_per_bar", 7, "beat_unit", 8)
        reply = client.only_answer(id)
        expect(reply.name == "ack", f"{reply}: an ack is right")
        client.send("/inspire/status", id := new_id())
        state = client.answer(id, "state")
        right = {"transport": words, "transport_from": "report", "bpm": 90.0, "bar": 5, "beats_per_bar": 7, "beat_unit": 8}
        reported = {name: state.pairs.get(name) for name in right}
        expect(reported == right, f"the state shows {reported}: {right} is right")
