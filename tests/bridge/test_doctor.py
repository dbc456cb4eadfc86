"""Each of the doctor's checks, well and made to fail."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

from bridge import doctor
from tests.bridge.conftest import ROOT, daemon_environment

FAKE = "tests.fake_engine:create_engine"


def wrong(finding: doctor.Finding, *told: str) -> None:
    assert not finding.ok and finding.advice
    assert all(word in finding.told for word in told), finding


def test_python():
    assert doctor.python().ok
    wrong(doctor.python((3, 10, 2)), "3.10.2")


def test_packages():
    assert doctor.packages().ok and "numpy" in doctor.packages().told
    wrong(doctor.packages(("numpy", "no-such-package")), "no-such-package")


def test_memory():
    assert doctor.available_gb() > 0
    assert doctor.memory(8.0).ok and doctor.memory(None).ok
    wrong(doctor.memory(0.5), "0.5 GB")


def test_output_folder(tmp_path):
    assert doctor.folder(tmp_path / "new", 0.0).ok and list((tmp_path / "new").iterdir()) == []
    wrong(doctor.folder(tmp_path, 1e9), "GB free")
    (tmp_path / "file").touch()
    wrong(doctor.folder(tmp_path / "file" / "music"), "file")


def test_presets(tmp_path):
    assert doctor.presets(tmp_path).ok
    (tmp_path / "bad.toml").write_text("[[preset]]\nbpm = 3\n")
    wrong(doctor.presets(tmp_path), "bad.toml", "line 1")


def test_port(daemon):
    ours = doctor.port(daemon.port)
    assert ours.ok and "answers" in ours.told and doctor.port(0).ok
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        number = other.getsockname()[1]
        wrong(doctor.port(number), str(number), f"process {os.getpid()}")
        assert doctor.port(number, another_will_do=True).ok
    assert "free" in doctor.port(number).told


def test_audio_device():
    assert doctor.audio("none").ok
    wrong(doctor.audio("no such device"), "no such device", "nothing could be played")


def test_torch(monkeypatch):
    monkeypatch.setattr(doctor, "_TORCH", "raise ImportError('libtorch is not there')")
    wrong(doctor.torch(), "libtorch is not there")
    monkeypatch.setattr(doctor, "_TORCH", "print('torch 9')")
    assert doctor.torch() == doctor.Finding("torch", True, "torch 9")
    monkeypatch.setattr(doctor, "_TORCH", "import time; time.sleep(60)")
    monkeypatch.setattr(doctor, "PATIENCE_S", 0.2)
    wrong(doctor.torch(), "no answer")


def test_model(monkeypatch):
    monkeypatch.chdir(ROOT)
    well = doctor.model(FAKE, "sketch")
    assert well.ok and "fake sketch" in well.told
    wrong(doctor.model(FAKE, "missing"), "no model 'missing'")
    wrong(doctor.model("tests.fake_engine:create_broken_engine", "sketch"), "told not to start")


def test_the_command_has_an_exit_code_and_json(tmp_path):
    def inspire(*arguments: str) -> subprocess.CompletedProcess:
        settings = {"engine": FAKE, "audio_device": "none", "folder": tmp_path / "music", "port": 0}
        command = [sys.executable, "-m", "bridge", "doctor", *arguments]
        environment = daemon_environment(tmp_path, **settings)
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    bad = inspire("--json", "--model", "missing")
    findings = {finding["check"]: finding for finding in map(json.loads, bad.stdout.splitlines())}
    assert bad.returncode == 1 and not findings["model"]["ok"] and findings["output folder"]["ok"], bad.stderr
    plain = inspire("--model", "missing")
    assert plain.returncode == 1 and "→" in plain.stdout and "Traceback" not in plain.stderr
