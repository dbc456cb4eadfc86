"""`inspire train` as a person meets it: a real training of a tiny model in a process of its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.bridge.conftest import ROOT, daemon_environment
from tests.synthetic import clicks, progression
from tests.tiny_model import write_tiny_model

RATE = 24_000


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("base"), flow=False)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "my loops"
    folder.mkdir()
    for number, key in enumerate(("A minor", "C major", "E minor", "G major")):
        soundfile.write(folder / f"loop{number}.wav", clicks(120, 8, rate=RATE) + progression(key, 120, 8, RATE), RATE)
    soundfile.write(folder / "hit.wav", clicks(120, 0.5, rate=RATE), RATE)
    return folder


@pytest.fixture
def start(tmp_path, base):
    """Starts `inspire train`; what it makes is under tmp_path/models."""
    environment = {**daemon_environment(tmp_path, models_folder=tmp_path / "models"), "OMP_NUM_THREADS": "1"}
    running = []

    def start(*arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "bridge", "train", "--base", str(base), *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        # A test run in the background of a script ignores Ctrl-C and would hand that down; a terminal does not.
        pipes["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        running.append(subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_a_folder_becomes_a_model_and_each_step_is_reported(start, recordings, tmp_path):
    process = start("--on", recordings, "--minutes", "0.05", "--save-anyway")
    printed, reported = process.communicate(timeout=120)
    assert process.returncode == 0, reported
    assert Path(printed.strip()) == tmp_path / "models" / "my_loops"
    assert json.loads((tmp_path / "models" / "my_loops" / "model.json").read_text())["name"] == "my_loops"
    assert "left out: hit.wav: it lasts 0.50 s" in reported
    assert "4 recordings, 0.5 minutes; never trained on: loop" in reported
    assert "nats a token: " in reported and "--model \"my_loops\"" in reported


def test_ctrl_c_stops_it_and_the_same_command_goes_on(start, recordings, tmp_path):
    options = ("--on", recordings, "--name", "mine", "--json", "--save-anyway")
    process = start(*options, "--minutes", "10")
    for line in process.stdout:
        if json.loads(line)["event"] == "progress" and json.loads(line)["step"] > 3:
            break
    process.send_signal(signal.SIGINT)
    printed, complaints = process.communicate(timeout=120)
    assert process.returncode == 130 and complaints == ""
    assert json.loads(printed.splitlines()[-1])["event"] == "stopped"
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".mine.training"]
    process = start(*options, "--minutes", "0.01")
    events = [json.loads(line) for line in process.communicate(timeout=120)[0].splitlines()]
    resumed = next(event for event in events if event["event"] == "resumed")
    assert process.returncode == 0 and 3 < resumed["step"] <= events[-1]["step"]
    assert events[-1]["path"] == str(tmp_path / "models" / "mine")


FIRST_SUFFIX = ".aac" if shutil.which("ffmpeg") else ".aif"  # of those that are read here


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (["--on", "gone"], "gone is no folder"),
        (["--on", "."], f"holds no recordings: {FIRST_SUFFIX}, "),
        (["--on", ".", "--name", "../mine"], "'../mine' is no name for a model"),
        (["--on", ".", "--base", "gone"], "no model 'gone'"),
    ],
)
def test_what_cannot_be_is_one_line(start, tmp_path, options, reported):
    place = tmp_path / "empty"
    place.mkdir()
    process = start(*[str(place) if option == "." else option for option in options])
    printed, complaints = process.communicate(timeout=120)
    assert process.returncode == 2 and printed == ""
    assert not list(tmp_path.glob("models/.*"))
    assert reported in complaints and len(complaints.splitlines()) == 1, complaints
