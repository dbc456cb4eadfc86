"""Does a server speak the OSC interface of the README? For any implementer: `python tests/conformance.py HOST PORT`.

Prints one line a rule: that it conforms, or what differs. Exit code 1 if anything differs. Needs python-osc, and nothing else of
this repository. It makes some seconds of music, which stay in the output folder, pauses the queue for a moment and sends 2,000
pings at once: ask a server that has nothing else to do. The time of bundles is judged by this machine's clock.
"""

from __future__ import annotations

import argparse
import itertools
import math
import socket
import struct
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pythonosc import slip
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

PROTOCOL = 1
MAX_DATAGRAM = 4096
MAX_PROGRESS_PER_S = 10
BURST = 2_000
PROMPT = "slow dub techno"
SETTLE_S = 0.2  # how long to listen for an answer too many
NTP_EPOCH_S = 2_208_988_800

ENDS = {"done", "fail", "cancelled"}
REPLIES = {  # types of the arguments that each begins with; key, value pairs follow where PAIRS says so
    "ack": "s",
    "cancelled": "ssf",
    "chunk": "siffs",
    "done": "ssf",
    "entry": "siss",
    "fail": "sss",
    "found": "sii",
    "midi/binding": "siss",
    "model": "siis",
    "pong": "ssi",
    "preset": "siiss",
    "progress": "sfff",
    "queued": "si",
    "state": "ss",
    "welcome": "ssif",
}
PAIRS = {"cancelled", "chunk", "done", "entry", "fail", "midi/binding", "model", "preset", "queued", "state"}
REFUSED = {  # what is wrong: address, arguments after the id, code
    "an unknown address": ("/inspire/compose", ["dub"], "unknown_address"),
    "no prompt": ("/inspire/generate", [], "missing_argument"),
    "a key without its value": ("/inspire/generate", ["dub", "seed"], "missing_argument"),
    "an unknown key": ("/inspire/generate", ["dub", "tempo", 120.0], "unknown_key"),
    "a key given twice": ("/inspire/generate", ["dub", "seed", 1, "seed", 2], "unknown_key"),
    "a number for a prompt": ("/inspire/generate", [124], "bad_value"),
    "text for a number": ("/inspire/generate", ["dub", "seed", "seven"], "bad_value"),
    "half a seed": ("/inspire/generate", ["dub", "seed", 0.5], "bad_value"),
    "a duration out of range": ("/inspire/generate", ["dub", "duration_s", 10_800.0], "bad_value"),
    "a duration that is no number": ("/inspire/generate", ["dub", "duration_s", math.nan], "bad_value"),
    "an unknown section": ("/inspire/generate", ["dub", "section", "bridge"], "bad_value"),
    "bars without a tempo": ("/inspire/generate", ["dub", "bars", 4], "bad_request"),
    "an empty prompt": ("/inspire/generate", [""], "bad_request"),
    "a clip that is not there": ("/inspire/continue", ["/nowhere/loop.wav"], "bad_clip"),
    "a path outside the output folder": ("/inspire/generate", ["dub", "path", "../../x.wav"], "output"),
    "a cancel of nothing": ("/inspire/cancel", [], "no_such_job"),
    "nothing to do again": ("/inspire/again", ["nobody-at-all"], "no_such_job"),
    "an unknown preset": ("/inspire/generate", ["", "preset", "no such preset"], "no_such_preset"),
    "an action that MIDI has not": ("/inspire/midi/learn", ["quit"], "bad_value"),
    "a binding that is not there": ("/inspire/midi/forget", ["note", "number", 3, "channel", 16], "no_such_binding"),
    "another protocol": ("/inspire/hello", ["conformance", 99], "protocol"),
}
NO_OSC = {
    "noise": bytes(range(1, 200)),
    "half a message": b"/inspire/ping\0\0\0,s\0",
    "a type without its value": b"/inspire/ping\0\0\0,s\0\0",
    "a bundle cut short": b"#bundle\0" + struct.pack(">Qi", 1, 400) + b"/inspire",
    "a bundle of negative size": b"#bundle\0" + struct.pack(">Qi", 1, -4),
}


class Differs(Exception):
    """What the server does, and what it should do."""


