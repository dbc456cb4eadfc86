"""Each of the doctor's checks, well and made to fail."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bridge.cli import checks
from bridge.cli.finding import Finding
from tests.bridge.conftest import ROOT, daemon_environment
from tests.tiny_model import write_tiny_model

FAKE = "tests.fake_engine:create_engine"


def wrong(finding: Finding, *reported: str) -> None:
    assert not finding.ok and finding.advice
    assert all(word in finding.fact for word in reported), finding


def test_python():
    assert checks.python().ok
    wrong(checks.python((3, 10, 2)), "3.10.2")


def test_packages():
    assert checks.packages().ok and "numpy" in checks.packages().fact
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [re.match(r"[\w-]+", one)[0] for one in needed] == list(checks.PACKAGES)
    wrong(checks.packages(("numpy", "no-such-package")), "no-such-package")


def test_memory():
    assert checks.available_gb() > 0
    assert checks.memory(8.0).ok and checks.memory(None).ok
    wrong(checks.memory(0.5), "0.5 GB")


def test_disk(tmp_path):
    assert checks.disk(tmp_path / "new", 0.0).ok
    wrong(checks.disk(tmp_path, 1e9), "GB free")


def test_folders(tmp_path):
    assert checks.folder("folder", tmp_path).ok and checks.folder("folder", tmp_path / "new" / "music").ok
    assert list(tmp_path.iterdir()) == []  # nothing is left behind
    (tmp_path / "file").touch()
    wrong(checks.folder("log_folder", tmp_path / "file" / "logs"), "file", "Not a directory")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder that not even root may write to")
def test_a_read_only_folder():
    finding = checks.folder("state_folder", Path("/sys/kernel/inspire"))
    wrong(finding, "/sys/kernel/inspire")
    assert "set state_folder" in finding.advice


def test_presets(tmp_path):
    assert checks.presets(tmp_path).ok
    (tmp_path / "bad.toml").write_text("[[preset]]\nbpm = 3\n")
    wrong(checks.presets(tmp_path), "bad.toml", "line 1")


def test_port(daemon):
    running = checks.running_daemon(daemon.port)
    ours = checks.port(daemon.port, running=running)
    assert ours.ok and "answers" in ours.fact and checks.port(0).ok
    assert "any free one" in checks.port(0).fact and checks.running_daemon(0) is None
    wrong(checks.port(0, host="203.0.113.7"), "203.0.113.7")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        number = other.getsockname()[1]
        assert checks.running_daemon(number) is None
        wrong(checks.port(number), str(number), f"process {os.getpid()}")
        assert checks.port(number, another_will_do=True).ok
    assert "free" in checks.port(number).fact


def test_torch(monkeypatch):
    monkeypatch.setattr(checks, "_TORCH", "raise ImportError('libtorch is not there')")
    wrong(checks.torch(), "libtorch is not there")
    monkeypatch.setattr(checks, "_TORCH", "print('torch 9')")
    assert checks.torch() == Finding("torch", True, "torch 9")
    monkeypatch.setattr(checks, "_TORCH", "import time; time.sleep(60)")
    monkeypatch.setattr(checks, "PATIENCE_S", 0.2)
    wrong(checks.torch(), "no answer")


def test_model(monkeypatch):
    monkeypatch.chdir(ROOT)
    well = checks.model(FAKE, "sketch")
    assert well.ok and "fake sketch" in well.fact
    assert "cpu, int8" in checks.model(FAKE, "sketch", {"INSPIRE_ACCELERATION": "int8"}).fact
    wrong(checks.model(FAKE, "missing"), "no model 'missing'")
    wrong(checks.model("tests.fake_engine:create_broken_engine", "sketch"), "asked not to start")


def test_a_model_with_a_damaged_file(tmp_path):
    """The real engine reads every tensor."""
    folder = write_tiny_model(tmp_path / "model")
    weights = folder / "language_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    wrong(checks.model("engine.pipeline:create_engine", str(folder)), "language_model.safetensors")


def test_the_command_has_an_exit_code_and_json(tmp_path):
    def inspire(*arguments: str) -> subprocess.CompletedProcess:
        settings = {"engine": FAKE, "audio_device": "none", "folder": tmp_path / "music", "port": 0}
        command = [sys.executable, "-m", "bridge", "doctor", *arguments]
        environment = daemon_environment(tmp_path, **settings)
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    bad = inspire("--json", "--model", "missing")
    findings = {finding["check"]: finding for finding in map(json.loads, bad.stdout.splitlines())}
    assert bad.returncode == 1 and not findings["model"]["ok"] and findings["folder"]["ok"], bad.stderr
    assert findings["model"]["advice"] and {"port", "audio device", "torch", "disk", "MIDI", "FluidSynth"} <= findings.keys()
    plain = inspire("--model", "missing")
    assert plain.returncode == 1 and "→" in plain.stdout and "Traceback" not in plain.stderr
