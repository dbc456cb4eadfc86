"""The live screen, of real daemons and on a real terminal."""

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

from bridge.cli import monitor_view
from bridge.osc.client import Client
from bridge.osc.replies import Done
from tests.bridge.conftest import ROOT, RawClient, RunningDaemon, wait_for


def test_a_snapshot_is_reported_within_any_width():
    job = {"job": "j" * 90, "done_s": 3.0, "total_s": 8.0, "rtf": 0.2, "peaks_db": [-120.0] * 60 + [0.0] * 60}
    queue = [{"position": number, "prompt": f"tune {number}"} for number in range(20)]
    reported = {"state": "busy", "queued": 19, "paused": 1, "job": job, "queue": queue, "peak_db": -3.0, "rms_db": -9.0}
    for width in (20, 40, 120):
        shown = monitor_view.lines(reported, ["12:00:00 asked " + "x" * 90] * 50, width, height=30)
        assert len(shown) == 30 and all(len(line) <= width for line in shown)
    assert " " * 60 + "█" * 60 in shown and "19 waiting, paused" in shown[0]
    assert "      7 tune 7" in shown and "        and 12 more" in shown
    assert not any("█" in line for line in monitor_view.lines(reported, [], 120, blocks=False))


def test_what_is_wrong_is_reported_in_full_and_texts_of_others_on_one_line():
    gone = monitor_view.lines({"state": "gone"}, [], 20)
    assert " ".join(gone) == "no daemon runs: start one with 'inspire serve' waiting for one"
    queue = [{"position": 0, "prompt": "a\n\x1b[2Jb"}]
    down = {"state": "down", "problem": "the model is damaged: get it again", "queue": queue}
    *_, third, fourth, fifth = monitor_view.lines(down, ["東京テクノ " * 9], 20)  # each letter two columns wide
    assert (third, fourth, fifth) == ("        it again", "      0 a  [2Jb", "東京テクノ 東京テク")


def test_a_file_that_is_not_there_has_no_waveform(tmp_path):
    assert monitor_view.peaks_db(None) == monitor_view.peaks_db(str(tmp_path / "gone.wav")) == []


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


def test_the_log_reports_what_happened(start_daemon):
    daemon = start_daemon()
    watch = monitor_view.Watch(daemon.client)

    def logs(*words: str) -> bool:
        watch.look()
        watch.listen(0.05)
        return any(all(word in line for word in words) for line in watch.log)

    wait_for(lambda: logs("daemon", f"process {daemon.process.pid}"))
    with daemon.client() as asking:
        assert asking.hello("Live").id
        events = asking.generate("slow tune", id="first", duration_s=60)
        next(events)
        wait_for(lambda: logs("asked", "slow tune, by Live"))
        asking.cancel("first")
        wait_for(lambda: logs("cancelled", "slow tune"))
        assert isinstance(list(asking.generate("a short one", duration_s=0.5))[-1], Done)
        wait_for(lambda: logs("done", "a-short-one.wav, 0.5 s"))
        list(asking.generate("refuse this", duration_s=0.5))
        wait_for(lambda: logs("failed", "asked to reject"))
        asking.pause()
        wait_for(lambda: logs("queue", "paused"))
        asking.resume()
        wait_for(lambda: logs("queue", "resumed"))
        os.kill(daemon.engine_pid(), signal.SIGKILL)
        wait_for(lambda: logs("engine", "started again"))
        asking.quit()
        wait_for(lambda: logs("daemon", "gone"))
    watch.close()


def test_a_rejected_watcher_goes_on(start_daemon):
    """Its token is wrong: that is reported, and does not end the watching."""
    daemon = start_daemon(token="correct horse battery staple")
    watch = monitor_view.Watch(lambda: Client(daemon.port, token="wrong horse battery staple"))
    for _ in range(2):
        reported = watch.look()
        assert reported["state"] == "unknown" and "token" in reported["problem"]
    assert ["problem" in line for line in watch.log] == [True]
    watch.close()


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
