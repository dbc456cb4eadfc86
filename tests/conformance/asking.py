"""What a server answers to commands, right and wrong."""

from __future__ import annotations

import struct

from tests.conformance.peers import Server, encode, expect, new_id
from tests.conformance.rules import expect_fail, rule
from tests.conformance.table import LEAST_DATAGRAM, NOT_WITH_A_TOKEN, PROTOCOL, REJECTED

NO_OSC = {
    "noise": bytes(range(1, 200)),
    "half a message": b"/inspire/ping\0\0\0,s\0",
    "a type without its value": b"/inspire/ping\0\0\0,s\0\0",
    "a bundle cut short": b"#bundle\0" + struct.pack(">Qi", 1, 400) + b"/inspire",
    "a bundle of negative size": b"#bundle\0" + struct.pack(">Qi", 1, -4),
}


@rule("a ping is answered by one pong: id, version, protocol")
def ping(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/ping", id := new_id())
    reply = client.only_answer(id)
    expect(reply.name == "pong" and reply.values[2:] == [PROTOCOL], f"{reply}: pong with protocol {PROTOCOL} is right")


@rule("an id that is a number is answered as its text")
def numbers_as_ids(server: Server) -> None:
    client = server.udp()
    for number in (7, 7.0):
        client.send("/inspire/ping", number)
        client.answer("7", "pong")


@rule("a hello is answered by one welcome with its lease")
def hello(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/hello", id := new_id(), "conformance", PROTOCOL)
    reply = client.only_answer(id)
    expect(reply.name == "welcome" and reply.values[2] == PROTOCOL and reply.values[3] > 0, f"{reply}: a welcome is right")


@rule("every command is answered once, by what the table says")
def one_answer(server: Server) -> None:
    asked = {
        ("/inspire/status",): "state",
        ("/inspire/preset/next",): "preset",
        ("/inspire/preset/previous",): "preset",
        ("/inspire/resume",): "ack",
        ("/inspire/status", "job", "nobody-at-all"): "fail",
        ("/inspire/keep", "nobody-at-all"): "fail",
        ("/inspire/delete", "nobody-at-all"): "fail",
        ("/inspire/preset/save", "conformance", "nobody-at-all"): "fail",
        ("/inspire/preset/bank", "no such bank"): "fail",
        ("/inspire/preset/select", "no such preset"): "fail",
        ("/inspire/midi/learn", "make coffee"): "fail",
        ("/inspire/midi/forget", "controller"): "fail",
        ("/inspire/presets", "bank", "no such bank"): "fail",
    }
    client = server.udp()
    ids = {new_id(): (command, name) for command, name in asked.items()}
    for id, (command, _) in ids.items():
        client.send(command[0], id, *command[1:])
    answers = {id: client.answer(id) for id in ids}
    more = [reply for reply in client.settled() if reply.id in ids]
    for id, (command, name) in ids.items():
        expect(answers[id].name == name, f"{' '.join(command)}: {answers[id]}: {name} is right")
    expect(not more, f"a second answer: {more[0] if more else ''}")


@rule("what is wrong is one fail with its code and the request's id")
def rejections(server: Server) -> None:
    client = server.udp()
    for what, (address, arguments, code) in REJECTED.items():
        client.send(address, id := new_id(), *arguments)
        reply = client.answer(id)
        expect_fail(reply, "token" if server.token and what in NOT_WITH_A_TOKEN else code, what)
        expect(len(reply.values[2]) > 10, f"{what}: the message {reply.values[2]!r} says nothing")
    client.send("/inspire/ping", "")
    expect_fail(client.answer(""), "no_id", "an empty id")
    more = client.settled()
    expect(not more, f"a second answer: {more[0] if more else ''}")


@rule("integral floats, doubles, 64-bit integers, T and F are read where the table has i or f, numbers where it has s")
def lenient_types(server: Server) -> None:
    client = server.udp()
    limits = [("limit", value) for value in (1.0, ("d", 1.0), ("h", 1))]
    for pair in (*limits, ("kept", ("T", True)), ("kept", ("F", False)), ("since", 2026)):
        client.send("/inspire/history", id := new_id(), *pair)
        reply = client.answer(id)
        expect(reply.name == "found", f"{pair[0]} {pair[1]}: {reply}: found is right")
    for text in (("words", 808.0), ("words", 808), ("since", 2026.0), ("until", 2026)):
        client.send("/inspire/history", id := new_id(), *text)
        reply = client.answer(id)
        expect(reply.name == "found", f"{text[0]} as the number {text[1]}: {reply}: found is right")


@rule("what is no OSC is one fail, and bad text keeps the request's id")
def no_osc(server: Server) -> None:
    client = server.udp()
    for what, packet in NO_OSC.items():
        client.send_bytes(packet)
        replies = client.settled()
        fails = [reply for reply in replies if reply.name == "fail"]
        expect(len(replies) == len(fails) == 1, f"{what} is answered by {len(replies)} replies, {len(fails)} of them fail")
    client.send_bytes(encode("/inspire/generate", id := new_id(), "caf_").replace(b"caf_", "café".encode("latin-1")))
    expect_fail(client.answer(id), "bad_packet", "text that is not UTF-8")


@rule("a reply that is sent to the server is not answered")
def no_answer_to_answers(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/ack", new_id())
    client.send("/inspire/fail", new_id(), "bad_value", "no")
    replies = client.settled()
    expect(not replies, f"it answers {replies[0] if replies else ''}")


@rule("answers go to the reply_port of a command, or of a hello for all that follows")
def reply_port(server: Server) -> None:
    client, listener = server.udp(), server.udp()
    client.send("/inspire/ping", id := new_id(), "reply_port", listener.port)
    listener.answer(id, "pong")
    client.send("/inspire/generate", id := new_id(), "dub", "nonsense", 1, "reply_port", listener.port)
    expect_fail(listener.answer(id), "unknown_key", "an unknown key and a reply port")
    client.send("/inspire/hello", id := new_id(), "conformance", PROTOCOL, "reply_port", listener.port)
    listener.answer(id, "welcome")
    client.send("/inspire/ping", id := new_id())
    listener.answer(id, "pong")


@rule("where there is a token each command needs it, also after a hello; elsewhere a command may bring one")
def token(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/hello", id := new_id(), "conformance", PROTOCOL)
    client.answer(id, "welcome")
    for what, given in {"no": None, "an empty": "", "another": "x" + server.token, "a shorter": server.token[:-1]}.items():
        ping = ["/inspire/ping", id := new_id(), *(["token", given] if given is not None else [])]
        client.send_bytes(encode(*ping))
        reply = client.only_answer(id)
        if server.token:
            expect_fail(reply, "token", f"{what} token")
        else:
            expect(reply.name == "pong", f"{what} token: {reply}: a pong is right where none is asked for")


@rule(f"a client that reads {LEAST_DATAGRAM:,} bytes gets no larger reply; ids stay, and what was shortened is marked")
def max_datagram(server: Server) -> None:
    small, large = server.udp(), server.udp()
    small.send("/inspire/hello", id := new_id(), "conformance", PROTOCOL, "max_datagram", LEAST_DATAGRAM)
    small.answer(id, "welcome")
    large.send("/inspire/pause", id := new_id())
    try:
        large.answer(id, "ack")
        large.send("/inspire/generate", job := new_id() + "𝄞" * 70, "long " * 190 + "prompt")
        large.answer(job, "queued")
        entries = []
        for client in (small, large):
            client.send("/inspire/jobs", asked := new_id() + "𝄞" * 70)
            found = client.answer(asked, "found")
            listed = [client.answer(asked, "entry") for _ in range(found.values[2])]
            entries += [entry for entry in listed if entry.values[2] == job]
        expect(len(entries) == 2, "the job that waits is not listed")
    finally:
        large.send("/inspire/cancel", id := new_id(), "job", job)
        large.answer(id, "ack")
        large.send("/inspire/resume", id := new_id())
    large.answer(id, "ack")
    shorter, whole = entries
    expect(shorter.size <= LEAST_DATAGRAM, f"{shorter.size:,} bytes: {shorter}")
    expect(shorter.pairs == whole.pairs or shorter.pairs.get("shortened") == 1, f"it does not say what it lacks: {shorter}")
