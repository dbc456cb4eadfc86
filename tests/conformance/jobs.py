"""The life of jobs, the queue and the history."""

from __future__ import annotations

import itertools
import time

from tests.conformance.peers import Server, expect, new_id
from tests.conformance.rules import expect_fail, rule
from tests.conformance.table import ENDS, MAX_PROGRESS_PER_S, PROTOCOL

PROMPT = "slow dub techno"


@rule("a job: one ack first, chunks without a gap, one end last")
def job(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 1.0, "seed", 7)
    replies = client.job(id)
    more = [reply for reply in client.settled() if reply.id == id]
    names = [reply.name for reply in replies]
    expect(names[0] == "ack" and names.count("ack") == 1, f"{', '.join(names)}: one ack, first, is right")
    expect(names[-1] == "done", f"it ends with {replies[-1]}: done is right")
    expect(not more, f"after its end: {more[0] if more else ''}")
    chunks = [reply.values for reply in replies if reply.name == "chunk"]
    expect(chunks, "no chunk was announced")
    expect([chunk[1] for chunk in chunks] == list(range(len(chunks))), "the chunks are not counted from 0")
    for one, following in itertools.pairwise(chunks):
        expect(abs(one[2] + one[3] - following[2]) < 1e-3, f"chunk {following[1]} begins at {following[2]:.3f} s: a gap")
    expect(abs(sum(chunk[3] for chunk in chunks) - 1) < 0.01, "the chunks are not as long as what was asked for")
    expect(replies[-1].pairs.get("seed") == 7, f"{replies[-1]}: its seed 7 is not in it")


@rule("an estimate is given in numbers, and makes nothing")
def estimate(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 0.5)
    client.job(id)
    client.send("/inspire/estimate", id := new_id(), "prompt", PROMPT, "bars", 2, "bpm", 120.0)
    estimate = client.answer(id, "estimated")
    expect(estimate.name == "estimated", f"it is answered with {estimate}: estimated is right")
    first_s, total_s = estimate.values[1:3]
    expect(0 < first_s <= total_s, f"first sound after {first_s} s, all after {total_s} s")
    expect(estimate.pairs.get("new_s") == 4, f"{estimate}: 2 bars at 120 bpm last 4 s")
    expect(not client.settled(), "more than one answer came")


@rule("an arrangement is a job as long as its sections")
def arrangement(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/arrange", id := new_id(), "intro:1 drop:2=dark", "prompt", PROMPT, "bpm", 240.0, "beats_per_bar", 3)
    *replies, end = client.job(id)
    expect(end.name == "done", f"it ends with {end}: done is right")
    chunks = [reply.values for reply in replies if reply.name == "chunk"]
    expect(abs(sum(chunk[3] for chunk in chunks) - 2.25) < 0.01, "3 bars of 3 beats at 240 bpm last 2.25 s")


@rule("variations and sketches: one end, the chunks of each variation without a gap")
def variations(server: Server) -> None:
    client = server.udp()
    for command in ("/inspire/generate", "/inspire/sketch"):
        client.send(command, id := new_id(), PROMPT, "duration_s", 0.5, "variations", 2, "seed", 7)
        *replies, end = client.job(id)
        expect(end.name == "done" and end.pairs.get("others"), f"it ends with {end}: done that names the others is right")
        for number in (1, 2):
            chunks = [r for r in replies if r.name == "chunk" and r.pairs.get("variation") == number]
            expect([chunk.values[1] for chunk in chunks] == list(range(len(chunks))), f"variation {number} is not counted from 0")
            expect(abs(sum(chunk.values[3] for chunk in chunks) - 0.5) < 0.01, f"variation {number} is not as long as asked for")


@rule(f"progress comes at most {MAX_PROGRESS_PER_S} times a second, and does not go back")
def progress(server: Server) -> None:
    client = server.udp()
    began = time.monotonic()
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 2.0)
    reported = [reply.values for reply in client.job(id) if reply.name == "progress"]
    most = 2 + MAX_PROGRESS_PER_S * (time.monotonic() - began)
    expect(reported, "no progress was reported")
    expect(len(reported) <= most, f"{len(reported)} times: {most:.0f} are right")
    expect(reported == sorted(reported, key=lambda values: values[1]), "it goes back")


@rule("a repeated id replays its end and starts nothing; another request with it is id_taken")
def repeated_id(server: Server) -> None:
    client, other = server.udp(), server.udp()
    command = ("/inspire/generate", new_id(), PROMPT, "duration_s", 0.5)
    client.send(*command)
    end = client.job(command[1])[-1]
    for one in (client, other):
        one.send(*command)
        replies = one.job(command[1])
        expect([reply.name for reply in replies] == ["ack", end.name], f"{', '.join(r.name for r in replies)}: ack, {end.name}")
        expect(replies[-1].values == end.values, f"{replies[-1]}: {end} is right")
    other.send(command[0], command[1], "something else")
    expect_fail(other.answer(command[1]), "id_taken", "another request with a known id")


