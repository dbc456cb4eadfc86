"""Commands that make music, as a person meets them: what is shown, where results land, how a job is stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import soundfile

from bridge.osc.client import Client
from bridge.osc.replies import Cancelled, Chunk
from tests.bridge.conftest import ROOT


def test_it_reports_how_a_result_keeps_its_grid(inspire_here, daemon):
    result = inspire_here("generate", "rolled tune", "--bars", "1", "--bpm", "124", "--loop", "--seed", "7", "--no-play")
    assert result.returncode == 0 and "124.00 bpm, downbeat +3 ms after 2 takes, seed 8" in result.stderr
    reported = json.loads(Path(result.stdout.strip()).with_suffix(".json").read_text())
    assert (reported["request"]["loop"], reported["request"]["grid"], reported["request"]["seed"]) == (True, None, 7)


def test_continue(inspire, daemon, tmp_path):
    clip = tmp_path / "loop.wav"
    soundfile.write(clip, [0.0] * 48_000, 48_000)
    result = inspire("continue", str(clip), "--duration", "0.5", "-o", "more")
    assert Path(result.stdout.strip()) == daemon.folder / "more.wav", result.stderr


def test_pause_resume_and_again(inspire_here, daemon):
    assert "inspire resume" in inspire_here("pause").stdout
    assert json.loads(inspire_here("status", "--json").stdout)["paused"] == 1
    assert inspire_here("resume").returncode == 0
    with Client(daemon.port) as client:
        done = list(client.generate("tune", id="once", duration_s=0.5))[-1]
    again = json.loads(inspire_here("again", "once", "--json").stdout.splitlines()[-1])
    assert (again["event"], again["seed"]) == ("done", done.pairs["seed"])
    other = inspire_here("again", "once", "--seed", "5", "-o", "other")
    assert "seed 5" in other.stderr and other.stdout.strip().endswith("other.wav")


def test_a_job_that_waits_long_is_shown_once(inspire_here, daemon, monkeypatch):
    monkeypatch.setattr("bridge.osc.client._QUIET_S", 0.02)
    inspire_here("pause")
    with Client(daemon.port) as client:
        threading.Timer(0.3, client.resume).start()
        lines = inspire_here("generate", "tune", "--duration", "0.5", "--no-play").stderr.splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == ["job", "waiting,", "0.2"], lines


def test_failures_have_an_exit_code_and_a_sentence(inspire):
    rejected = inspire("generate", "refuse this")
    assert rejected.returncode == 1 and "asked to reject" in rejected.stderr and "bad_request" in rejected.stderr
    asked = inspire("generate", "tune", "--duration", "-3")
    assert asked.returncode == 1 and "0.5 to 480" in asked.stderr
    missing = inspire("continue", "/nowhere/loop.wav")
    assert missing.returncode == 1 and "no such clip" in missing.stderr
    setting = inspire("status", INSPIRE_PORT="seven")
    assert setting.returncode == 2 and "port is 'seven'" in setting.stderr
    assert "Traceback" not in rejected.stderr + asked.stderr + missing.stderr + setting.stderr


def test_ctrl_c_cancels_and_shows_what_there_is(inspire, daemon):
    command = [sys.executable, "-m", "bridge", "generate", "slow tune", "--duration", "100"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=daemon.environment | {"INSPIRE_PORT": str(daemon.port)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A test run in the background of a script ignores Ctrl-C and would hand that down; a terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert any("on disk" in line for line in iter(process.stderr.readline, ""))
    process.send_signal(signal.SIGINT)
    out, reported = process.communicate(timeout=30)
    assert process.returncode == 130 and "cancelled after" in reported and "Traceback" not in reported
    assert soundfile.info(out.strip()).frames > 0


def test_cancel_stops_what_runs(inspire_here, daemon):
    with Client(daemon.port) as client:
        events = client.generate("slow tune", duration_s=100)
        while not isinstance(next(events), Chunk):
            pass
        assert inspire_here("cancel").returncode == 0
        assert list(events)[-1].duration_s < 100
    idle = inspire_here("cancel")
    assert idle.returncode == 1 and "nothing is running" in idle.stderr


def test_jobs_lists_what_runs_and_waits(inspire_here, daemon):
    with Client(daemon.port) as client:
        events = client.generate("slow tune", id="runs", duration_s=100)
        while not isinstance(next(events), Chunk):
            pass
        shown = json.loads(inspire_here("jobs", "--json").stdout)
        assert (shown["job"], shown["position"], shown["state"], shown["prompt"]) == ("runs", 0, "running", "slow tune")
        assert "runs  running" in inspire_here("jobs").stdout
        client.cancel("runs")
        assert isinstance(list(events)[-1], Cancelled)
    assert inspire_here("jobs").stdout == ""


def test_sketches_of_several_presets_are_made_one_after_the_other(inspire_here):
    sketched = inspire_here("sketch", "Funk", "Bossa nova", "--bars", "1", "--seed", "7", "--no-start")
    assert sketched.returncode == 0, sketched.stderr
    assert [line.rpartition("/")[2][:4] for line in sketched.stdout.split()] == ["funk", "boss"]
    assert sketched.stderr.count("seed 7") == 2 and "Bossa nova" in sketched.stderr
    several = inspire_here("sketch", "Funk", "--variations", "3", "--bars", "1", "-o", "take", "--no-start")
    assert [line.rpartition("/")[2] for line in several.stdout.split()] == ["take.1.wav", "take.2.wav", "take.3.wav"]
    lost = inspire_here("sketch", "lost", "Funk", "--bars", "1")
    assert lost.returncode == 1 and "no preset 'lost'" in lost.stderr and "funk" in lost.stdout
    assert inspire_here("sketch").returncode == 2
