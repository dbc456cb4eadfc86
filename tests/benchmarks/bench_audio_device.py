"""A long stream against its file, sample by sample: python -m tests.benchmarks.bench_audio_device [--minutes M] [--speed X]

The whole daemon with the tests' fake engine, which makes noise, and a JACK server without hardware in freewheel: it runs as fast
as its slowest client, here the listener, which is the device itself and keeps it at X times real time. (Without that nobody could
feed it: a ring of a second is empty before the daemon's next look.) Lines:
`audio_device.stream`         seconds that were heard.
`audio_device.speed`          times real time; baseline: as asked.
`audio_device.wrong_samples`  which, rounded to the file's 24 bits, are not the file's; with the ones missing or too many.
`audio_device.underruns`
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from bridge.osc.replies import Done
from tests.benchmarks.report import report
from tests.bridge.conftest import RunningDaemon, wait_for
from tests.jack import ENVIRONMENT, JackServer, Listener, begun

RATE = 48_000
PERIOD = 1024
PATIENCE = 20  # times as long as it should take


@dataclass(frozen=True)
class Heard:
    duration_s: float
    took_s: float
    wrong_samples: int
    underruns: int


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--speed", type=float, default=4.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        server = JackServer(f"inspire-bench-{os.getpid()}", Path(home) / "jack.log")
        os.environ.update({**ENVIRONMENT, "JACK_DEFAULT_SERVER": server.name})
        try:
            captured = hear(server, Path(home), options.minutes * 60, options.speed)
        finally:
            server.stop()
    report("audio_device.stream", captured.duration_s, "s", options.minutes * 60)
    report("audio_device.speed", captured.duration_s / captured.took_s, "1", options.speed)
    report("audio_device.wrong_samples", captured.wrong_samples, "samples", 0)
    report("audio_device.underruns", captured.underruns, "underruns", 0)


def hear(server: JackServer, home: Path, duration_s: float, speed: float) -> Heard:
    """`server` is not started yet; where the daemon finds it is set."""
    server.start(RATE, PERIOD)
    with Listener(server, playback_ports=2, direct=True) as listener:
        daemon = RunningDaemon(home / "daemon", audio_device="listener, JACK")
        try:
            return play(daemon, listener, duration_s, speed)
        finally:
            daemon.stop()


def play(daemon: RunningDaemon, listener: Listener, duration_s: float, speed: float) -> Heard:
    with daemon.client() as client:
        wait_for(lambda: client.status().pairs["audio_device"].startswith("listener"))
        listener.delay_s = PERIOD / RATE / speed
        listener.freewheel(True)
        begun_at = time.monotonic()
        end = list(client.generate("stereo noise", duration_s=duration_s, play=1))[-1]
        assert isinstance(end, Done), end
        wait_for(lambda: client.status().pairs["playing"] == 0, patience_s=max(60.0, PATIENCE * duration_s / speed))
        took_s = time.monotonic() - begun_at
        listener.freewheel(False)
        underruns = client.status().pairs["underruns"]
    captured = begun(listener.captured())
    captured = captured[: np.flatnonzero(captured[:, 0])[-1] + 1]
    return Heard(len(captured) / RATE, took_s, wrong_samples(captured, Path(end.path)), underruns)


def wrong_samples(captured: np.ndarray, path: Path) -> int:
    file, _ = soundfile.read(path, dtype="int32", always_2d=True)
    file >>= 8
    shared = min(len(file), len(captured))
    rounded = np.rint(captured[:shared] * np.float32(2**23)).astype(np.int32)
    wrong: int = int((rounded != file[:shared]).sum()) + abs(len(file) - len(captured)) * file.shape[1]
    return wrong


if __name__ == "__main__":
    main()