@dataclass(frozen=True)
class Reply:
    name: str  # the address without /inspire/
    types: str
    values: list
    size: int  # bytes

    @property
    def id(self) -> object:
        return self.values[0] if self.values else None

    @property
    def pairs(self) -> dict:
        rest = self.values[len(REPLIES.get(self.name, "")) :]
        return dict(zip(rest[::2], rest[1::2], strict=False))

    def __str__(self) -> str:
        return f"{self.name} {' '.join(str(value)[:60] for value in self.values)}"


@dataclass
class Server:
    """Where the server is, and everything that it said."""

    host: str
    port: int
    patience_s: float
    said: list[Reply] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    def udp(self) -> Udp:
        return Udp(self)

    def tcp(self) -> Tcp:
        return Tcp(self)

    def close(self) -> None:
        while self.peers:
            self.peers.pop().socket.close()


class Peer:
    """One client of the server. `receive` is for any reply, `answer` for one to a request's id."""

    def __init__(self, server: Server):
        self.server = server
        self.held: list[Reply] = []  # read, but not asked for yet
        server.peers.append(self)

    def send(self, address: str, *arguments: object) -> None:
        self.send_bytes(encode(address, *arguments))

    def send_bytes(self, packet: bytes) -> None:
        raise NotImplementedError

    def read(self, timeout_s: float) -> bytes | None:
        """One packet, None when there is none in time."""
        raise NotImplementedError

    def receive(self, timeout_s: float) -> Reply | None:
        if self.held:
            return self.held.pop(0)
        packet = self.read(timeout_s)
        return self._keep(packet) if packet else None

    def answer(self, id: str, *names: str) -> Reply:
        """The next reply with this id, or the next of these names."""
        for number, reply in enumerate(self.held):
            if reply.id == id and (not names or reply.name in names):
                return self.held.pop(number)
        deadline = time.monotonic() + self.server.patience_s
        while (left := deadline - time.monotonic()) > 0:
            packet = self.read(left)
            reply = self._keep(packet) if packet else None
            if reply and reply.id == id and (not names or reply.name in names):
                return reply
            if reply:
                self.held.append(reply)
        raise Differs(f"no {' or '.join(names) or 'answer'} with the id {id} in {self.server.patience_s:g} s")

    def only_answer(self, id: str) -> Reply:
        """The answer to `id`, when it is the only one."""
        reply = self.answer(id)
        more = [one for one in self.settled() if one.id == id]
        expect(not more, f"{reply}, and then {more[0] if more else ''}: one answer is right")
        return reply

    def settled(self) -> list[Reply]:
        """Everything else that comes before the answer to a ping sent now, and shortly after it."""
        self.send("/inspire/ping", last := new_id())
        self.answer(last, "pong")
        until = time.monotonic() + SETTLE_S
        replies, self.held = self.held, []
        while (left := until - time.monotonic()) > 0:
            if packet := self.read(left):
                replies.append(self._keep(packet))
        return replies

    def job(self, id: str) -> list[Reply]:
        """The replies to a job, up to its end."""
        replies = [self.answer(id)]
        while replies[-1].name not in ENDS:
            replies.append(self.answer(id))
        return replies

    def _keep(self, packet: bytes) -> Reply:
        try:
            message = OscMessage(packet)
        except Exception as error:  # python-osc has several for it
            raise Differs(f"a packet that is no OSC message: {packet[:40]!r} ({error})") from error
        types = packet[packet.index(b",") + 1 :].split(b"\0")[0].decode() if b"," in packet else ""
        reply = Reply(message.address.removeprefix("/inspire/"), types, message.params, len(packet))
        self.server.said.append(reply)
        return reply


class Udp(Peer):
    def __init__(self, server: Server):
        super().__init__(server)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        self.socket.bind(("", 0))
        self.port = self.socket.getsockname()[1]

    def send_bytes(self, packet: bytes) -> None:
        self.socket.sendto(packet, (self.server.host, self.server.port))

    def read(self, timeout_s: float) -> bytes | None:
        self.socket.settimeout(max(timeout_s, 1e-4))
        try:
            return self.socket.recv(65_535)
        except TimeoutError:
            return None
        except ConnectionError:
            raise Differs(f"nobody listens on UDP port {self.server.port}") from None


