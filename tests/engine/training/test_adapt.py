"""A model of one's own: adapters, windows, a real gain on held-out recordings, stopping, going on, refusals."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.api import AudioChunk, GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.library import LOCK
from engine.checkpoints.published import PUBLISHED
from engine.pipeline import Pipeline
from engine.training import adapt as stage
from engine.training.adapt import Stopped, adapt
from engine.training.recordings import TrainingError
from tests.released import write_released
from tests.synthetic import clicks

ROOT = Path(__file__).parents[3]
RATE = 24_000


@pytest.fixture
def reported():
    return []


@pytest.fixture
def train(recordings, base, tmp_path, reported, one_second_a_step):
    """adapt() in steps of one second."""

    def train(folder=recordings, **options):
        report = options.pop("report", lambda event, **figures: reported.append({"event": event, **figures}))
        return adapt(folder, **{"name": "mine", "models": tmp_path, "base": str(base), "report": report, **options})

    return train


def child(*options, setup="pass", **popen):
    code = f"import sys; from engine.training import adapt; {setup}; sys.exit(adapt.main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *map(str, options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes, **popen)


def events(lines):
    return [json.loads(line) for line in lines]


def test_training_gains_on_recordings_it_never_saw_and_the_model_plays(train, base, tmp_path, reported):
    made = train(minutes=2)
    done = reported[-1]
    assert made == tmp_path / "mine" and done["event"] == "done"
    assert done["after"] < done["before"] - 0.3
    assert [event["event"] for event in reported if event["event"] != "progress"][-3:] == ["recordings", "before", "done"]
    assert {path.name for path in tmp_path.iterdir()} == {"mine"}  # nothing is left of the run
    before, after = load_checkpoint(str(base)), load_checkpoint(str(made))
    assert after.config.name == "mine" and dict(after.config.usual_bpm)[""] in (60, 80, 120, 180)
    assert (made / "wavtokenizer.safetensors").read_bytes() == (base / "wavtokenizer.safetensors").read_bytes()
    assert before.weights_sha256 != after.weights_sha256 and before.weights_sha256 in (made / "README.md").read_text()
    assert str(done["after"]) in (made / "README.md").read_text()
    *played, end = Pipeline("cpu").generate(GenerationRequest(prompt="loop", duration_s=1.0, model=str(made), seed=1))
    assert end.report.model.model == "mine" and sum(len(e.samples) for e in played if isinstance(e, AudioChunk)) == 48_000


def test_without_a_gain_no_model_is_saved_unless_asked(train, tmp_path, reported, monkeypatch):
    monkeypatch.setattr(stage, "LEARNING_RATE", 0.0)
    assert train(minutes=0.5) is None
    assert reported[-1]["event"] == "no_gain" and not (tmp_path / "mine").exists()
    assert train(minutes=0.5, save_anyway=True) == tmp_path / "mine"
    load_checkpoint(str(tmp_path / "mine"))


def test_it_ends_when_nothing_more_is_gained_with_the_best_it_had(train, reported, monkeypatch):
    monkeypatch.setattr(stage, "LEARNING_RATE", 0.0)
    monkeypatch.setattr(stage, "PATIENCE", 2)
    train(minutes=10)
    assert reported[-1]["event"] == "no_gain" and reported[-1]["step"] < 60


def test_stopped_it_goes_on_where_it_was_with_the_same_recordings_only(train, recordings, tmp_path, reported):
    def stop(event, **facts):
        if event == "progress" and facts["step"] >= 20:
            raise Stopped

    with pytest.raises(Stopped):
        train(minutes=1, report=stop)
    with pytest.raises(TrainingError, match="other recordings.*--restart"):
        other = tmp_path / "other"
        other.mkdir()
        (other / "loop.wav").write_bytes((recordings / "loop0_120bpm.wav").read_bytes())
        train(other, minutes=1)
    assert train(minutes=1)
    assert reported[2] == {"event": "resumed", "step": 20, "done_s": 20.0}
    assert not any(event["event"] == "encoded" for event in reported)  # nothing is encoded twice


def test_killed_it_goes_on_from_what_it_saved(recordings, base, tmp_path):
    options = (recordings, "--name", "mine", "--models", tmp_path, "--base", base)
    process = child(*options, "--minutes", 10, setup="adapt.MIN_SAVE_MINUTES = 1e-3; adapt.SAVES = adapt.PATIENCE = 10**9")
    try:
        for line in process.stdout:
            if (tmp_path / ".mine.training" / "checkpoint.pt").exists() and json.loads(line)["event"] == "progress":
                break
    finally:
        process.kill()
        process.communicate()
    saved = torch.load(tmp_path / ".mine.training" / "checkpoint.pt", weights_only=True)
    assert saved["step"] > 0
    process = child(*options, "--minutes", (saved["elapsed"] + 2) / 60)
    lines, complaints = process.communicate(timeout=120)
    reported = events(lines.splitlines())
    assert complaints == "" and process.returncode == 0, complaints
    resumed = next(event for event in reported if event["event"] == "resumed")
    assert resumed["step"] == saved["step"] < reported[-1]["step"] and reported[-1]["event"] == "done"


def test_when_nobody_listens_any_more_it_keeps_what_it_has(recordings, base, tmp_path):
    process = child(recordings, "--name", "mine", "--models", tmp_path, "--base", base, "--minutes", 10)
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    process.stdout.close()
    assert process.wait(60) == 130 and process.stderr.read() == ""
    process.stderr.close()
    assert (tmp_path / ".mine.training" / "checkpoint.pt").exists()


def test_a_full_disk_is_reported(recordings, base, tmp_path):
    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    process = child(recordings, "--name", "mine", "--models", tmp_path, "--base", base, "--minutes", 0.02, preexec_fn=small)
    lines, complaints = process.communicate(timeout=120)
    assert process.returncode == 1 and complaints == "", complaints
    assert events(lines.splitlines())[-1]["event"] == "fail"
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a/b"}, "no name for a model"),
        ({"name": ".."}, "no name for a model"),
        ({"name": ""}, "no name for a model"),
        ({"name": "sketch"}, "there is a model sketch already"),
        ({"name": "taken"}, "there is a model taken already"),
        ({"minutes": 0}, "more than 0"),
        ({"minutes": float("nan")}, "more than 0"),
    ],
)
def test_options_that_cannot_be_are_rejected_before_anything_is_read(train, tmp_path, options, message):
    (tmp_path / "taken").mkdir()
    with pytest.raises(TrainingError, match=message):
        train(**options)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_too_little_is_rejected(train, tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    soundfile.write(folder / "a.wav", clicks(120, 6, rate=RATE), RATE)
    with pytest.raises(TrainingError, match="6 s that can be used: 30 s at least"):
        train(folder)


def test_a_model_in_the_released_layout_is_fine_tuned_in_its_own(train, tmp_path, reported):
    base = write_released(tmp_path / "bases" / "InspireMusic-Base", PUBLISHED["InspireMusic-Base"])
    (base / LOCK).write_text("{}")
    rng, loops = np.random.default_rng(0), tmp_path / "loops"
    loops.mkdir()
    for number in range(16):  # noise at six levels, in a rhythm of its own: random codecs tell these apart
        steps = np.tile(rng.choice(np.geomspace(0.01, 0.5, 6), 16), 4)
        soundfile.write(loops / f"noise{number}_120bpm.wav", rng.normal(0, 0.5, 8 * RATE) * np.repeat(steps, RATE // 8), RATE)
    made = train(loops, minutes=1, base=str(base), models=tmp_path / "models")
    done = reported[-1]
    assert done["event"] == "done" and done["after"] < done["before"] - 0.3
    assert made == tmp_path / "models" / "mine" and not (made / LOCK).exists() and not (made / "model.json").exists()
    before, after = load_checkpoint(str(base)), load_checkpoint(str(made))
    assert after.config.name == "mine" and after.layout == "released"
    assert (made / "flow.pt").read_bytes() == (base / "flow.pt").read_bytes()
    assert before.language_model.state_dict().keys() == after.language_model.state_dict().keys()
    *played, end = Pipeline("cpu").generate(GenerationRequest(prompt="loop", duration_s=1.0, model=str(made), seed=1))
    assert end.report.model.model == "mine" and sum(len(e.samples) for e in played if isinstance(e, AudioChunk)) == 48_000
