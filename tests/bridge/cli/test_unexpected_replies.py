"""A daemon of another version, or none at all, answers with what nobody expects: one sentence, no traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from bridge.osc import codec
from tests.bridge.conftest import ROOT, daemon_environment

Answers = dict[str, list[tuple[str, list]]]  # to each command, by its short name: replies and what follows the id


@pytest.fixture
def odd_daemon() -> Iterator[Callable[[Answers], int]]:
    """Starts a server that pongs, and answers as asked: gives its port."""
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours.bind(("127.0.0.1", 0))
    ours.settimeout(30)

    def serve(answers: Answers) -> None:
        while True:
            try:
                datagram, sender = ours.recvfrom(65_535)
            except OSError:
                return
            address, (id, *_) = codec.decode(datagram)
            for name, values in answers.get(address.removeprefix("/inspire/"), []):
                ours.sendto(codec.encode(f"/inspire/{name}", [id, *values]), sender)

    def start(answers: Answers) -> int:
        threading.Thread(target=serve, args=({"ping": [("pong", ["9.9", 1])]} | answers,), daemon=True).start()
        return ours.getsockname()[1]

    yield start
    ours.close()


@pytest.mark.parametrize(
    ("words", "answers", "reported"),
    [
        (["midi", "learn", "pause"], {"midi/learn": [("ack", []), ("done", ["x.wav", 1.0])]}, "'done'"),
        (["midi", "learn", "pause"], {"midi/learn": [("cancelled", ["", 0.0])]}, "'cancelled'"),
        (["generate", "dub"], {"generate": [("midi/binding", [0, "pause", "note"])]}, "'midi/binding'"),
        (["generate", "dub"], {"generate": [("ack", []), ("done", ["x.wav", 1.0])]}, "1.0 s"),  # without its keys
        (["play", "j"], {"play": [("ack", [])], "status": [("state", ["idle"])]}, "does not state its audio_device"),
        (["keep", "x.wav"], {"status": [("state", ["idle"])]}, "does not state its folder"),
        (["history"], {"history": [("found", [1, 1]), ("entry", [0, "j", "done"])]}, ""),  # without a date
        (["status"], {"status": [("sung", [])]}, "/inspire/sung"),
    ],
)
def test_an_odd_answer_is_one_sentence(odd_daemon, tmp_path, words, answers, reported):
    environment = daemon_environment(tmp_path, port=odd_daemon(answers))
    command = [sys.executable, "-m", "bridge", *words]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in ended.stderr
    assert reported in " ".join(ended.stderr.split())
    expected = 0 if reported in ("", "1.0 s") else 1
    assert ended.returncode == expected or "sung" in reported and ended.returncode == 2, ended.stderr
