"""Who serves a mailbox: a file that changes while its daemon lives; another takes over only when it no longer does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.mailbox.heartbeat import BEAT_S, FILE, GONE_S, IDLE_S, Heartbeat, replace_file


def beat(folder: Path) -> int:
    return json.loads((folder / FILE).read_text())["beat"]


def written(folder: Path, **content: object) -> None:
    (folder / FILE).write_text(json.dumps(content))


def test_it_beats_each_second_while_a_client_is_about_and_less_else(tmp_path):
    heart = Heartbeat(tmp_path, {"port": 7770})
    assert heart.serves(True, 100.0) and beat(tmp_path) == 1
    assert heart.serves(True, 100.0 + BEAT_S / 2) and beat(tmp_path) == 1
    assert heart.serves(False, 100.0 + BEAT_S) and beat(tmp_path) == 2
    assert heart.serves(False, 100.0 + BEAT_S + IDLE_S / 2) and beat(tmp_path) == 2
    assert heart.serves(False, 100.0 + BEAT_S + IDLE_S) and beat(tmp_path) == 3
    content = json.loads((tmp_path / FILE).read_text())
    assert (content["pid"], content["port"]) == (os.getpid(), 7770) and [file.name for file in tmp_path.iterdir()] == [FILE]


@pytest.fixture
def other() -> int:
    """The process id of somebody who lives."""
    return os.getppid()


def test_another_daemon_that_beats_is_left_alone(tmp_path, other):
    heart = Heartbeat(tmp_path, {})
    for second in range(0, 5 * round(GONE_S), 5):
        written(tmp_path, pid=other, beat=second, started=1.0)
        assert not heart.serves(False, 100.0 + second)
    heart.end()
    assert (tmp_path / FILE).exists()


def test_one_that_stands_still_is_followed(tmp_path, other):
    heart = Heartbeat(tmp_path, {})
    written(tmp_path, pid=other, beat=3, started=1.0)
    assert not heart.serves(False, 100.0) and not heart.serves(False, 100.0 + GONE_S / 2)
    assert heart.serves(False, 100.0 + GONE_S) and json.loads((tmp_path / FILE).read_text())["pid"] == os.getpid()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nobody can ask without harm whether a process lives")
def test_one_that_is_dead_is_followed_at_once(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    written(tmp_path, pid=gone.pid, beat=3, started=1.0)
    assert Heartbeat(tmp_path, {}).serves(False, 100.0)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"pid": "me"}', '{"pid": -1}'])
def test_a_damaged_file_is_as_good_as_none(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    assert Heartbeat(tmp_path, {}).serves(False, 100.0) and beat(tmp_path) == 1


def test_of_two_that_began_at_once_the_older_one_serves(tmp_path, other):
    heart = Heartbeat(tmp_path, {})
    assert heart.serves(False, 100.0)
    written(tmp_path, pid=other, beat=1, started=2e10)  # it began later
    assert heart.serves(False, 100.0 + IDLE_S)
    written(tmp_path, pid=other, beat=1, started=1.0)
    assert not heart.serves(False, 100.0 + 2 * IDLE_S)


def test_its_end_takes_the_file_away_once(tmp_path):
    heart = Heartbeat(tmp_path, {})
    heart.serves(False, 100.0)
    heart.end()
    heart.end()
    assert not [*tmp_path.iterdir()]


def test_nobody_reads_half_a_file(tmp_path):
    (tmp_path / "x").write_text("before")
    replace_file(tmp_path / "x", b"after")
    assert (tmp_path / "x").read_bytes() == b"after" and len([*tmp_path.iterdir()]) == 1
    with pytest.raises(OSError):
        replace_file(tmp_path / "nowhere" / "x", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        replace_file(tmp_path / "folder", b"")
    assert {one.name for one in tmp_path.iterdir()} == {"x", "folder"}  # nor is a part left