class Tcp(Peer):
    """OSC 1.1: each packet is a SLIP frame."""

    def __init__(self, server: Server):
        super().__init__(server)
        self.stream = b""
        self.socket = socket.socket()
        self.socket.settimeout(server.patience_s)
        try:
            self.socket.connect((server.host, server.port))
        except OSError as error:
            raise Differs(f"no TCP connection on the UDP port's number: {error}") from None

    def send_bytes(self, packet: bytes) -> None:
        self.socket.sendall(slip.encode(packet))

    def read(self, timeout_s: float) -> bytes | None:
        deadline = time.monotonic() + timeout_s
        while (frame := self._frame()) is None:
            self.socket.settimeout(max(deadline - time.monotonic(), 1e-4))
            try:
                data = self.socket.recv(65_536)
            except TimeoutError:
                return None
            expect(data, "it ended the TCP connection")
            self.stream += data
        return frame

    def _frame(self) -> bytes | None:
        while slip.END in self.stream:
            frame, _, self.stream = self.stream.partition(slip.END)
            if frame:
                return slip.decode(frame)
        return None


def encode(address: str, *arguments: object) -> bytes:
    """Values are i, f or s by their type; a pair is a type and a value, such as ("d", 1.0)."""
    builder = OscMessageBuilder(address)
    for value in arguments:
        kind, value = value if isinstance(value, tuple) else ({int: "i", float: "f", str: "s"}[type(value)], value)
        builder.add_arg(value, kind)
    return builder.build().dgram


def bundle(ahead_s: float | None, *packets: bytes) -> bytes:
    """At once where `ahead_s` is None."""
    timetag = 1 if ahead_s is None else int((time.time() + ahead_s + NTP_EPOCH_S) * 2**32)
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(p)) + p for p in packets)


def new_id() -> str:
    return f"conformance-{uuid.uuid4().hex[:12]}"


def expect(right: object, told: str) -> None:
    if not right:
        raise Differs(told)


def expect_fail(reply: Reply, code: str, what: str) -> None:
    expect(reply.name == "fail" and reply.values[1:2] == [code], f"{what}: {reply}: fail {code} is right")


RULES: dict[str, Callable[[Server], None]] = {}


def rule(told: str) -> Callable:
    def add(check: Callable[[Server], None]) -> Callable[[Server], None]:
        RULES[told] = check
        return check

    return add


# ---- asking


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
def refusals(server: Server) -> None:
    client = server.udp()
    for what, (address, arguments, code) in REFUSED.items():
        client.send(address, id := new_id(), *arguments)
        reply = client.answer(id)
        expect_fail(reply, code, what)
        expect(len(reply.values[2]) > 10, f"{what}: the message {reply.values[2]!r} says nothing")
    client.send("/inspire/ping", "")
    expect_fail(client.answer(""), "no_id", "an empty id")
    more = client.settled()
    expect(not more, f"a second answer: {more[0] if more else ''}")


@rule("integral floats, doubles, 64-bit integers, T and F are read where the table has i or f")
def lenient_types(server: Server) -> None:
    client = server.udp()
    for pair in (("limit", 1.0), ("limit", ("d", 1.0)), ("limit", ("h", 1)), ("kept", ("T", True)), ("kept", ("F", False))):
        client.send("/inspire/history", id := new_id(), *pair)
        reply = client.answer(id)
        expect(reply.name == "found", f"{pair[0]} {pair[1]}: {reply}: found is right")


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


# ---- packets


@rule("a bundle is served at its time: at once, up to 60 s ahead, and no further")
def bundles(server: Server) -> None:
    client = server.udp()
    now = [new_id() for _ in range(4)]
    pings = [encode("/inspire/ping", id) for id in now]
    client.send_bytes(bundle(None, pings[0], bundle(None, pings[1])))
    client.send_bytes(bundle(-1000, *pings[2:]))
    for id in now:
        client.answer(id, "pong")
    sent = time.time()
    client.send_bytes(bundle(0.7, encode("/inspire/ping", id := new_id())))
    client.answer(id, "pong")
    waited_s = time.time() - sent
    expect(waited_s > 0.65, f"a bundle 0.7 s ahead was served after {waited_s:.2f} s")
    client.send_bytes(bundle(3600, encode("/inspire/ping", late := new_id())))
    replies = client.settled()
    refused = [reply for reply in replies if reply.name == "fail" and reply.values[1] == "too_early"]
    expect(len(refused) == 1, f"an hour ahead: {replies[0] if replies else 'no answer'}: one fail too_early is right")
    expect(not [reply for reply in replies if reply.id == late and reply.name == "pong"], "an hour ahead is served at once")


