"""Bundles, streams, and what is large or much."""

from __future__ import annotations

import struct
import time

from pythonosc import slip

from tests.conformance.peers import Reply, Server, bundle, encode, expect, new_id
from tests.conformance.rules import expect_fail, rule

BURST = 2_000
PROMPT = "slow dub techno"
NO_COMMAND = {
    "HTTP": b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303"),
    "an unknown command": slip.encode(encode("/inspire/compose", "j")),
}


@rule("a bundle is served at its time: at once, up to 60 s ahead, and no further")
def bundles(server: Server) -> None:
    client = server.udp()
    now = [new_id() for _ in range(4)]
    pings = [server.command("/inspire/ping", id) for id in now]
    client.send_bytes(bundle(None, pings[0], bundle(None, pings[1])))
    client.send_bytes(bundle(-1000, *pings[2:]))
    for id in now:
        client.answer(id, "pong")
    sent = time.time()
    client.send_bytes(bundle(0.7, server.command("/inspire/ping", id := new_id())))
    client.answer(id, "pong")
    waited_s = time.time() - sent
    expect(waited_s > 0.65, f"a bundle 0.7 s ahead was served after {waited_s:.2f} s")
    client.send_bytes(bundle(3600, server.command("/inspire/ping", late := new_id())))
    replies = client.settled()
    rejected = [reply for reply in replies if reply.name == "fail" and reply.values[1] == "too_early"]
    expect(len(rejected) == 1, f"an hour ahead: {replies[0] if replies else 'no answer'}: one fail too_early is right")
    expect(not [reply for reply in replies if reply.id == late and reply.name == "pong"], "an hour ahead is served at once")


@rule("TCP carries SLIP frames, however they are cut, answered on the connection in order")
def tcp(server: Server) -> None:
    client = server.tcp()
    ids = [new_id() for _ in range(20)]
    stream = b"\xc0\xc0" + b"".join(slip.encode(server.command("/inspire/ping", id)) for id in ids)
    for start in range(0, len(stream), 7):
        client.socket.sendall(stream[start : start + 7])
    for id in ids:
        reply = client.receive(server.patience_s)
        expect(reply and reply.name == "pong" and reply.id == id, f"{reply}: a pong to {id} is right")
    client.send("/inspire/generate", id := new_id(), "x" * 4001)
    expect_fail(client.answer(id), "bad_value", "a prompt of 4,001 characters")
    client.socket.sendall(b"/a\xdb\x00\xc0")
    client.send("/inspire/ping", id := new_id())
    first = client.receive(server.patience_s)
    expect(first and first.name == "fail", f"{first}: a frame that is no SLIP is one fail")
    client.answer(id, "pong")
    seed = 0xC0DB  # both bytes that SLIP escapes
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 0.5, "seed", seed)
    end = client.job(id)[-1]
    expect(end.name == "done" and end.pairs.get("seed") == seed, f"a job over TCP: {end}: done with the seed {seed} is right")


@rule("TCP carries packets with an int32 size before each too, and answers in the same framing")
def sized(server: Server) -> None:
    client = server.sized_tcp()
    ids = [new_id() for _ in range(20)]
    pings = [server.command("/inspire/ping", id) for id in ids]
    stream = b"".join(struct.pack(">i", len(ping)) + ping for ping in pings)
    for start in range(0, len(stream), 7):
        client.socket.sendall(stream[start : start + 7])
    for id in ids:
        reply = client.receive(server.patience_s)
        expect(reply and reply.name == "pong" and reply.id == id, f"{reply}: a pong to {id} is right")


@rule("a TCP connection that does not begin with a right command is ended, and nothing behind it is served")
def strangers(server: Server) -> None:
    witness = server.udp()
    for what, beginning in NO_COMMAND.items():
        client = server.tcp()
        behind = server.command("/inspire/pause", new_id())
        try:
            client.socket.sendall(beginning + slip.encode(behind))
        except ConnectionError:
            continue
        expect(client.is_ended(), f"{what} at the beginning of a connection: it is not ended")
    witness.send("/inspire/status", id := new_id())
    expect(not witness.answer(id, "state").pairs.get("paused"), "a command behind something else was served")


@rule("a datagram of 60,000 bytes is read")
def large_datagram(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/generate", id := new_id(), "x" * 60_000)
    expect_fail(client.answer(id), "bad_value", "a prompt of 60,000 characters")


@rule(f"{BURST:,} commands in one burst have {BURST:,} answers")
def burst(server: Server) -> None:
    client = server.udp()
    waiting = {new_id() for _ in range(BURST)}
    asked = sorted(waiting)
    answered: list[Reply] = []
    for start in range(0, BURST, 100):
        for id in asked[start : start + 100]:
            client.send("/inspire/ping", id)
        answered += iter(lambda: client.receive(0), None)  # its own buffer is the system's affair
    while len(answered) < BURST and (reply := client.receive(server.patience_s)):
        answered.append(reply)
    lost = waiting - {reply.id for reply in answered}
    expect(not lost, f"{len(lost)} of {BURST:,} were not answered")
    expect(len(answered) == BURST, f"{len(answered)} answers to {BURST:,} commands")
