"""The device's own script under Node, on real UDP sockets, in a process that a test plays. Max and Live are stand-ins."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.conftest import daemon, start_daemon  # noqa: F401  (fixtures)
from tests.missing import needs

HOST = Path(__file__).parent / "host"
QUICK = {"HELLO_MS": 300, "POLL_MS": 400, "SILENT_MS": 1500, "RETRY_MS": 600}  # what a person would wait, in short


def node() -> str:
    needs("node", "nodejs")
    return "node"


class Device:
    """One device in one Live. `shown` has the last message that each box of its face got, by "box selector"."""

    def __init__(self, **options: Any):
        options = {"times": QUICK, **options}
        command = [node(), str(HOST / "device_process.js"), json.dumps(options)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._answers: queue.Queue[dict] = queue.Queue()
        self.shown: dict[str, list] = {}
        self.commands: list[list] = []
        self.sound: list[list] = []
        self.ports: list[int] = []
        self.console: list[str] = []
        self.said: list[str] = []
        self.too_large: list[int] = []
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            reported = json.loads(line)
            if "started" in reported:
                self._started.set()
            elif "command" in reported:
                self.commands.append(reported["command"])
            elif "port" in reported:
                self.ports.append(reported["port"])
            elif "console" in reported and "slots" not in reported:
                self.console.append(reported["console"])
            elif "too_large" in reported:
                self.too_large.append(reported["too_large"])
            elif reported.get("outlet") == 3:
                self.sound.append(reported["message"])
            elif "message" in reported:
                box, *values = reported["message"]
                selector = values.pop(0) if values and isinstance(values[0], str) else ""
                self.shown[f"{box} {selector}"] = values
                if box == "status" and selector == "set":
                    self.said.append(values[0])
            elif "slots" in reported:
                self._answers.put(reported)

    def wait_until_loaded(self) -> None:
        """Buttons do nothing while a set loads: what it recalls is no press."""
        assert self._started.wait(60), self._errors()
        time.sleep(1.1)

    def do(self, what: str, **more: Any) -> None:
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()

    def press(self, button: str) -> None:
        self.do("control", message=[button, 1])

    def turn(self, control: str, value: float) -> None:
        self.do("control", message=[control, value])

    def clips(self) -> dict:
        """What is in the set: "slots" and "arrangement" of its track, and Live's "console"."""
        self.do("clips")
        return self._answers.get(timeout=30)

    @property
    def status(self) -> str:
        return self.shown.get("status set", [""])[0]

    def until(self, words: str, patience_s: float = 30.0) -> None:
        """Until the banner has said this since the last look."""
        wait_until(
            lambda: any(words in text for text in self.said),
            lambda: f"{words!r} never came: {self.said[-8:]} {self._errors()}",
            patience_s,
        )
        self.said.clear()

    def is_ready(self) -> bool:
        return self.status.startswith("ready")

    def _errors(self) -> str:
        return self._process.stderr.read() if self._process.poll() is not None else ""

    def end(self) -> None:
        if self._process.poll() is None:
            reported = self.clips()
            assert reported["console"] == [], "Live has printed errors in Max's console"
            assert not [line for line in reported["posts"] if " has no " in line or " needs " in line], reported["posts"]
            self.do("end")
        self._process.wait(30)
        errors = self._process.stderr.read()
        self._reader.join(30)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()
        assert not errors, errors
        assert not self.too_large, f"datagrams of {self.too_large} bytes"


def wait_until(
    condition: Callable[[], object], reason: Callable[[], str] = lambda: "waited in vain", patience_s: float = 60.0
) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, reason()
        time.sleep(0.02)


@pytest.fixture
def put_on_track() -> Iterator[Callable[..., Device]]:
    """Puts devices on tracks; a button works once a set has had a second to load."""
    devices: list[Device] = []

    def put(port: int, **options: Any) -> Device:
        devices.append(Device(port=port, **options))
        devices[-1].wait_until_loaded()
        return devices[-1]

    yield put
    for device in devices:
        device.end()
