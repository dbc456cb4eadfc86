"""A port that is taken: who holds it is reported, and another is found where that was asked for."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.cli import checks
from bridge.config.settings import load_settings
from bridge.osc import port_owner
from bridge.osc.spec import DEFAULT_PORT
from tests.bridge.conftest import ROOT, daemon_environment

needs_proc = pytest.mark.skipif(not Path("/proc/net/udp").exists(), reason="needs Linux")


@pytest.fixture(params=[socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])
def held_port(request) -> Iterator[int]:
    """A port that this very process holds, and is silent on."""
    with socket.socket(socket.AF_INET, request.param) as held:
        held.bind(("127.0.0.1", 0))
        if request.param == socket.SOCK_STREAM:
            held.listen()
        yield held.getsockname()[1]


def serve(home: Path, port: object) -> subprocess.CompletedProcess:
    environment = daemon_environment(home, engine="tests.fake_engine:create_engine", audio_device="none", folder=home)
    command = [sys.executable, "-m", "bridge", "serve", "--port", str(port)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250)


@needs_proc
def test_a_program_that_holds_a_port_is_named(held_port):
    assert f"(process {os.getpid()})" in port_owner.describe(held_port)


def test_a_daemon_that_holds_a_port_says_so_itself(daemon):
    reported = port_owner.describe(daemon.port)
    assert reported.startswith("inspire ") and reported.endswith(f"(process {daemon.process.pid})")


def test_a_holder_that_answers_with_something_else_is_not_a_daemon():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", 0))
        threading.Thread(target=lambda: echo.sendto(*echo.recvfrom(65_535)), daemon=True).start()
        assert not port_owner.describe(echo.getsockname()[1]).startswith("inspire ")


def test_a_taken_port_is_a_sentence_with_its_holder(daemon, tmp_path):
    result = serve(tmp_path, daemon.port)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert f"port {daemon.port} is taken by inspire" in result.stderr and f"process {daemon.process.pid}" in result.stderr
    assert "--port" in result.stderr and "auto" in result.stderr


def test_auto_takes_another_and_clients_find_it(start_daemon):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as usual:
        with contextlib.suppress(OSError):  # somebody else holds it: as good
            usual.bind(("127.0.0.1", DEFAULT_PORT))
        daemon = start_daemon(port="auto")
        assert daemon.port != DEFAULT_PORT and f"port {DEFAULT_PORT} is taken by" in daemon.log
        settings = load_settings({}, daemon.environment)
        finding = next(found for found in checks.examine(settings, port_asked=False) if found.check == "port")
        assert finding.ok and finding.fact.startswith(f"{daemon.port}: inspire")
        for arguments in (["ping"], ["status"], ["generate", "tune", "--duration", "0.5", "--no-start"], ["stop"]):
            command = [sys.executable, "-m", "bridge", *arguments]
            found = subprocess.run(command, cwd=ROOT, env=daemon.environment, capture_output=True, text=True, timeout=250)
            assert found.returncode == 0, found.stderr
        assert daemon.process.wait(60) == 0
