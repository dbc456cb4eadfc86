"""The client that waits: what is lost is asked for again, answers are told apart by their ids, and nobody there is an error."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.errors import MessageError, NoDaemon
from bridge.osc import client as client_module
from bridge.osc import codec
from bridge.osc.client import Client, new_id
from bridge.osc.replies import Ack, Chunk, Done, Entry, Fail, Found, Pong, Queued, Reply, encode_reply

Answer = Callable[[str, str, list[Any]], list[Reply]]  # of a command's short name, id and other arguments


@pytest.fixture
def served(monkeypatch) -> Iterator[Callable[[Answer], Client]]:
    """A client of a daemon that answers as the test says. It is asked again after a tenth of a second."""
    monkeypatch.setattr(client_module, "_RESEND_S", 0.1)
    monkeypatch.setattr(client_module, "_QUIET_S", 0.1)
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.bind(("127.0.0.1", 0))
    daemon.settimeout(30)
    clients: list[Client] = []

    def serve(answer: Answer) -> None:
        while True:
            datagram, sender = daemon.recvfrom(65_535)
            if not datagram:
                return
            address, (id, *arguments) = codec.decode(datagram)
            for reply in answer(address.removeprefix("/inspire/"), id, arguments):
                daemon.sendto(codec.encode(*encode_reply(reply)), sender)

    def start(answer: Answer) -> Client:
        thread.append(threading.Thread(target=serve, args=(answer,), daemon=True))
        thread[0].start()
        clients.append(Client(daemon.getsockname()[1], patience_s=5.0, token="secret"))
        return clients[0]

    thread: list[threading.Thread] = []
    yield start
    for client in clients:
        client.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.sendto(b"", daemon.getsockname())
    thread[0].join(30)
    daemon.close()


def test_a_lost_answer_is_asked_for_again_under_the_same_id(served):
    asked: list[str] = []

    def answer(name: str, id: str, arguments: list[Any]) -> list[Reply]:
        asked.append(id)
        return [Pong(id, "9", 1)] if len(asked) == 3 else []

    assert isinstance(served(answer).ping(), Pong) and len(asked) == 3 and len(set(asked)) == 1


def test_every_command_brings_token_and_user_and_a_wrong_key_is_never_sent(served):
    seen: list[list[Any]] = []

    def answer(name: str, id: str, arguments: list[Any]) -> list[Reply]:
        seen.append(arguments)
        return [Ack(id)]

    client = served(answer)
    assert isinstance(client.keep("j", False), Ack)
    pairs = dict(zip(seen[0][1::2], seen[0][2::2], strict=True))
    assert seen[0][0] == "j" and pairs["keep"] == 0 and pairs["token"] == "secret" and "user" in pairs
    with pytest.raises(MessageError, match="tempo"):
        next(client.generate("dub", tempo=120))
    assert len(seen) == 1


def test_answers_to_others_wait_until_they_are_asked_for(served):
    def answer(name: str, id: str, arguments: list[Any]) -> list[Reply]:
        return [Ack("other"), Fail(id, "no_such_job", "no job")]

    client = served(answer)
    reply = client.cancel("j")
    assert isinstance(reply, Fail) and client.receive("nobody", 0.01) is None
    assert client.receive("other", 0.01) == Ack("other") and client.receive(None, 0.01) is None


def test_a_jobs_lost_end_is_asked_for_again(served):
    asked: list[str] = []

    def answer(name: str, id: str, arguments: list[Any]) -> list[Reply]:
        asked.append(id)
        return [Ack(id), Chunk(id, 0, 0.0, 0.5, "x.wav")] if len(asked) == 1 else [Ack(id), Done(id, "x.wav", 0.5)]

    *_, end = replies = list(served(answer).generate("dub", id="j"))
    assert end == Done("j", "x.wav", 0.5) and isinstance(replies[1], Chunk) and asked == ["j", "j"]


def test_a_job_that_the_next_daemon_will_have_is_not_waited_for(served):
    def answer(name: str, id: str, arguments: list[Any]) -> list[Reply]:
        return [Ack(id), Queued(id, 0, {"later": 1})]

    assert list(served(answer).generate("dub"))[-1].pairs == {"later": 1}


def test_a_list_that_lost_an_entry_is_asked_for_anew_and_is_in_order(served):
    asked = 0

    def answer(name: str, id: str, arguments: list[Any]) -> list[Reply]:
        nonlocal asked
        asked += 1
        entries = [Entry(id, index, f"j{index}", "done") for index in (2, 0, 1)]
        return [Found(id, 3, 3), *(entries[:2] if asked == 1 else entries)]

    found, entries = served(answer).history(words="dub")
    assert found.count == 3 and [entry.job for entry in entries] == ["j0", "j1", "j2"] and asked == 2


def test_nobody_there_is_an_error_that_says_what_to_do():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with Client(port, patience_s=0.05) as client, pytest.raises(NoDaemon, match=f"port {port} does not answer"):
            client.ping()
    with Client(port) as client, pytest.raises(NoDaemon, match="inspire serve"):
        client.ping()


def test_ids_are_new_each_time():
    assert len({new_id() for _ in range(1000)}) == 1000
