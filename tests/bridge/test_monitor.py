"""The live screen, of a real daemon and on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys

from bridge import monitor
from tests.bridge.conftest import ROOT, RawClient, wait_for


def test_a_snapshot_is_told_within_any_width():
    job = {"job": "j" * 90, "done_s": 3.0, "total_s": 8.0, "rtf": 0.2, "peaks_db": [-120.0] * 60 + [0.0] * 60}
    told = {"state": "busy", "queued": 2, "paused": 1, "job": job, "peak_db": -3.0, "rms_db": -9.0, "audio_device": "x" * 90}
    for width in (20, 40, 120):
        shown = monitor.lines(told, width)
        assert all(len(line) <= width for line in shown)
    assert " " * 60 + "█" * 60 in shown and "2 waiting, paused" in shown[0]
    assert not any("█" in line for line in monitor.lines(told, 120, blocks=False))


def test_a_file_that_is_not_there_has_no_waveform(tmp_path):
    assert monitor.peaks_db(None) == monitor.peaks_db(str(tmp_path / "gone.wav")) == []


def test_once_as_json_tells_the_running_job(start_daemon):
    daemon = start_daemon()
    raw = RawClient(daemon.port)
    raw.send("/inspire/generate", "j", "slow tune", "duration_s", 60)
    command = [sys.executable, "-m", "bridge", "monitor", "--once", "--json", "--port", str(daemon.port)]

    def job() -> dict | None:
        result = subprocess.run(command, cwd=ROOT, env=daemon.environment, capture_output=True, text=True, check=True)
        found = json.loads(result.stdout).get("job", {})
        return found if found.get("peaks_db") else None

    found = wait_for(job)
    assert found["job"] == "j" and max(found["peaks_db"]) == -20.0  # the fake engine's tone
    raw.send("/inspire/cancel", "j")
    raw.close()


def test_on_a_terminal_it_outlives_the_daemon_and_ends_with_ctrl_c(start_daemon):
    daemon = start_daemon()
    ours, theirs = pty.openpty()
    environment = {**daemon.environment, "TERM": "xterm", "COLUMNS": "40"}
    command = [sys.executable, "-m", "bridge", "monitor", "--port", str(daemon.port)]
    process = subprocess.Popen(  # in the background of a script Ctrl-C is off: here it is to work
        command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    seen = bytearray()

    def shows(text: bytes) -> bool:
        while select.select([ours], [], [], 0)[0]:
            seen.extend(os.read(ours, 65_536))
        return text in seen

    wait_for(lambda: shows(b"idle"))
    with daemon.client() as client:
        client.quit()
    wait_for(lambda: shows(b"no daemon runs"))
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    os.close(ours)
    os.close(theirs)
