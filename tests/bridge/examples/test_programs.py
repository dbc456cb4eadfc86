"""The examples as they stand, run by the program that each is for, with a real daemon."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile

from bridge.osc import spec
from tests.bridge.conftest import ROOT, RawClient, wait_for
from tests.missing import needs

EXAMPLES = ROOT / "bridge" / "examples"
HERE = Path(__file__).parent


def logged(command: list, log: Path, **more: object):
    with open(log, "wb") as out:
        return subprocess.Popen([*map(str, command)], stdout=out, stderr=out, **more)


def test_a_shell_asks_through_the_mailbox(daemon, tmp_path):
    mailbox = daemon.home / "state" / "mailbox"
    environment = {**os.environ, "MAILBOX": str(mailbox)}
    command = [EXAMPLES / "ask.sh", 'dub "techno" \\ ä', "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr
    path = Path(done.stdout.strip())
    assert soundfile.info(path).duration == pytest.approx(1.0)
    assert json.loads(path.with_suffix(".json").read_text())["request"]["prompt"] == 'dub "techno" \\ ä'
    assert not [*(mailbox / "shell" / "replies").iterdir()]
    rejected = subprocess.run([EXAMPLES / "ask.sh", "refuse", "1"], env=environment, capture_output=True, text=True, timeout=60)
    assert rejected.returncode == 1 and "asked to reject" in rejected.stderr
    environment["MAILBOX"] = str(tmp_path / "nobody")
    nobody = subprocess.run([EXAMPLES / "ask.sh", "dub"], env=environment, capture_output=True, text=True, timeout=60)
    assert nobody.returncode == 1 and "inspire serve" in nobody.stderr
    assert not [*(tmp_path / "nobody" / "shell" / "requests").iterdir()]


def test_pure_data_asks_and_prints_where_the_result_is(daemon, tmp_path):
    needs("pd", "puredata-core")
    patch, log = tmp_path / "inspire.pd", tmp_path / "pd.log"
    text = (EXAMPLES / "inspire.pd").read_text()
    assert str(spec.DEFAULT_PORT) in text
    patch.write_text(text.replace(f" {spec.DEFAULT_PORT};", f" {daemon.port};"))
    options = ["-nogui", "-stderr", "-noprefs", "-noaudio", "-nomidi"]
    process = logged(["pd", *options, "-open", patch, "-send", "go bang"], log)
    try:
        wait_for(lambda: re.search(r"^done: ", log.read_text(), re.M))
    finally:
        process.terminate()
        process.wait()
    reported = log.read_text()
    assert "fail" not in reported and "error" not in reported and "couldn't" not in reported, reported
    path = re.search(r"^done: .*?(/\S+\.wav)", reported, re.M)[1]
    assert soundfile.info(path).duration == pytest.approx(2.0)


def test_supercollider_asks_and_prints_where_the_result_is(daemon, tmp_path):
    needs("sclang", "supercollider-language")
    log, private = tmp_path / "sc.log", tmp_path / "run"
    private.mkdir(mode=0o700)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    environment |= {"XDG_RUNTIME_DIR": str(private), "HOME": str(tmp_path), "INSPIRE_PORT": str(daemon.port)}
    command = ["sclang", "-i", "none", EXAMPLES / "inspire.scd"]
    process = logged(command, log, env=environment, stdin=subprocess.PIPE)
    try:
        wait_for(lambda: re.search(r"^done: ", log.read_text(errors="replace"), re.M))
    finally:
        process.terminate()
        process.wait()
        process.stdin.close()
    reported = log.read_text(errors="replace")
    assert "failed: " not in reported and "ERROR" not in reported, reported
    path = re.search(r"^done: (/.+\.wav)$", reported, re.M)[1]
    assert soundfile.info(path).duration == pytest.approx(2 * 4 * 60 / 124, abs=1e-4)


def test_the_touchosc_script_asks_for_what_a_real_daemon_understands(daemon):
    """TouchOSC is not to be had here: its two calls are stood in for, strict about tags, and what it sends is sent."""
    needs("lua5.4", "lua5.4")
    script = HERE / "touchosc.lua"
    process = subprocess.Popen(
        ["lua5.4", script, EXAMPLES / "touchosc.lua"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    client = RawClient(daemon.port)

    def say(line: str) -> None:
        process.stdin.write(line + "\n")

    def sent() -> tuple[str, list]:
        address, *values = process.stdout.readline().rstrip("\n").split("\t")
        return address, [{"s": str, "i": int, "f": float}[value[0]](value[1:]) for value in values]

    def label() -> str:
        say("label")
        return process.stdout.readline().rstrip("\n")

    def hear(reply: list) -> None:
        say("\t".join(["hear", *(f"{ {str: 's', int: 'i', float: 'f'}[type(value)] }{value}" for value in reply)]))

    try:
        say("touch generate")
        address, values = sent()
        assert (address, values[1:4]) == ("/inspire/generate", ["slow", "bars", 4])
        client.send(address, *values)
        wait_for(lambda: type(client.receive()).__name__ == "Chunk")
        hear(["/inspire/progress", values[0], 2.0, 7.74, 0.4])
        assert label() == "2 of 8 s"
        hear(["/inspire/fail", "somebody else's", "busy", "no"])
        assert label() == "2 of 8 s"
        say("touch stop")
        address, cancel = sent()
        assert (address, cancel[1:]) == ("/inspire/cancel", ["job", values[0]])
        client.send(address, *cancel)
        wait_for(lambda: type(client.receive()).__name__ == "Cancelled")
        hear(["/inspire/cancelled", values[0], "", 0.0])
        assert label() == "cancelled"
    finally:
        client.close()
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def test_the_readme_names_every_example():
    text = (EXAMPLES / "README.md").read_text("utf-8")
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file() and path.name not in ("README.md", "__init__.py")}
    assert files == {name for name in re.findall(r"`([\w.]+)`", text) if "." in name and (EXAMPLES / name).exists()}
    assert shutil.which("sh") and os.access(EXAMPLES / "ask.sh", os.X_OK)
