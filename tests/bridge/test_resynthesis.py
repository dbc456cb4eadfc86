"""`inspire upsample` and `inspire reconstruct` with the real engine: over OSC, on the command line, and asked for again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Done, Fail
from tests.bridge.conftest import ROOT, serving
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    home = tmp_path_factory.mktemp("daemon")
    write_tiny_model(home / "models" / "mine")
    write_tiny_model(home / "models" / "plain", flow=False)
    with serving(home, models_folder=home / "models", engine="engine.pipeline:create_engine", model="mine") as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "old tape.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, (24_000, 2)).astype(np.float32)
    soundfile.write(path, noise, 24_000, subtype="FLOAT")
    return str(path)


def test_over_osc_a_clip_is_upsampled_and_reconstructed(daemon, clip):
    with daemon.client() as client:
        *_, end = client.upsample(clip, id="up", seed=3)
        assert isinstance(end, Done), end
        audio, rate = soundfile.read(end.path)
        assert (rate, audio.shape) == (48_000, (48_000, 2)) and Path(end.path).stem == "old-tape-upsampled"
        sidecar = json.loads(Path(end.path).with_suffix(".json").read_text())
        assert sidecar["request"]["task"] == "upsample" and sidecar["engine"]["edge_hz"] > 10_000 and sidecar["source"]["sha256"]
        *_, again = client.again("up", id="up again")
        np.testing.assert_array_equal(audio, soundfile.read(again.path)[0])
        *_, wrong = client.again("up", variations=4)
        assert isinstance(wrong, Fail) and (wrong.code, wrong.message) == (
            "bad_request", "upsample takes a clip as it is: leave variations away"
        )  # fmt: skip
        *_, end = client.reconstruct(clip, decode="fast")
        audio, rate = soundfile.read(end.path)
        assert (rate, audio.shape) == (24_000, (24_000, 2)) and Path(end.path).stem == "old-tape-reconstructed"


def test_errors_say_what_the_model_or_the_request_lacks(daemon, clip):
    with daemon.client() as client:
        for replies, said in [
            (client.upsample(clip, model="plain"), "model plain has no flow matching, so it cannot upsample: choose one"),
            (client.reconstruct(clip, model="plain"), "no codec that goes with it: set decode to fast"),
            (client.upsample(clip + "x"), "no such clip"),
        ]:
            *_, end = replies
            assert isinstance(end, Fail) and said in end.message, end
        assert isinstance([*client.reconstruct(clip, model="plain", decode="fast")][-1], Done)


def test_on_the_command_line(daemon, clip):
    def inspire(*arguments, code=0):
        command = [sys.executable, "-m", "bridge", *arguments, "--port", str(daemon.port), "--json"]
        reported = subprocess.run(command, cwd=ROOT, env=daemon.environment, capture_output=True, text=True, timeout=120)
        assert reported.returncode == code, reported.stdout + reported.stderr
        return [json.loads(line) for line in reported.stdout.splitlines()]

    end = inspire("upsample", clip, "--timbre", "model", "--path", "new")[-1]
    assert end["event"] == "done" and end["path"].endswith("new.wav")
    assert inspire("reconstruct", clip)[-1]["samplerate"] == 48_000
    inspire("reconstruct", clip, "--model", "plain", code=1)
