"""Completion in real shells on a terminal: keys pressed, the Tab key among them, and the words that the command then gets."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.osc.replies import Chunk
from tests.bridge.conftest import ROOT, RunningDaemon, wait_for
from tests.missing import needs

_COMMAND = """#!/bin/sh
# What it is asked to complete it completes; else it writes its words down.
if [ -n "$_INSPIRE_COMPLETE" ]; then cd "{root}" && exec "{python}" -m bridge "$@"; fi
for word in "$@"; do echo "$word"; done > "$WORDS.part" && mv "$WORDS.part" "$WORDS"
"""
_SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(_INSPIRE_COMPLETE=source_bash inspire)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u; eval "$(_INSPIRE_COMPLETE=source_zsh inspire)"'),
}


class Shell:
    """An interactive shell that knows the command `inspire`."""

    def __init__(self, name: str, folder: Path, daemon: RunningDaemon):
        command, setup = _SHELLS[name]
        script = folder / "bin" / "inspire"
        script.parent.mkdir()
        script.write_text(_COMMAND.format(root=ROOT, python=sys.executable))
        script.chmod(0o755)
        self._words = folder / "words"
        ours = {"PATH": f"{script.parent}:{os.environ['PATH']}", "WORDS": str(self._words), "TERM": "xterm", "HOME": str(folder)}
        self._master, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, cwd=folder, env=daemon.environment | ours | {"INSPIRE_PORT": str(daemon.port)},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.words(setup + "; inspire ready")

    def words(self, keys: str) -> list[str]:
        """What the command gets when these keys are pressed, and Enter."""
        self._words.unlink(missing_ok=True)
        os.write(self._master, keys.encode() + b"\r")
        wait_for(self._words.exists)
        return self._words.read_text().splitlines()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        os.close(self._master)

    def _read(self) -> None:
        """A terminal that nobody reads from would hold the shell up."""
        while self._process.poll() is None:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    os.read(self._master, 65_536)
                except OSError:  # the shell has ended
                    return


@pytest.fixture(scope="module", params=_SHELLS)
def shell(request, tmp_path_factory, daemon) -> Iterator[Shell]:
    needs(request.param, request.param)
    opened = Shell(request.param, tmp_path_factory.mktemp(request.param), daemon)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def running(daemon) -> Iterator[str]:
    """The id of a job, with spaces and parentheses in it."""
    with daemon.client() as client:
        events = client.generate("slow tune", id="take 2 (end)", duration_s=100)
        while not isinstance(next(events), Chunk):
            pass
        yield "take 2 (end)"
        client.cancel("take 2 (end)")
        list(events)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("inspire hist\t", ["history"]),
        ("inspire sketch Smo\t", ["sketch", "Smoky club"]),
        ("inspire sketch Smoky\\ c\t", ["sketch", "Smoky club"]),
        ('inspire sketch "Smoky c\t', ["sketch", "Smoky club"]),
        ("inspire sketch Bos\tn\t", ["sketch", "Bossa nova"]),  # of two, as far as they agree
        ("inspire sketch Smo\tFunk\\ b\t", ["sketch", "Smoky club", "Funk band with brass"]),
        ("inspire generate --preset dark\t", ["generate", "--preset", "dark trap"]),  # which is found in any case
        ("inspire generate --model sk\t", ["generate", "--model", "sketch"]),
        ("inspire generate --preset=smo\t", ["generate", "--preset=smoky club"]),
        ('inspire generate --preset="Smoky c\t', ["generate", "--preset=Smoky club"]),
        ("inspire generate --preset=\tdub\t", ["generate", "--preset=dub techno"]),
    ],
)
def test_names_are_completed(shell, keys, words):
    assert shell.words(keys) == words


@pytest.mark.parametrize("command", ["cancel", "status", "again", "keep", "delete"])
def test_ids_of_jobs_are_completed(shell, running, command):
    assert shell.words(f"inspire {command} tak\t") == [command, running]


def test_without_a_daemon_nothing_is_completed_nor_said(daemon):
    environment = {**daemon.environment, "INSPIRE_STATE_FOLDER": str(daemon.home / "nowhere"), "INSPIRE_PORT": "0"}
    asked = {"_INSPIRE_COMPLETE": "complete_bash", "COMP_WORDS": "inspire\ncancel\nta", "COMP_CWORD": "2"}
    for wrong in ({}, {"INSPIRE_PORT": "seven"}):
        command = [sys.executable, "-m", "bridge"]
        result = subprocess.run(command, cwd=ROOT, env=environment | asked | wrong, capture_output=True, text=True)
        assert (result.stdout.strip(), result.stderr) == ("", "")