@rule("TCP carries SLIP frames, however they are cut, answered on the connection in order")
def tcp(server: Server) -> None:
    client = server.tcp()
    ids = [new_id() for _ in range(20)]
    stream = b"\xc0\xc0" + b"".join(slip.encode(encode("/inspire/ping", id)) for id in ids)
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


# ---- jobs


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
    expect(chunks, "no chunk was told")
    expect([chunk[1] for chunk in chunks] == list(range(len(chunks))), "the chunks are not counted from 0")
    for one, following in itertools.pairwise(chunks):
        expect(abs(one[2] + one[3] - following[2]) < 1e-3, f"chunk {following[1]} begins at {following[2]:.3f} s: a gap")
    expect(abs(sum(chunk[3] for chunk in chunks) - 1) < 0.01, "the chunks are not as long as what was asked for")
    expect(replies[-1].pairs.get("seed") == 7, f"{replies[-1]}: its seed 7 is not told")


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


@rule(f"progress is told at most {MAX_PROGRESS_PER_S} times a second, and does not go back")
def progress(server: Server) -> None:
    client = server.udp()
    began = time.monotonic()
    client.send("/inspire/generate", id := new_id(), PROMPT, "duration_s", 2.0)
    told = [reply.values for reply in client.job(id) if reply.name == "progress"]
    most = 2 + MAX_PROGRESS_PER_S * (time.monotonic() - began)
    expect(told, "no progress was told")
    expect(len(told) <= most, f"{len(told)} times: {most:.0f} are right")
    expect(told == sorted(told, key=lambda values: values[1]), "it goes back")


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
    expect(client.answer(id, *ENDS).values == end.values, "a second cancel does not tell the end again")


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
    heard = [reply for reply in own.settled() if reply.id == id]
    expect(not heard, f"a stranger hears {heard[0] if heard else ''}")


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


# ---- MIDI


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


# ---- everything that was said


@rule(f"no datagram is larger than {MAX_DATAGRAM:,} bytes")
def sizes(server: Server) -> None:
    largest = max(server.said, key=lambda reply: reply.size, default=None)
    expect(largest, "it said nothing")
    expect(largest.size <= MAX_DATAGRAM, f"{largest.size:,} bytes: {largest}")


@rule("only i, f and s are sent")
def types(server: Server) -> None:
    expect(server.said, "it said nothing")
    for reply in server.said:
        expect(set(reply.types) <= set("ifs"), f"types {reply.types} in {reply}")


@rule("every reply is as the table has it, the request's id first")
def shapes(server: Server) -> None:
    expect(server.said, "it said nothing")
    for reply in server.said:
        expect(reply.name in REPLIES, f"{reply}: there is no such reply")
        first = REPLIES[reply.name]
        rest = reply.types[len(first) :]
        expect(reply.types.startswith(first) and (not rest or reply.name in PAIRS), f"types {reply.types} in {reply}")
        keyed = len(rest) % 2 == 0 and set(rest[::2]) <= {"s"}
        expect(keyed, f"not key, value pairs: {reply}")


def check(host: str, port: int, patience_s: float = 10.0, rules: list[str] | None = None) -> Iterator[tuple[str, str]]:
    """Each rule as it has been checked, with what differs: empty where the server conforms."""
    server = Server(host, port, patience_s)
    for told in rules or RULES:
        differs = ""
        try:
            RULES[told](server)
        except Differs as error:
            differs = str(error)
        except (IndexError, TypeError) as error:  # an answer too short or of other types to be looked into
            differs = f"an answer is not as the table has it: {error}"
        finally:
            server.close()
        yield told, differs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Does a server speak the OSC interface of the README?")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for an answer")
    asked = parser.parse_args(arguments)
    count = 0
    for told, differs in check(asked.host, asked.port, asked.patience):
        count += bool(differs)
        print(f"differs   {told}: {differs}" if differs else f"conforms  {told}", flush=True)
    print(f"{count} of {len(RULES)} rules differ" if count else f"conforms: {len(RULES)} rules")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
