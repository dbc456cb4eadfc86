"""Two users of one machine: each finds the own daemon, and another's says whose it is and rejects them.

The second user is a real one: processes that run as nobody, with a home of their own. They may read the checkout, wherever it is.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import user
from bridge.errors import MessageError
from bridge.osc.commands import Ping
from bridge.osc.parsing import parse_command
from tests.bridge.conftest import ROOT, RawClient, RunningDaemon, daemon_environment, wait_for

TOKEN = "correct horse battery staple"
REJECTED = ("status", "stop", "history", "jobs", "cancel j1", "delete j1", "again j1", "pause")


class Stranger:
    """Command lines of nobody."""

    def __init__(self, home: Path):
        self.home = home
        self._as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self._as_nobody += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]

    def run(self, *arguments: str, **settings: object) -> subprocess.CompletedProcess:
        given = {"folder": self.home / "music", "engine": "tests.fake_engine:create_engine", "audio_device": "none", **settings}
        environment = daemon_environment(self.home, **given) | {"HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*self._as_nobody, sys.executable, "-m", "bridge", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def stranger(tmp_path_factory) -> Iterator[Stranger]:
    if not hasattr(os, "getuid") or os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv, to run as another user: install the Debian package util-linux")
    home = tmp_path_factory.mktemp("stranger")
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    for folder in home.parents:
        if folder == Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    yield Stranger(home)


def test_another_users_command_line_is_rejected_and_shown_whose_it_is(start_daemon, stranger):
    daemon: RunningDaemon = start_daemon()
    with daemon.client() as client:
        list(client.generate("secret tune", id="j1", duration_s=0.5))
        for command in REJECTED:
            reported = stranger.run(*command.split(), "--port", str(daemon.port))
            assert reported.returncode != 0 and "secret" not in reported.stdout, command
            assert f"{user.name()}'s (process {daemon.process.pid})" in reported.stderr, (command, reported.stderr)
        reported = stranger.run("generate", "mine", "--port", str(daemon.port))
        assert reported.returncode != 0 and f"{user.name()}'s" in reported.stderr
        found, entries = client.history()
        assert (found.count, entries[0].job) == (1, "j1") and not client.status().pairs["paused"]


def test_who_has_no_daemon_gets_one_of_their_own_on_another_port(start_daemon, stranger):
    daemon: RunningDaemon = start_daemon()
    try:
        made = stranger.run("generate", "mine", "--duration", "0.5", port=daemon.port)
        assert made.returncode == 0, made.stderr
        state = json.loads((stranger.home / "state" / "daemon.json").read_text())
        assert state["port"] != daemon.port
        assert "mine" in stranger.run("history", port=daemon.port).stdout  # it is found again
    finally:
        stopped = stranger.run("stop", port=daemon.port)
    assert stopped.returncode == 0, stopped.stderr
    with daemon.client() as client:
        assert client.history()[0].count == 0
    assert daemon.process.poll() is None


def test_the_right_token_lets_another_user_in_and_a_plain_device_needs_none(start_daemon, stranger):
    guarded = start_daemon(token=TOKEN)
    assert f"{user.name()}'s" in stranger.run("status", "--port", str(guarded.port)).stderr
    assert stranger.run("status", "--port", str(guarded.port), token=TOKEN).returncode == 0
    raw = RawClient(start_daemon().port)
    raw.send("/inspire/ping", "p")
    assert raw.receive().id == "p"
    raw.close()


def test_what_a_command_says_of_its_user():
    assert isinstance(parse_command("/inspire/ping", ["p", "user", user.number()]), Ping)
    for wrong in ("nobody-at-all", "", "-1"):
        with pytest.raises(MessageError, match="this daemon is") as reported:
            parse_command("/inspire/ping", ["p", "user", wrong])
        assert reported.value.code == "other_user"
    assert isinstance(parse_command("/inspire/ping", ["p", "user", "-1", "token", TOKEN], TOKEN), Ping)


def test_what_a_daemon_keeps_is_for_its_user(start_daemon):
    daemon = start_daemon()
    wait_for(lambda: (daemon.home / "state" / "journal.sqlite").exists())
    assert stat.S_IMODE((daemon.home / "state").stat().st_mode) == 0o700 or os.name != "posix"
