"""`inspire monitor` as a person meets it: one look, the live screen, a dumb terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator

import pytest

from tests.bridge.conftest import ROOT, RawClient, RunningDaemon, wait_for


def test_once_as_json_reports_the_running_job_and_those_that_wait(start_daemon):
    daemon = start_daemon()
    raw = RawClient(daemon.port)
    for id in "ij":
        raw.send("/inspire/generate", id, "slow tune", "duration_s", 60)
    command = [sys.executable, "-m", "bridge", "monitor", "--once", "--json", "--port", str(daemon.port)]

    def look() -> dict | None:
        result = subprocess.run(command, cwd=ROOT, env=daemon.environment, capture_output=True, text=True, check=True)
        reported = json.loads(result.stdout)
        return reported if reported.get("job", {}).get("peaks_db") else None

    reported = wait_for(look)
    assert reported["job"]["job"] == "i" and max(reported["job"]["peaks_db"]) == -20.0  # the fake engine's tone
    assert [(entry["position"], entry["job"]) for entry in reported["queue"]] == [(0, "i"), (1, "j")]
    for id in "ji":
        raw.send("/inspire/cancel", id)
    raw.close()


class Terminal:
    """`inspire monitor` on a terminal of its own."""

    def __init__(self, daemon: RunningDaemon, **environment: str):
        self._ours, self._theirs = pty.openpty()
        self.seen = bytearray()
        self.before = self.modes()
        command = [sys.executable, "-m", "bridge", "monitor", "--port", str(daemon.port)]
        self.process = subprocess.Popen(  # in the background of a script Ctrl-C is off: here it is to work
            command, cwd=ROOT, env={**daemon.environment, "TERM": "xterm", "COLUMNS": "60", "LINES": "24", **environment},
            stdin=self._theirs, stdout=self._theirs, stderr=self._theirs,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def modes(self) -> list:
        return termios.tcgetattr(self._theirs)

    def shows(self, text: str) -> bool:
        """Anywhere on the screen, since the last time it did."""
        while select.select([self._ours], [], [], 0)[0]:
            self.seen.extend(os.read(self._ours, 65_536))
        if text.encode() not in self.seen:
            return False
        self.seen.clear()
        return True

    def press(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def has_ended(self) -> bool:
        self.shows("")  # a terminal that nobody reads from would hold it up
        return self.process.poll() is not None

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_(daemon: RunningDaemon, **environment: str) -> Terminal:
        opened.append(Terminal(daemon, **environment))
        return opened[-1]

    yield open_
    for terminal in opened:
        terminal.close()


def test_on_a_terminal_it_outlives_the_daemon_and_q_ends_it(start_daemon, open_terminal):
    first = start_daemon()
    terminal = open_terminal(first)
    wait_for(lambda: terminal.shows("idle"))
    assert terminal.modes() != terminal.before  # keys need no Enter
    first.stop()
    wait_for(lambda: terminal.shows("no daemon runs"))
    second = start_daemon(port=first.port)
    wait_for(lambda: terminal.shows(f"process {second.process.pid}"))
    with second.client() as client:
        list(client.generate("a short one", duration_s=0.5))
    wait_for(lambda: terminal.shows("done      a-short-one.wav"))
    terminal.press("xq")
    wait_for(terminal.has_ended)
    assert terminal.process.returncode == 0 and terminal.modes() == terminal.before


def test_ctrl_c_ends_it_and_leaves_the_terminal_as_it_was(daemon, open_terminal):
    terminal = open_terminal(daemon)
    wait_for(lambda: terminal.shows("idle"))
    terminal.process.send_signal(signal.SIGINT)
    wait_for(terminal.has_ended)
    assert terminal.process.returncode == 0 and terminal.modes() == terminal.before


def test_a_dumb_terminal_gets_lines(daemon, open_terminal):
    terminal = open_terminal(daemon, TERM="dumb", COLUMNS="20")
    wait_for(lambda: terminal.shows("idle"))
    with daemon.client() as client:
        list(client.generate("a short one", duration_s=0.5))
    wait_for(lambda: terminal.shows("done"))
    assert b"\x1b" not in terminal.seen
    terminal.press("q")
    wait_for(terminal.has_ended)
