"""Daemons that end and come again: jobs that wait outlive them, each home has one daemon, nothing is reported twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from bridge.osc.replies import Ack, Cancelled, Done, Fail, Queued
from tests.bridge.conftest import ROOT, RawClient, RunningDaemon, daemon_environment, until_chunk, wait_for

WAITING = ("first", "second", "third")


def leave_jobs(daemon: RunningDaemon, how: str) -> None:
    """One runs and three wait when the daemon ends."""
    raw = RawClient(daemon.port)
    raw.send("/inspire/generate", "runs", "slow tune", "duration_s", 60, "play", 1)
    while not hasattr(raw.receive(), "start_s"):
        pass
    for number, id in enumerate(WAITING):
        raw.send("/inspire/generate", id, f"tune {number}", "duration_s", 0.5, "seed", number, "play", 1, "path", id)
        while raw.receive() != Ack(id):
            pass
    match how:
        case "kill -9":
            daemon.process.kill()
        case "a crash":
            daemon.process.send_signal(signal.SIGABRT)
        case "SIGTERM":
            daemon.process.send_signal(signal.SIGTERM)
        case "stop":
            raw.send("/inspire/quit", "q")
        case "stop --drop":
            raw.send("/inspire/quit", "q", "drop", 1)
    daemon.process.wait(30)
    raw.close()


def age(daemon: RunningDaemon, seconds: float) -> None:
    """As if the daemon had ended so long ago."""
    db = sqlite3.connect(daemon.state_file.parent / "journal.sqlite")
    db.execute("UPDATE queue SET seen = seen - ?", (seconds,))
    db.execute("UPDATE jobs SET created = strftime('%Y-%m-%dT%H:%M:%S+00:00', created, ?)", (f"-{seconds} seconds",))
    db.commit()
    db.close()
    daemon.state_file.unlink(missing_ok=True)


def states(daemon: RunningDaemon) -> dict[str, str]:
    with daemon.client() as client:
        return {entry.job: entry.state for entry in client.history(limit=100)[1]}


@pytest.mark.parametrize("how", ["kill -9", "a crash", "SIGTERM", "stop"])
def test_jobs_that_wait_outlive_the_daemon(tmp_path, how):
    first = RunningDaemon(tmp_path / "home")
    try:
        leave_jobs(first, how)
        age(first, 500)
        second = RunningDaemon(tmp_path / "home")
        try:
            all_done = {"runs": "interrupted"} | dict.fromkeys(WAITING, "done")
            wait_for(lambda: states(second) == all_done)
            for number, id in enumerate(WAITING):
                reported = json.loads((second.folder / f"{id}.json").read_text())
                assert (reported["state"], reported["request"]["seed"]) == ("done", number)
            part = next(second.folder.glob("slow-tune*.wav"))
            assert soundfile.info(part).frames and json.loads(part.with_suffix(".json").read_text())["state"] == "interrupted"
            raw = RawClient(second.port)  # its client asks again, as it had no end: and gets the one there is
            raw.send("/inspire/generate", "third", "tune 2", "duration_s", 0.5, "seed", 2, "play", 1, "path", "third")
            ack, end = raw.until_end()
            raw.close()
            assert ack == Ack("third") and isinstance(end, Done) and end.path == str(second.folder / "third.wav")
            assert len(list(second.folder.glob("*.wav"))) == 4
        finally:
            second.stop()
        third = RunningDaemon(tmp_path / "home")  # and nothing runs once more
        try:
            assert states(third) == all_done and third.serves_on()
            assert len(list(third.folder.glob("third*.wav"))) == 1
        finally:
            third.stop()
    finally:
        first.stop()


def test_jobs_that_waited_long_wait_for_resume(tmp_path):
    first = RunningDaemon(tmp_path / "home")
    try:
        leave_jobs(first, "kill -9")
        age(first, 700)
        for _ in range(2):  # also the daemon after the next
            second = RunningDaemon(tmp_path / "home")
            raw = RawClient(second.port)
            try:
                raw.send("/inspire/status", "s")
                state = raw.receive()
                assert (state.state in ("idle", "starting"), state.pairs["queued"], state.pairs["paused"]) == (True, 3, 1)
                raw.send("/inspire/generate", "first", "tune 0", "duration_s", 0.5, "seed", 0, "play", 1, "path", "first")
                assert raw.receive() == Ack("first") and raw.receive() == Queued("first", 0, {"paused": 1})
            finally:
                raw.close()
                last = second
                if _ == 0:
                    second.stop()
        with last.client() as client:
            client.resume()
        wait_for(lambda: [states(last)[id] for id in WAITING] == ["done"] * 3)
        last.stop()
    finally:
        first.stop()


def test_stop_with_drop_forgets_them(tmp_path):
    first = RunningDaemon(tmp_path / "home")
    try:
        leave_jobs(first, "stop --drop")
        second = RunningDaemon(tmp_path / "home")
        try:
            assert states(second) == {"runs": "interrupted"} | dict.fromkeys(WAITING, "cancelled")
            with second.client() as client:
                assert client.status().pairs["queued"] == 0
        finally:
            second.stop()
    finally:
        first.stop()


def test_a_preset_and_a_clock_are_not_asked_again(tmp_path):
    """A draft was completed when it came: a client that repeats it gets the same job, whatever its preset is by now."""
    first = RunningDaemon(tmp_path / "home")
    raw = RawClient(first.port)
    try:
        raw.send("/inspire/pause", "p")
        raw.receive()
        raw.send("/inspire/sketch", "draft", "tune", "duration_s", 0.5, "variations", 2)
        assert raw.receive() == Ack("draft")
        first.stop()
        second = RunningDaemon(tmp_path / "home")
        again = RawClient(second.port)
        try:
            again.send("/inspire/sketch", "draft", "tune", "duration_s", 0.5, "variations", 2)
            assert again.receive() == Ack("draft") and isinstance(again.receive(), Queued)
            again.send("/inspire/cancel", "draft")
            assert isinstance(again.until_end()[-1], Cancelled)
        finally:
            again.close()
            second.stop()
    finally:
        raw.close()
        first.stop()


def test_who_waits_on_the_command_line_is_informed(tmp_path, start_daemon):
    daemon = start_daemon()
    with daemon.client() as client:
        until_chunk(client.generate("slow tune", duration_s=60), 0)
        environment = daemon.environment | {"INSPIRE_PORT": str(daemon.port)}
        command = [sys.executable, "-m", "bridge", "generate", "tune", "--no-start"]
        waits = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: client.status().pairs["queued"] == 1)
        assert client.quit() and daemon.process.wait(30) == 0
    reported = waits.communicate(timeout=30)
    assert waits.returncode == 3 and "waits for the next one" in reported[1], reported


def serve(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "bridge", "serve", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("port", ["0", "auto"])
def test_a_second_daemon_of_a_home_says_so_and_ends(start_daemon, port):
    daemon = start_daemon()
    with daemon.client() as client:
        until_chunk(events := client.generate("slow tune", id="j", duration_s=8), 0)
        before = daemon.state_file.read_bytes()
        second = serve(daemon.environment, "--port", port)
        assert second.returncode == 2 and "Traceback" not in second.stderr
        line = second.stderr.strip().splitlines()[-1]
        assert "another daemon" in line and str(daemon.state_file.parent) in line and "--home" in line
        assert daemon.state_file.read_bytes() == before
        assert isinstance(list(events)[-1], Done)
        assert client.history()[1][0].job == "j"


def test_with_a_home_of_its_own_it_serves_beside_the_first(start_daemon, tmp_path):
    daemon = start_daemon()
    home = tmp_path / "second home"
    environment = {name: value for name, value in daemon_environment(daemon.home).items() if "_FOLDER" not in name}
    environment |= {"INSPIRE_ENGINE": "tests.fake_engine:create_engine", "INSPIRE_AUDIO_DEVICE": "none"}
    environment |= {"HOME": str(tmp_path), "INSPIRE_FOLDER": str(daemon.folder), "XDG_STATE_HOME": str(daemon.home)}
    command = [sys.executable, "-m", "bridge", "serve", "--home", str(home), "--port", "0"]
    second = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for((home / "state" / "daemon.json").exists)
        inspire = [sys.executable, "-m", "bridge", "--home", str(home)]
        made = subprocess.run([*inspire, "generate", "tune", "--no-start", "--duration", "0.5"], cwd=ROOT, env=environment,
                              capture_output=True, text=True, timeout=60)  # fmt: skip
        assert made.returncode == 0 and Path(made.stdout.strip()).parent == daemon.folder
        assert states(daemon) == {} and daemon.serves_on()
        assert subprocess.run([*inspire, "stop"], cwd=ROOT, env=environment, timeout=60).returncode == 0
        assert second.wait(30) == 0
        assert daemon.state_file.exists() and daemon.serves_on()
    finally:
        if second.poll() is None:
            os.kill(second.pid, signal.SIGTERM)
            second.wait(30)


def test_nothing_that_was_left_is_played_unasked(tmp_path, jack_server):
    jack_server.start(48_000)
    home = tmp_path / "home"
    first = RunningDaemon(home, audio_device="system, JACK")
    try:
        leave_jobs(first, "kill -9")
        age(first, 0)
        second = RunningDaemon(home, audio_device="system, JACK")
        try:
            with second.client() as client:
                wait_for(lambda: client.status().pairs["audio_device"].startswith("system"))
                while client.status().pairs["queued"] or client.status().state == "busy":
                    assert client.status().pairs["playing"] == 0
                    time.sleep(0.05)
                assert client.status().pairs["playing"] == 0
                end = list(client.generate("tune", duration_s=0.5, play=1))[-1]  # what is asked for now is heard
                assert isinstance(end, Done) and not isinstance(end, Fail)
                wait_for(lambda: client.status().pairs["playing"] == 0)
        finally:
            second.stop()
    finally:
        first.stop()
