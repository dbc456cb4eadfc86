"""Disks that are really full, folders that go away: what was announced stays playable, the next job runs."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile

from bridge.osc.replies import Chunk, Done, Fail
from tests.bridge.conftest import ROOT, RawClient, daemon_environment, until_chunk


def test_a_taken_port_is_one_clear_error(start_daemon, tmp_path):
    daemon = start_daemon()
    environment = daemon_environment(daemon.home, engine="tests.fake_engine:create_engine", audio_device="none")
    command = [sys.executable, "-m", "bridge", "serve", "--port", str(daemon.port)]
    second = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)
    assert second.returncode == 2
    (line,) = second.stderr.strip().splitlines()
    assert f"port {daemon.port} is taken" in line and f"process {daemon.process.pid}" in line and "--port" in line
    assert daemon.state_file.exists() and daemon.serves_on()


@contextmanager
def mounted(folder: Path, options: str):
    """A file system of its own at `folder`; needs a privileged user."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_job_and_keeps_what_fits(start_daemon, tmp_path):
    with mounted(tmp_path / "small", "size=256k") as folder:
        daemon = start_daemon(folder=folder)
        raw = RawClient(daemon.port)
        raw.send("/inspire/generate", "big", "tune", "duration_s", 30)
        end = raw.until_end()[-1]
        raw.close()
        assert end.code == "output" and "disk is full" in end.message
        kept = end.pairs["path"]
        assert soundfile.info(kept).duration == pytest.approx(end.pairs["duration_s"]) and end.pairs["duration_s"] >= 0.5
        Path(kept).unlink()
        assert daemon.serves_on()


def test_a_disk_that_has_no_room_for_another_variation_is_left_without_a_file_of_it(start_daemon, tmp_path):
    with mounted(tmp_path / "small", "size=68k") as folder:
        daemon = start_daemon(folder=folder)
        with daemon.client() as client:
            end = list(client.generate("big tune", duration_s=5, variations=8))[-1]
        assert isinstance(end, Fail) and "disk is full" in end.message
        assert [file for file in folder.iterdir() if not file.stat().st_size] == []


def client_state(daemon, job: str) -> str:
    with daemon.client() as client:
        return client.history()[1][0].state if client.history()[1][0].job == job else ""


def test_a_disk_that_is_full_at_the_end_leaves_no_job_running(start_daemon, tmp_path):
    """Full after the last chunk: the tags are left out, the sidecar is written into the room it has."""
    with mounted(tmp_path / "small", "size=512k") as folder:
        daemon = start_daemon(folder=folder)
        with daemon.client() as client:
            events = client.generate("hiccup tune", id="j", duration_s=2.25)
            path = Path(until_chunk(events, 7).path)  # the last one comes three seconds later
            last = 12_000 * 3
            pages = -(-(path.stat().st_size + last) // 4096) - -(-path.stat().st_size // 4096)
            with open(folder / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
                while True:
                    ballast.write(bytes(4096))
            os.truncate(folder / "ballast", (folder / "ballast").stat().st_size // 4096 * 4096 - pages * 4096)
            end = list(events)[-1]
        reported = json.loads(path.with_suffix(".json").read_text())
        assert end.code == "output" and "disk is full" in end.message
        assert (reported["id"], reported["state"], reported["failure"]["code"]) == ("j", "failed", "output")
        assert end.pairs["duration_s"] == 2.25 and client_state(daemon, "j") == "failed"
        assert soundfile.info(end.pairs["path"]).duration == pytest.approx(end.pairs["duration_s"])
    assert "Traceback" not in daemon.log


def test_a_read_only_folder_fails_the_job(start_daemon, tmp_path):
    with mounted(tmp_path / "fixed", "ro") as folder:
        daemon = start_daemon(folder=folder)
        with daemon.client() as client:
            events = list(client.generate("tune", duration_s=1))
            assert events[-1].code == "output" and "read-only" in events[-1].message
            assert not [e for e in events if isinstance(e, Chunk)]
            assert client.ping().version


def test_a_folder_that_goes_away_and_comes_back(start_daemon):
    daemon = start_daemon()
    with daemon.client() as client:
        assert isinstance(list(client.generate("tune", duration_s=0.5))[-1], Done)
        for file in daemon.folder.iterdir():
            file.unlink()
        daemon.folder.rmdir()
        assert isinstance(list(client.generate("tune", duration_s=0.5))[-1], Done)


def test_a_result_deleted_while_it_is_made_fails_its_job_only(start_daemon):
    daemon = start_daemon()
    with daemon.client() as client:
        events = client.generate("slow tune", duration_s=2)
        Path(until_chunk(events, 2).path).unlink()
        end = list(events)[-1]
        assert isinstance(end, Fail) and end.code == "output" and "deleted" in end.message
        assert end.pairs == {} and list(daemon.folder.iterdir()) == []  # nothing is promised, nothing is left
    assert daemon.serves_on()


def test_a_full_disk_under_the_journal_costs_no_job_and_the_history_until_there_is_room(start_daemon, tmp_path):
    with mounted(tmp_path / "small", "size=256k") as state:
        daemon = start_daemon(state_folder=state, folder=tmp_path / "music")
        assert daemon.serves_on()
        with open(state / "ballast", "wb", buffering=0) as ballast, pytest.raises(OSError, match="No space"):
            while True:
                ballast.write(bytes(4096))
        with daemon.client() as client:
            for _ in range(30):
                assert isinstance(list(client.generate("tune", duration_s=0.5))[-1], Done)
            assert "journal misses something" in daemon.log
            (state / "ballast").unlink()
            assert isinstance(list(client.generate("tune", id="after", duration_s=0.5))[-1], Done)
            found, (newest, *_) = client.history()
            assert (newest.job, newest.state, found.count) == ("after", "done", 32)
            assert client.history(state="done")[0].count == 32
