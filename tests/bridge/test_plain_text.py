"""Nothing that a terminal would obey gets through: it is rejected, or shown escaped, wherever it comes from."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.log import Lines
from bridge.osc.replies import Done, Fail
from bridge.plain_text import escaped, is_plain
from tests.bridge.conftest import ROOT, RawClient, RunningDaemon
from tests.fake_engine import tone

EVIL = ["\x1b[2J", "a\x1b]0;title\x07", "one\nINFO forged", "\r", "\x9b31m", "\u202egnp.exe", "\u2028", "\x7f", "\x08", "\x00x"]
IDS = [text for text in EVIL if "\x00" not in text]  # OSC text ends there
OBEYED = [chr(n) for n in (*range(9), *range(11, 32), 127, *range(128, 160), 0x202E, 0x2028, 0x2066)]


def bare(text: str) -> None:
    assert not [letter for letter in OBEYED if letter in text], ascii(text)


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_it_is_found_and_escaped(text):
    assert not is_plain(text) and is_plain(escaped(text))
    bare(escaped(text))


def test_the_letters_of_the_world_stay():
    for text in ("dub techno", "Größe", "ドラム\u3000ループ", "Projet\u00a0: été", "مرحبا", "👩\u200d🎤", "\ue000"):
        assert is_plain(text) and escaped(text) == text


def test_a_log_has_no_forged_lines_and_no_escape_codes():
    try:
        raise ValueError("\x1b[2J wrong")
    except ValueError:
        record = logging.LogRecord("bridge", logging.INFO, "f", 1, "clip %s", ("a\nb\x1b[31m",), sys.exc_info())
    text = Lines().format(record)
    bare(text)
    assert "clip a\\nb\\x1b[31m" in text and text.splitlines()[1] == "Traceback (most recent call last):"


@pytest.mark.parametrize("text", IDS, ids=ascii)
def test_ids_names_and_paths_are_rejected(raw, text):
    raw.send("/inspire/ping", text)
    reply = raw.receive()
    assert isinstance(reply, Fail) and (reply.id, reply.code) == ("", "no_id")
    for command in (
        ("hello", "i", text, 1),
        ("generate", "i", "dub", "path", text),
        ("generate", "i", "dub", "preset", text),
        ("generate", "i", "dub", "model", text),
        ("generate", "i", "dub", "key", text),
        ("cancel", "i", "job", text),
        ("preset/save", "i", text, "j"),
        ("preset/bank", "i", text),
        ("ping", "i", text, 1),
    ):
        raw.send(f"/inspire/{command[0]}", *command[1:])
        reply = raw.receive()
        assert isinstance(reply, Fail) and reply.id == "i", command
        bare(reply.message)
    raw.send(f"/inspire/{text}", "i")
    bare(raw.receive().message)


def test_history_jobs_status_and_the_log_show_it_escaped(start_daemon, tmp_path):
    """Prompts and the names of clips may hold it: the file is there."""
    daemon: RunningDaemon = start_daemon()
    clip = tmp_path / "loop\x1b[2J\n.wav"
    try:
        import soundfile

        soundfile.write(tmp_path / "loop.wav", tone(48_000, 48_000), 48_000)
        shutil.copy(tmp_path / "loop.wav", clip)
    except OSError:
        pytest.skip("this file system has no such names")
    raw = RawClient(daemon.port)
    raw.send("/inspire/hello", "h", "Live", 1)
    raw.receive()
    raw.send("/inspire/generate", "j1", "dub\x1b[31m\ntechno", "duration_s", 0.5)
    assert isinstance(raw.until_end()[-1], Done)
    raw.send("/inspire/continue", "j2", str(clip), "duration_s", 0.5)
    end = raw.until_end()[-1]
    assert isinstance(end, Done) and is_plain(Path(end.path).name), end
    raw.close()
    for command in ("history", "jobs", "status", "status j2", "again j1", "continue"):
        words = command.split() if command != "continue" else ["continue", str(clip), "--duration", "0.5"]
        reported = subprocess.run(
            [sys.executable, "-m", "bridge", *words], cwd=ROOT, env=daemon.environment | {"INSPIRE_PORT": str(daemon.port)},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert reported.returncode == 0, reported.stderr
        bare(reported.stdout + reported.stderr)
    bare(daemon.log)
    assert all(line[:2] == "20" for line in daemon.log.splitlines()), daemon.log
    assert os.path.exists(clip)
