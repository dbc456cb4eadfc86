"""Finding the daemon, or starting one; one of another version that answers with what nobody expects is one sentence."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from bridge.cli import connection
from bridge.osc import codec
from bridge.osc.replies import State
from tests.bridge.cli.conftest import Inspire
from tests.bridge.conftest import ROOT, daemon_environment, wait_for

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


# ---- a daemon that is found, started, or not there


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of a person whose daemon listens on a free port; what was started is ended."""
    folder = tmp_path_factory.mktemp("home")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = {"engine": "tests.fake_engine:create_engine", "audio_device": "none", "folder": folder / "music", "port": port}
    environment = daemon_environment(folder, **ours)
    yield environment
    subprocess.run([sys.executable, "-m", "bridge", "stop"], cwd=ROOT, env=environment, capture_output=True, timeout=30)


@pytest.fixture
def inspire(home) -> Inspire:
    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "bridge", *arguments]
        return subprocess.run(command, cwd=ROOT, env={**home, **extra}, capture_output=True, text=True, timeout=60)

    return run


def test_without_a_daemon_asking_says_so(inspire):
    for command in (["status"], ["jobs"], ["ping"], ["cancel"], ["stop"], ["generate", "tune", "--no-start"]):
        result = inspire(*command)
        assert result.returncode == 3 and "inspire serve" in result.stderr, command


def test_generate_starts_a_daemon_and_says_so(inspire, home):
    result = inspire("generate", "dub techno", "--duration", "1", "--seed", "7", "--no-play")
    assert result.returncode == 0, result.stderr
    assert "starting one on port" in result.stderr and "inspire stop" in result.stderr
    assert "0.2 s on disk" in result.stderr and "seed 7" in result.stderr  # a line a chunk: this is no terminal
    path = Path(result.stdout.strip())
    assert path == Path(home["INSPIRE_FOLDER"]) / "dub-techno.wav" and soundfile.info(path).duration == 1
    again = inspire("generate", "dub techno", "--duration", "1", "--json")
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert "starting" not in again.stderr
    assert (events[0]["event"], events[-1]["event"]) == ("ack", "done")
    assert events[-1]["path"].endswith("dub-techno-2.wav")


def test_a_new_daemon_with_a_job_of_the_last_one_is_shown_with_its_model(capfd):
    class Starting:
        """Its states in turn, as they come when it has such a job."""

        left = [
            ("starting", {}), ("busy", {"audio_device": "none"}),
            ("busy", {"model": "sketch", "engine_device": "CPU", "audio_device": "none"}),
        ]  # fmt: skip

        def status(self) -> State:
            return State("s", *self.left.pop(0))

    connection._wait_for_model(Starting(), quiet=False)
    assert capfd.readouterr().err.splitlines() == ["loading the model …", "model sketch on CPU sound: none"]


def test_stop_ends_the_daemon(inspire, home):
    assert inspire("stop").returncode == 0
    state = Path(home["INSPIRE_STATE_FOLDER"]) / "daemon.json"
    wait_for(lambda: not state.exists())
    assert inspire("ping").returncode == 3


def test_a_daemon_that_cannot_start_says_why(inspire):
    result = inspire("generate", "tune", INSPIRE_PREBUFFER_S="-1")
    assert result.returncode == 2 and "prebuffer_s" in result.stderr
