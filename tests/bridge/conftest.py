"""Real daemons in processes of their own, with the fake engine, folders of their own and a free port."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import mido
import mido.sockets
import pytest

from bridge.osc import codec
from bridge.osc.client import Client
from bridge.osc.replies import Cancelled, Chunk, Done, Fail, Reply, decode_reply
from tests.jack import ENVIRONMENT, JackServer
from tests.missing import needs_jack

ROOT = Path(__file__).parents[2]


class RunningDaemon:
    """One `inspire serve`. Everything it writes is under `home`."""

    def __init__(self, home: Path, **settings: object):
        self.home = home
        self.folder = Path(str(settings.setdefault("folder", home / "music")))
        settings = {"engine": "tests.fake_engine:create_engine", "audio_device": "none", "port": 0, **settings}
        self.state_file = Path(str(settings.get("state_folder", home / "state"))) / "daemon.json"
        self.environment = daemon_environment(home, **settings)
        self.log_file = home / "daemon.log"
        home.mkdir(parents=True, exist_ok=True)
        with open(self.log_file, "wb") as log:
            command = [sys.executable, "-m", "bridge", "serve"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        state = wait_for(lambda: self.state_file.exists() or self.process.poll() is not None) and self.state_file
        assert state.exists(), self.log
        self.port = json.loads(state.read_text())["port"]

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def client(self) -> Client:
        return Client(self.port)

    def engine_pid(self) -> int:
        with self.client() as client:
            return wait_for(lambda: client.status().pairs.get("engine_pid"))

    def serves_on(self) -> bool:
        """A whole job still works."""
        with self.client() as client:
            return isinstance(list(client.generate("still there", duration_s=0.5))[-1], Done)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class RawClient:
    """A bare UDP socket: sends any bytes, reads what comes back."""

    def __init__(self, port: int):
        self._daemon = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 2**20)  # or what the system allows
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def send(self, address: str, *arguments: int | float | str) -> None:
        self.send_bytes(codec.encode(address, list(arguments)))

    def send_bytes(self, datagram: bytes) -> None:
        self._socket.sendto(datagram, self._daemon)

    def receive(self, timeout_s: float = 60.0) -> Reply | None:
        self._socket.settimeout(timeout_s)
        try:
            datagram = self._socket.recv(65_535)
        except TimeoutError:
            return None
        return decode_reply(*codec.decode(datagram))

    def until_end(self) -> list[Reply]:
        replies = []
        while not replies or not isinstance(replies[-1], Done | Fail | Cancelled):
            reply = self.receive()
            assert reply is not None, f"no end after {replies}"
            replies.append(reply)
        return replies

    def close(self) -> None:
        self._socket.close()


def daemon_environment(home: Path, **settings: object) -> dict[str, str]:
    """The environment of a process that is to see only these settings."""
    settings = {"state_folder": home / "state", "log_folder": home / "log", **settings}
    ours = {f"INSPIRE_{name.upper()}": str(value) for name, value in settings.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("INSPIRE_")}
    return {**inherited, "INSPIRE_SETTINGS": str(home / "settings.toml"), **ours}


def wait_for(condition: Callable[[], object], patience_s: float = 60.0):
    """The first true value of `condition`. Fails when it stays false: a limit, not a measurement."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@contextlib.contextmanager
def serving(home: Path, **settings: object) -> Iterator[RunningDaemon]:
    """A daemon that tests share. No fault of its own is in its log at the end."""
    daemon = RunningDaemon(home, **settings)
    yield daemon
    daemon.stop()
    assert "Traceback" not in daemon.log, daemon.log


@contextlib.contextmanager
def socket_port(daemon: RunningDaemon) -> Iterator[mido.sockets.SocketPort]:
    """A port into a daemon whose midi_in is a socket."""
    port = wait_for(lambda: re.search(r"MIDI comes from socket:127\.0\.0\.1:(\d+)", daemon.log))
    with mido.sockets.connect("127.0.0.1", int(port[1])) as connected, connected._rfile, connected._wfile:  # mido forgets these
        yield connected


def until_chunk(events: Iterable[Reply], index: int) -> Chunk:
    """Reads a job's events up to this chunk."""
    for event in events:
        assert not isinstance(event, Fail), event
        if isinstance(event, Chunk) and event.index == index:
            return event
    raise AssertionError("no such chunk")


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory) -> Iterator[RunningDaemon]:
    """One daemon for a whole test file, for tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("daemon")) as running:
        yield running


@pytest.fixture
def start_daemon(tmp_path) -> Iterator[Callable[..., RunningDaemon]]:
    """Starts daemons that a test may ruin."""
    running: list[RunningDaemon] = []

    def start(**settings: object) -> RunningDaemon:
        running.append(RunningDaemon(tmp_path / f"daemon{len(running)}", **settings))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture(scope="module")
def learner(tmp_path_factory) -> Iterator[RunningDaemon]:
    """A daemon that learns MIDI bindings, for a whole test file."""
    with serving(tmp_path_factory.mktemp("learner"), midi_in="socket:127.0.0.1:0") as daemon:
        yield daemon


@pytest.fixture
def midi_port(learner) -> Iterator[mido.ports.BaseOutput]:
    """Into `learner`, which has forgotten afterwards what it learnt."""
    with socket_port(learner) as port:
        yield port
    (learner.home / "settings.toml").unlink(missing_ok=True)


@pytest.fixture
def jack_server(tmp_path, monkeypatch) -> Iterator[JackServer]:
    """Not started."""
    needs_jack()
    server = JackServer(f"inspire-{os.getpid()}-{tmp_path.name[-12:]}", tmp_path / "jack.log")
    for name, value in {**ENVIRONMENT, "JACK_DEFAULT_SERVER": server.name}.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


@pytest.fixture
def raw(daemon) -> Iterator[RawClient]:
    client = RawClient(daemon.port)
    yield client
    client.close()
