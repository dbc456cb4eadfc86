"""The REAPER panel's own script in Lua 5.3 and 5.4, through the mailbox against a real daemon; REAPER is a strict mock."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.bridge.conftest import ROOT, RunningDaemon, wait_for
from tests.missing import needs

HERE = Path(__file__).parent
SCRIPTS = ROOT / "bridge" / "reaper" / "Inspire"
SCENARIOS = [
    "generate",
    "continue",
    "as_heard",
    "in_the_way",
    "stop",
    "again",
    "rejected",
    "fill",
    "closed",
    "imgui",
    "dialogs",
    "history",
    "arrange",
    "measured",
    "playing",
    "no_clock",
]
SCENARIOS += ["other_tab", "other_tab_reaper_6", "alone_generate", "alone_continue", "alone_rejected", "alone_nobody"]


def start(version: str, daemon: RunningDaemon, work: Path, scenario: str) -> subprocess.Popen:
    needs(f"lua{version}", f"lua{version}")
    work.mkdir(exist_ok=True)
    clip = work / "clip.wav"
    soundfile.write(clip, np.sin(np.arange(int(6.5 * 48_000)) / 30).astype(np.float32) * 0.3, 48_000)
    mailbox = daemon.home / "state" / "mailbox"
    command = [f"lua{version}", HERE / "drive.lua", HERE, SCRIPTS, work, mailbox, scenario, clip]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("version", ["5.3", "5.4"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_panel_works_with_a_real_daemon(daemon, tmp_path, scenario, version):
    said, problem = start(version, daemon, tmp_path / "work", scenario).communicate(timeout=120)
    assert said.splitlines()[-1:] == ["ok"] and not problem, said + problem
    if scenario == "as_heard":  # what the mock's item sounds like is a ramp that tells the time
        file = said.splitlines()[0].split(maxsplit=1)[1]
        samples, rate = soundfile.read(file, dtype="float32")
        assert rate == 48_000 and samples.shape == (3 * 48_000, 2)
        np.testing.assert_allclose(samples[:, 1], np.arange(3 * 48_000) / 48_000 / 100, atol=1e-6)
    mailbox = daemon.home / "state" / "mailbox"
    wait_for(lambda: not [*mailbox.glob("reaper*/requests/*")])  # the last may have been put there just now


def test_a_daemon_killed_and_another_started(start_daemon, tmp_path):
    settings = {"state_folder": tmp_path / "daemon0" / "state", "folder": tmp_path / "music"}
    first = start_daemon(**settings)
    driver = start("5.4", first, tmp_path / "work", "killed")
    try:
        assert driver.stdout.readline() == "kill\n", driver.stderr.read()
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(60)
        first.state_file.unlink()
        assert driver.stdout.readline() == "restart\n", driver.stderr.read()
        start_daemon(**settings)
        said, problem = driver.communicate(timeout=120)
        assert said.splitlines()[-1:] == ["ok"] and not problem, said + problem
    finally:
        driver.kill()
        driver.communicate()
