"""Clients that no one here wrote: liblo's oscsend and oscdump, and Pure Data."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import pytest
import soundfile

from tests.bridge.conftest import wait_for
from tests.missing import needs


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def oscdump(tmp_path):
    """A running `oscdump`: (port, function that reads its lines so far)."""
    needs("oscdump", "liblo-tools")
    port, log = free_port(), tmp_path / "oscdump.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(["oscdump", "-L", str(port)], stdout=out, stderr=out)
    yield port, lambda: log.read_text().splitlines()
    process.terminate()
    process.wait()


def test_oscsend_asks_and_oscdump_receives(daemon, oscdump):
    needs("oscsend", "liblo-tools")
    port, lines = oscdump

    def oscsend(*arguments: object) -> None:
        subprocess.run(["oscsend", "localhost", str(daemon.port), *map(str, arguments)], check=True)

    def received(word: str) -> list[str]:
        return [line for line in lines() if f"/inspire/{word} " in line]

    def pong() -> list[str]:
        oscsend("/inspire/ping", "ssi", "p", "reply_port", port)  # until oscdump is up
        time.sleep(0.05)
        return received("pong")

    assert ' ssi "p" ' in wait_for(pong)[0]
    oscsend("/inspire/generate", "sssfsisi", "job1", "dub techno, 124 bpm", "duration_s", 1.0, "seed", 7, "reply_port", port)
    done = wait_for(lambda: received("done"))[0]
    assert [len(received(word)) for word in ("ack", "queued", "chunk", "done", "fail")] == [1, 1, 4, 1, 0]
    path = Path(done.split('"')[3])
    assert path.name == "dub-techno-124-bpm.wav" and soundfile.info(path).duration == pytest.approx(1.0)
    oscsend("/inspire/generate", "sssdsTsi", "job2", "dub", "duration_s", 0.5, "play", "reply_port", port)  # a double, a true
    wait_for(lambda: len(received("done")) == 2)
    oscsend("/inspire/generate", "sssssi", "job3", "dub", "nonsense", "x", "reply_port", port)
    assert '"unknown_key"' in wait_for(lambda: received("fail"))[0]


# Pd sends every number as a float and answers come back to the socket it sends from, which udpsend-like clients read.
PATCH = """#N canvas 0 0 600 400 10;
#X obj 20 20 loadbang;
#X msg 20 50 connect localhost {port};
#X obj 20 300 netsend -u -b;
#X obj 20 80 t b b;
#X obj 120 110 delay 200;
#X msg 120 140 list pd1 tune duration_s 1 seed 7 bars_or_not 0;
#X msg 320 140 list 42 tune duration_s 1 seed 7 play 0;
#X obj 120 200 oscformat inspire generate;
#X obj 120 230 list prepend send;
#X obj 120 260 list trim;
#X obj 20 330 oscparse;
#X obj 20 360 print heard;
#X obj 320 110 delay 400;
#X connect 0 0 3 0;
#X connect 3 0 4 0;
#X connect 3 0 12 0;
#X connect 3 1 1 0;
#X connect 1 0 2 0;
#X connect 4 0 5 0;
#X connect 12 0 6 0;
#X connect 5 0 7 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 2 0;
#X connect 2 1 10 0;
#X connect 10 0 11 0;
"""


def test_pure_data_asks_and_receives(daemon, tmp_path):
    needs("pd", "puredata-core")
    patch, log = tmp_path / "ask.pd", tmp_path / "pd.log"
    patch.write_text(PATCH.format(port=daemon.port))
    with open(log, "wb") as out:
        command = ["pd", "-nogui", "-stderr", "-noprefs", "-noaudio", "-nomidi", "-open", str(patch)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        wait_for(lambda: "inspire done 42" in log.read_text())
    finally:
        process.terminate()
        process.wait()
    lines = log.read_text().splitlines()
    received = [line.removeprefix("heard: ").removeprefix("list ") for line in lines if line.startswith("heard:")]
    assert [line.split()[:4] for line in received if "fail" in line] == [["inspire", "fail", "pd1", "unknown_key"]]
    assert [line.split()[1] for line in received if line.split()[2] == "42" and line.split()[1] != "progress"] == [
        *("ack", "queued"),
        *("chunk",) * 4,
        "done",
    ]


def test_oscsend_asks_over_tcp(daemon, tmp_path):
    """liblo frames as OSC 1.0 does: a size before each packet. It sends, and ends the connection at once."""
    needs("oscsend", "liblo-tools")
    subprocess.run(
        ["oscsend", f"osc.tcp://localhost:{daemon.port}/", "/inspire/generate", "sssf", "over-tcp", "dub", "duration_s", "0.5"],
        check=True,
    )
    with daemon.client() as client:
        wait_for(lambda: getattr(client.status("over-tcp"), "state", "") == "done")
