"""The command line as a person meets it: in a process of its own, on a dumb terminal and on a lively one."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from bridge.osc import markdown, spec
from bridge.osc.client import Client
from bridge.osc.replies import Cancelled, Chunk
from tests.bridge.conftest import ROOT, daemon_environment, wait_for

Inspire = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of a person whose daemon listens on a free port; what was started is ended."""
    folder = tmp_path_factory.mktemp("home")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = {"engine": "tests.fake_engine:create_engine", "audio_device": "none", "folder": folder / "music", "port": port}
    environment = daemon_environment(folder, **ours)
    yield environment
    subprocess.run([sys.executable, "-m", "bridge", "stop"], cwd=ROOT, env=environment, capture_output=True, timeout=30)


@pytest.fixture
def inspire(home) -> Inspire:
    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "bridge", *arguments]
        return subprocess.run(command, cwd=ROOT, env={**home, **extra}, capture_output=True, text=True, timeout=60)

    return run


def test_without_a_daemon_asking_says_so(inspire):
    for command in (["status"], ["jobs"], ["ping"], ["cancel"], ["stop"], ["generate", "tune", "--no-start"]):
        result = inspire(*command)
        assert result.returncode == 3 and "inspire serve" in result.stderr, command


def test_generate_starts_a_daemon_and_says_so(inspire, home):
    result = inspire("generate", "dub techno", "--duration", "1", "--seed", "7", "--no-play")
    assert result.returncode == 0, result.stderr
    assert "starting one on port" in result.stderr and "inspire stop" in result.stderr
    assert "0.2 s on disk" in result.stderr and "seed 7" in result.stderr  # a line a chunk: this is no terminal
    path = Path(result.stdout.strip())
    assert path == Path(home["INSPIRE_FOLDER"]) / "dub-techno.wav" and soundfile.info(path).duration == 1
    again = inspire("generate", "dub techno", "--duration", "1", "--json")
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert "starting" not in again.stderr
    assert (events[0]["event"], events[-1]["event"]) == ("ack", "done")
    assert events[-1]["path"].endswith("dub-techno-2.wav")


def test_it_reports_how_a_result_keeps_its_grid(inspire, home):
    result = inspire("generate", "rolled tune", "--bars", "1", "--bpm", "124", "--loop", "--seed", "7", "--no-play")
    assert result.returncode == 0 and "124.00 bpm, downbeat +3 ms after 2 takes, seed 8" in result.stderr
    reported = json.loads(Path(result.stdout.strip()).with_suffix(".json").read_text())
    assert (reported["request"]["loop"], reported["request"]["grid"], reported["request"]["seed"]) == (True, None, 7)


def test_continue(inspire, home, tmp_path):
    clip = tmp_path / "loop.wav"
    soundfile.write(clip, [0.0] * 48_000, 48_000)
    result = inspire("continue", str(clip), "--duration", "0.5", "-o", "more")
    assert Path(result.stdout.strip()) == Path(home["INSPIRE_FOLDER"]) / "more.wav", result.stderr


def test_status_ping_and_osc(inspire, home):
    state = json.loads(inspire("status", "--json").stdout)
    assert state["state"] in ("idle", "starting") and state["folder"] == home["INSPIRE_FOLDER"]
    assert home["INSPIRE_FOLDER"] in inspire("status").stdout
    assert json.loads(inspire("ping", "--json").stdout)["protocol"] == spec.PROTOCOL
    assert inspire("osc", "--markdown").stdout == markdown.as_markdown()
    addresses = [json.loads(line)["address"] for line in inspire("osc", "--json").stdout.splitlines()]
    assert addresses == [*spec.COMMANDS, *spec.REPLIES]
    table = inspire("osc").stdout
    assert all(address in table for address in (*spec.COMMANDS, *spec.REPLIES))


def test_pause_resume_and_again(inspire, home):
    assert "inspire resume" in inspire("pause").stdout
    assert json.loads(inspire("status", "--json").stdout)["paused"] == 1
    assert inspire("resume").returncode == 0
    with Client(int(home["INSPIRE_PORT"])) as client:
        done = list(client.generate("tune", id="once", duration_s=0.5))[-1]
    again = json.loads(inspire("again", "once", "--json").stdout.splitlines()[-1])
    assert (again["event"], again["seed"]) == ("done", done.pairs["seed"])
    other = inspire("again", "once", "--seed", "5", "-o", "other")
    assert "seed 5" in other.stderr and other.stdout.strip().endswith("other.wav")


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


