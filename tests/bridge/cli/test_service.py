"""Commands about the daemon itself: what it is doing, its settings, its messages."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from bridge.cli.finding import Finding
from bridge.osc import markdown, spec
from tests.bridge.conftest import ROOT, daemon_environment


def test_status_ping_and_osc(inspire_here, daemon):
    state = json.loads(inspire_here("status", "--json").stdout)
    assert state["state"] in ("idle", "starting") and state["folder"] == str(daemon.folder)
    assert str(daemon.folder) in inspire_here("status").stdout
    assert json.loads(inspire_here("ping", "--json").stdout)["protocol"] == spec.PROTOCOL
    assert inspire_here("osc", "--markdown").stdout == markdown.as_markdown()
    addresses = [json.loads(line)["address"] for line in inspire_here("osc", "--json").stdout.splitlines()]
    assert addresses == [*spec.COMMANDS, *spec.REPLIES]
    table = inspire_here("osc").stdout
    assert all(address in table for address in (*spec.COMMANDS, *spec.REPLIES))


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


def test_settings_say_where_each_value_is_from(call, monkeypatch, tmp_path):
    for name, value in daemon_environment(tmp_path, port=9123).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "settings.toml").write_text('model = "mine"\n')
    code, shown, reported = call("settings", "--folder", str(tmp_path))
    lines = {line.split(" = ")[0].strip(): line for line in shown.splitlines()}
    assert code == 0 and "INSPIRE_PORT" in lines["port"] and "settings.toml" in lines["model"] and "--folder" in lines["folder"]
    assert str(tmp_path / "settings.toml") in reported and "not there yet" not in reported


def test_doctor_ends_with_1_only_where_something_needed_is_wrong(call, monkeypatch, tmp_path):
    for name, value in daemon_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    found = [Finding("disk", True, "9 GB"), Finding("fluidsynth", False, "not there", "install it", optional=True)]
    monkeypatch.setattr("bridge.cli.checks.examine", lambda settings, port_asked: found)
    level = logging.getLogger("bridge").level
    code, shown, _ = call("doctor")
    assert code == 0 and "ok  disk: 9 GB" in shown and "missing  fluidsynth: not there → install it" in shown
    found.append(Finding("model", False, "damaged", "get it again"))
    code, shown, _ = call("doctor", "--json")
    assert code == 1 and [json.loads(line)["ok"] for line in shown.splitlines()] == [True, False, False]
    assert logging.getLogger("bridge").level == level
