"""The models there are: over OSC, on the command line, and in the engine's process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from bridge.osc import spec
from bridge.osc.replies import Done
from engine.checkpoints.library import EMBEDDED_MODELS
from engine.config import load_model_config
from tests.bridge.conftest import ROOT, RawClient, daemon_environment
from tests.tiny_model import TINY, write_tiny_model


def test_the_command_lists_them_and_marks_the_one_in_use(tmp_path):
    shutil.copytree(EMBEDDED_MODELS / "sketch", tmp_path / "models" / "mine")
    environment = daemon_environment(tmp_path, models_folder=tmp_path / "models", model="mine")

    def models(*arguments):
        command = [sys.executable, "-m", "bridge", "models", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    all_reported = [json.loads(line) for line in models("--json").splitlines()]
    reported = [m for m in all_reported if m["here"]]
    assert all_reported[:2] == reported and [m["kind"] for m in all_reported[2:]] == ["published"] * 8
    assert [(m["name"], m["kind"], m["default"]) for m in reported] == [("sketch", "embedded", False), ("mine", "own", True)]
    assert reported[0]["bytes"] == reported[1]["bytes"] > 1e6
    assert "* " in models().splitlines()[1]


def test_a_model_of_ones_own_plays_by_its_name(start_daemon, tmp_path):
    write_tiny_model(tmp_path / "models" / "mine")
    daemon = start_daemon(models_folder=tmp_path / "models", engine="engine.pipeline:create_engine", model="mine")
    client = RawClient(daemon.port)
    client.send("/inspire/generate", "job", "dub", "model", "mine", "duration_s", 0.5, "decode", "fast")
    assert client.until_end()[-1].pairs["samplerate"] == 24_000
    client.send("/inspire/generate", "of the settings", "dub", "duration_s", 0.5, "decode", "fast")
    end = client.until_end()[-1]
    assert isinstance(end, Done), end
    sidecar = json.loads(Path(end.path).with_suffix(".json").read_text())
    assert sidecar["request"]["model"] == "mine" and sidecar["engine"]["model"] == TINY.name
    client.close()


def test_the_table_reports_what_sketch_does_when_not_asked():
    config = load_model_config(ROOT / "engine" / "weights" / "sketch" / "model.json")
    keys = {key.name: key.doc for key in spec.COMMANDS["/inspire/generate"].pairs}
    assert keys["guidance"].endswith(f" of sketch {config.guidance:g}, with a clip {config.clip_guidance:g}")
    assert keys["top_k"].endswith(f" of sketch {config.top_k}")
    assert keys["temperature"].endswith(f" of sketch {config.temperature:g}")