@rule("again makes the same job under a new id, with its seed or another")
def again(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/generate", first := new_id(), PROMPT, "duration_s", 0.5)
    seed = client.job(first)[-1].pairs.get("seed")
    client.send("/inspire/again", id := new_id(), first)
    end = client.job(id)[-1]
    expect(end.name == "done" and end.pairs.get("seed") == seed, f"{end}: done with the seed {seed} is right")
    client.send("/inspire/again", id := new_id(), first, "seed", 5)
    end = client.job(id)[-1]
    expect(end.pairs.get("seed") == 5, f"{end}: done with the seed 5 is right")


@rule("a ping is answered while a job runs")
def ping_while_busy(server: Server) -> None:
    client, other = server.udp(), server.udp()
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 60.0)
    client.answer(id, "chunk", *ENDS)
    pings = [new_id() for _ in range(20)]
    for one in pings:
        other.send("/inspire/ping", one)
        other.answer(one, "pong")
    other.send("/inspire/status", status := new_id(), "job", id)
    state = other.answer(status)
    expect(state.values[1:2] == ["running"], f"{state}: the job should still run")
    client.send("/inspire/cancel", id)
    client.answer(id, *ENDS)


@rule("cancel: an ack with its own id, one cancelled with the job's; what was made stays")
def cancel(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 60.0)
    client.answer(id, "chunk", *ENDS)
    client.send("/inspire/cancel", asked := new_id(), "job", id)
    client.answer(asked, "ack")
    end = client.answer(id, *ENDS)
    expect(end.name == "cancelled" and end.values[1] and 0 < end.values[2] < 60, f"{end}: cancelled, path and length is right")
    more = [reply for reply in client.settled() if reply.name in ENDS]
    expect(not more, f"after its end: {more[0] if more else ''}")
    client.send("/inspire/cancel", asked := new_id(), "job", id)
    client.answer(asked, "ack")
    state = client.answer(asked)
    reported = (state.name, state.values[1:2], state.pairs.get("path"))
    expect(reported == ("state", ["cancelled"], end.values[1]), f"{state}: a second cancel is answered by the job's state")
    more = [reply for reply in client.settled() if reply.name in ENDS]
    expect(not more, f"its end comes twice: {more[0] if more else ''}")


@rule("who registers for all events hears the jobs of others, and nobody else does")
def events(server: Server) -> None:
    client, all_, own = server.udp(), server.udp(), server.udp()
    all_.send("/inspire/hello", asked := new_id(), "conformance", PROTOCOL, "events", "all")
    all_.answer(asked, "welcome")
    own.send("/inspire/hello", asked := new_id(), "conformance", PROTOCOL)
    own.answer(asked, "welcome")
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 0.5)
    client.job(id)
    all_.answer(id, *ENDS)
    received = [reply for reply in own.settled() if reply.id == id]
    expect(not received, f"a stranger hears {received[0] if received else ''}")


@rule("while paused jobs wait with their position and registered clients take turns; after resume they run")
def pause(server: Server) -> None:
    client, other = server.udp(), server.udp()
    other.send("/inspire/hello", asked := new_id(), "conformance", PROTOCOL)  # those of a host that do not register are as one
    other.answer(asked, "welcome")
    client.send("/inspire/pause", asked := new_id())
    try:
        client.answer(asked, "ack")
        first, second, third = new_id(), new_id(), new_id()
        for peer, id in ((client, first), (client, second), (other, third)):
            peer.send("/inspire/generate", id, PROMPT, "duration_s", 0.5)
            peer.answer(id, "queued")
        positions = []
        for id in (first, third, second):
            client.send("/inspire/status", asked := new_id(), "job", id)
            positions.append(client.answer(asked, "state").pairs.get("position"))
        client.send("/inspire/jobs", asked := new_id())
        listed = [client.answer(asked, "entry").values[1:3] for _ in range(client.answer(asked, "found").values[2])]
        expect(listed == [[0, first], [1, third], [2, second]], f"jobs lists {listed}: not the positions that status tells")
        expect(positions == [0, 1, 2], f"positions {positions} of two clients' first jobs and a second one: 0, 1, 2 is right")
        client.send("/inspire/status", asked := new_id())
        expect(client.answer(asked, "state").pairs.get("paused") == 1, "the state does not say that the queue is paused")
    finally:
        client.send("/inspire/resume", asked := new_id())
    client.answer(asked, "ack")
    for peer, id in ((client, first), (client, second), (other, third)):
        expect(peer.answer(id, *ENDS).name == "done", "a job that waited does not end in done")


@rule("history tells how many fit and as many entries as it shows")
def history(server: Server) -> None:
    client = server.udp()
    client.send("/inspire/history", id := new_id(), "limit", 3)
    found = client.answer(id, "found")
    entries = [client.answer(id, "entry") for _ in range(found.values[2])]
    more = [reply for reply in client.settled() if reply.id == id]
    expect(found.values[2] == min(3, found.values[1]) and not more, f"{found} with {len(entries) + len(more)} entries")
    expect([entry.values[1] for entry in entries] == list(range(len(entries))), "the entries are not counted from 0")