def test_ctrl_c_cancels_and_shows_what_there_is(inspire, home):
    command = [sys.executable, "-m", "bridge", "generate", "slow tune", "--duration", "100"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A test run in the background of a script ignores Ctrl-C and would hand that down; a terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert any("on disk" in line for line in iter(process.stderr.readline, ""))
    process.send_signal(signal.SIGINT)
    out, reported = process.communicate(timeout=30)
    assert process.returncode == 130 and "cancelled after" in reported and "Traceback" not in reported
    assert soundfile.info(out.strip()).frames > 0


def test_cancel_stops_what_runs(inspire, home):
    with Client(int(home["INSPIRE_PORT"])) as client:
        events = client.generate("slow tune", duration_s=100)
        while not isinstance(next(events), Chunk):
            pass
        assert inspire("cancel").returncode == 0
        assert list(events)[-1].duration_s < 100
    idle = inspire("cancel")
    assert idle.returncode == 1 and "nothing is running" in idle.stderr


@pytest.mark.parametrize(
    ("terminal", "columns", "lively"), [("xterm-256color", "40", True), ("dumb", "40", False), ("xterm-256color", "20", False)]
)
def test_a_terminal_gets_a_bar_and_a_dumb_or_narrow_one_lines(home, terminal, columns, lively):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bridge", "generate", "slow tune", "--duration", "1.5"]
    environment = {**home, "TERM": terminal, "COLUMNS": columns}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait(30) == 0
    process.stdout.close()
    assert ("━".encode() in shown) == lively
    assert (b"s on disk" in shown) != lively


def test_every_key_of_the_table_is_an_option(inspire):
    for command in ("generate", "continue"):
        help_ = inspire(command, "--help", COLUMNS="200").stdout
        for key in set(spec.COMMANDS[f"/inspire/{command}"].pairs) - {spec.TOKEN, spec.USER}:  # a setting, and who runs it
            plain = "--" + key.name.removesuffix("_s").replace("_", "-")
            flag = {"path": "--output", "reply_port": "--port"}.get(key.name, plain)
            own = flag if key.name == "reply_port" else "--" + key.name.replace("_", "-")
            for name in (flag, own):
                assert re.search(rf"{name}[ ,]", help_), name


def test_jobs_lists_what_runs_and_waits(inspire, home):
    with Client(int(home["INSPIRE_PORT"])) as client:
        events = client.generate("slow tune", id="runs", duration_s=100)
        while not isinstance(next(events), Chunk):
            pass
        shown = json.loads(inspire("jobs", "--json").stdout)
        assert (shown["job"], shown["position"], shown["state"], shown["prompt"]) == ("runs", 0, "running", "slow tune")
        assert "runs  running" in inspire("jobs").stdout
        client.cancel("runs")
        assert isinstance(list(events)[-1], Cancelled)
    assert inspire("jobs").stdout == ""


def test_a_token_is_taken_from_the_settings_and_not_shown(start_daemon):
    token = "correct horse battery staple"
    daemon = start_daemon(token=token)

    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "bridge", *arguments]
        return subprocess.run(command, cwd=ROOT, env={**daemon.environment, **extra}, capture_output=True, text=True, timeout=60)

    assert run("ping").returncode == 0
    without = run("ping", INSPIRE_TOKEN="")
    assert without.returncode == 1 and "setting token" in without.stderr
    assert token not in run("settings").stdout + run("settings", "--json").stdout + daemon.log


def test_stop_ends_the_daemon(inspire, home):
    assert inspire("stop").returncode == 0
    state = Path(home["INSPIRE_STATE_FOLDER"]) / "daemon.json"
    wait_for(lambda: not state.exists())
    assert inspire("ping").returncode == 3


def test_a_daemon_that_cannot_start_says_why(inspire):
    result = inspire("generate", "tune", INSPIRE_PREBUFFER_S="-1")
    assert result.returncode == 2 and "prebuffer_s" in result.stderr
