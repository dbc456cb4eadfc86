"""The conformance rules: our daemon conforms, and what is wrong in a server is reported, one fault after the other."""

from __future__ import annotations

import itertools
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from pythonosc.osc_message import OscMessage

from bridge.osc import spec
from tests.bridge.conftest import ROOT, RunningDaemon
from tests.conformance import asking, jobs, midi, packets, replies, table
from tests.conformance.__main__ import check, main
from tests.conformance.peers import encode
from tests.conformance.rules import RULES

Change = Callable[[bytes], list[bytes]]  # what becomes of a packet


class WrongServer:
    """Our daemon behind a relay that spoils what is asked or what is reported. UDP only."""

    def __init__(self, port: int, asked: Change, reported: Change):
        self._daemon = ("127.0.0.1", port)
        self._asked, self._reported = asked, reported
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        self._front.bind(("127.0.0.1", 0))
        self.port = self._front.getsockname()[1]
        self._behind: dict[tuple, socket.socket] = {}  # a socket for each client, so that answers find back
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._relay)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        for one in (self._front, *self._behind.values()):
            one.close()

    def _relay(self) -> None:
        while not self._end.is_set():
            clients = {behind: client for client, behind in self._behind.items()}
            for ready in select.select([self._front, *clients], [], [], 0.05)[0]:
                packet, source = ready.recvfrom(65_535)
                if ready is not self._front:
                    for one in self._reported(packet):
                        self._front.sendto(one, clients[ready])
                    continue
                if source not in self._behind:
                    self._behind[source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    self._behind[source].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
                for one in self._asked(packet):
                    self._behind[source].sendto(one, self._daemon)


def as_it_is(packet: bytes) -> list[bytes]:
    return [packet]


def every(name: str, change: Callable[[list], list[tuple]]) -> Change:
    """Messages of this name are replaced: `change` takes the values and gives (name, *values) for each in their place."""

    def replace(packet: bytes) -> list[bytes]:
        if not packet.startswith(f"/inspire/{name}\0".encode()):
            return [packet]
        return [encode(f"/inspire/{new}", *values) for new, *values in change(OscMessage(packet).params)]

    return replace


def all_but_each_fiftieth() -> Change:
    number = itertools.count(1)
    return lambda packet: [packet] if next(number) % 50 else []


def only_osc(packet: bytes) -> list[bytes]:
    return [packet] if packet[:1] in (b"/", b"#") else []


def at_once(packet: bytes) -> list[bytes]:
    return [b"#bundle\0" + (1).to_bytes(8, "big") + packet[16:]] if packet.startswith(b"#bundle") else [packet]


def no_code(v: list) -> list[tuple]:
    return [("fail", v[0], "error", *v[2:])]


# what is wrong: (asked, answered, rules to check, the last of which says it with these words)
FAULTS: dict[str, tuple[Change, Change, list[Callable], str]] = {
    "answers twice": (as_it_is, lambda packet: [packet] * 2, [asking.ping], "one answer is right"),
    "another id": (as_it_is, every("pong", lambda v: [("pong", "x", *v[1:])]), [asking.ping], "no answer with the id"),
    "another protocol": (as_it_is, every("pong", lambda v: [("pong", *v[:2], 2)]), [asking.ping], "protocol 1 is right"),
    "numbers are no ids": (every("ping", lambda v: [("ping", f"{v[0]}!")]), as_it_is, [asking.numbers_as_ids], "no pong"),
    "no lease": (as_it_is, every("welcome", lambda v: [("welcome", *v[:3], 0.0)]), [asking.hello], "a welcome is right"),
    "a state for an ack": (as_it_is, every("ack", lambda v: [("state", v[0], "idle")]), [asking.one_answer], "ack is right"),
    "another code": (as_it_is, every("fail", no_code), [asking.rejections], "fail unknown_address is right"),
    "no doubles": (every("history", lambda v: [("cancel", v[0])]), as_it_is, [asking.lenient_types], "found is right"),
    "silent about noise": (only_osc, as_it_is, [asking.no_osc], "noise is answered by 0 replies"),
    "answers answers": (every("ack", lambda v: [("ping", v[0])]), as_it_is, [asking.no_answer_to_answers], "it answers"),
    "no reply port": (every("ping", lambda v: [("ping", v[0])]), as_it_is, [asking.reply_port], "no pong"),
    "knows no token": (
        every("ping", lambda v: [("ping", *("secret" if value == "token" else value for value in v))]),
        as_it_is,
        [asking.token],
        "where none is asked for",
    ),
    "ignores max_datagram": (every("hello", lambda v: [("hello", *v[:3])]), as_it_is, [asking.max_datagram], "bytes: entry"),
    "bundles at once": (at_once, as_it_is, [packets.bundles], "was served after"),
    "no TCP": (as_it_is, as_it_is, [packets.tcp], "no TCP connection"),
    "nothing large": (lambda packet: [packet] if len(packet) < 8192 else [], as_it_is, [packets.large_datagram], "no answer"),
    "loses one of fifty": (all_but_each_fiftieth(), as_it_is, [packets.burst], "were not answered"),
    "no ack": (as_it_is, every("ack", lambda v: []), [jobs.job], "one ack, first, is right"),
    "ends twice": (as_it_is, every("done", lambda v: [("done", *v)] * 2), [jobs.job], "after its end"),
    "a gap": (as_it_is, every("chunk", lambda v: [("chunk", v[0], v[1], v[2] * 1.5, *v[3:])]), [jobs.job], "a gap"),
    "eager": (as_it_is, every("progress", lambda v: [("progress", *v)] * 50), [jobs.progress], "are right"),
    "forgets ids": (
        as_it_is,
        every("fail", lambda v: [("ack", v[0])] if v[1] == "id_taken" else [("fail", *v)]),
        [jobs.repeated_id],
        "fail id_taken is right",
    ),
    "another seed": (every("again", lambda v: [("again", *v[:2], "seed", 9)]), as_it_is, [jobs.again], "is right"),
    "done for cancelled": (as_it_is, every("cancelled", lambda v: [("done", *v)]), [jobs.cancel], "cancelled, path"),
    "tells everybody": (
        every("hello", lambda v: [("hello", *v[:3], "events", "all")]),
        as_it_is,
        [jobs.events],
        "a stranger hears",
    ),
    "hides the pause": (
        as_it_is,
        every("state", lambda v: [("state", *v[: v.index("paused")])] if "paused" in v else [("state", *v)]),
        [jobs.pause],
        "does not say that the queue is paused",
    ),
    "shows too much": (as_it_is, every("found", lambda v: [("found", *v[:2], 0)]), [jobs.history], "entries"),
    "hides bindings": (as_it_is, every("found", lambda v: [("found", v[0], 1, 1)]), [midi.bindings], "with 0 bindings"),
    "learns from nothing": (
        as_it_is,
        every("fail", lambda v: [("midi/binding", v[0], 0, "generate", "note")]),
        [midi.learn],
        "fail no_midi is right",
    ),
    "keeps the transport to itself": (
        as_it_is,
        every("state", lambda v: [("state", *v[: v.index("transport")])] if "transport" in v else [("state", *v)]),
        [midi.transport],
        "the state shows",
    ),
    "too large": (
        as_it_is,
        every("state", lambda v: [("state", *v, "model", "x" * 5000)]),
        [asking.one_answer, replies.sizes],
        "5,",
    ),
    "doubles": (
        as_it_is,
        every("welcome", lambda v: [("welcome", *v[:3], ("d", v[3]))]),
        [asking.hello, replies.types],
        "types ssid",
    ),
    "a reply of its own": (
        as_it_is,
        every("pong", lambda v: [("pong", *v), ("hint", v[0])]),
        [asking.no_answer_to_answers, replies.shapes],
        "no such reply",
    ),
    "half a pair": (
        as_it_is,
        every("state", lambda v: [("state", *v, "model")]),
        [asking.one_answer, replies.shapes],
        "not key, value pairs",
    ),
}
SILENT = {"another id", "numbers are no ids", "no reply port", "nothing large", "loses one of fifty"}  # they are waited for


@pytest.fixture
def wrong_server(daemon) -> Iterator[Callable[[Change, Change], WrongServer]]:
    servers = []

    def start(asked: Change, reported: Change) -> WrongServer:
        servers.append(WrongServer(daemon.port, asked, reported))
        return servers[-1]

    yield start
    for one in servers:
        one.close()


def test_our_daemon_conforms(daemon):
    command = [sys.executable, "-m", "tests.conformance", "127.0.0.1", str(daemon.port), "--patience", "60"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(lines) == len(RULES) + 1 and all(line.startswith("conforms") for line in lines)


def test_our_daemon_conforms_where_it_asks_for_a_token(tmp_path):
    token = "correct horse battery staple"
    daemon = RunningDaemon(tmp_path, token=token)
    asked = [reported for reported, rule in RULES.items() if rule.__module__ in (asking.__name__, packets.__name__)]
    try:
        differs = [words for _, words in check("127.0.0.1", daemon.port, 60.0, asked, token) if words]
        _, without = next(check("127.0.0.1", daemon.port, 60.0, asked))
    finally:
        daemon.stop()
    assert not differs
    assert without.startswith("fail") and token not in without


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported(wrong_server, fault):
    asked, reported, checks, words = FAULTS[fault]
    rules = [next(rule for rule, check in RULES.items() if check is one) for one in checks]
    server = wrong_server(asked, reported)
    *_, (_, differs) = check("127.0.0.1", server.port, 2.0 if fault in SILENT else 60.0, rules)
    assert words in differs


def test_every_rule_differs_where_nobody_answers(capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert main(["127.0.0.1", str(silent.getsockname()[1]), "--patience", "0.05"]) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == len(RULES) and all(line.startswith("differs") for line in lines)
    assert last == f"{len(lines)} of {len(lines)} rules differ"


def test_it_expects_what_the_table_says():
    replies = {spec.short_name(address): message for address, message in spec.REPLIES.items()}
    types = {name: "s" + "".join(field.type for field in message.arguments) for name, message in replies.items()}
    assert types == table.REPLIES
    assert {name for name, message in replies.items() if message.pairs} == table.PAIRS
    assert {code for *_, code in table.REJECTED.values()} <= set(spec.FAIL_CODES)
    figures = (table.PROTOCOL, table.MAX_DATAGRAM, table.LEAST_DATAGRAM, table.MAX_PROGRESS_PER_S)
    assert figures == (spec.PROTOCOL, spec.MAX_DATAGRAM_OUT, spec.LEAST_DATAGRAM_OUT, spec.MAX_PROGRESS_PER_S)
