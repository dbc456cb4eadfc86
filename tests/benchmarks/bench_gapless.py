"""How soon a result is heard, and whether it then has gaps: python -m tests.benchmarks.bench_gapless [--seconds S] [--factors F]

The whole daemon with the tests' fake engine, which makes chunks as the real one ships them at a given pace, on a JACK server
without hardware. For each factor, seconds of work for a second of audio:
`gapless.F.underruns`  gaps heard; baseline 0.
`gapless.F.wait`       seconds from the job's start to its first sound; baseline: the least that leaves no gap, by reckoning.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from bridge.osc.replies import Done, State
from engine.api import FIRST_CHUNK_S, LONGEST_CHUNK_S
from tests.benchmarks.report import report
from tests.bridge.conftest import RunningDaemon, wait_for
from tests.jack import ENVIRONMENT, JackServer, Listener

RATE = 48_000
FACTORS = [round(0.05 * number, 2) for number in range(2, 20)]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--factors", type=float, nargs="*", default=FACTORS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        server = JackServer(f"inspire-gap-{os.getpid()}", Path(home) / "jack.log")
        os.environ.update({**ENVIRONMENT, "JACK_DEFAULT_SERVER": server.name})
        server.start(RATE)
        daemon = RunningDaemon(Path(home) / "daemon", audio_device="system, JACK")
        try:
            for factor in options.factors:
                underruns, wait_s = captured(daemon, server, factor, options.seconds)
                report(f"gapless.{factor:.2f}.underruns", underruns, "underruns", 0)
                report(f"gapless.{factor:.2f}.wait", wait_s, "s", least_wait_s(factor, options.seconds))
        finally:
            daemon.stop()
            server.stop()


def least_wait_s(factor: float, total_s: float) -> float:
    wait_s, ahead_s, size_s = 0.0, 0.0, FIRST_CHUNK_S
    while ahead_s < total_s:
        after_s = min(ahead_s + size_s, total_s)
        wait_s, ahead_s, size_s = max(wait_s, factor * after_s - ahead_s), after_s, min(2 * size_s, LONGEST_CHUNK_S)
    return wait_s


def captured(daemon: RunningDaemon, server: JackServer, factor: float, total_s: float) -> tuple[int, float]:
    """Underruns, and the seconds from the job's start to its first sound."""
    with daemon.client() as client, Listener(server) as listener:
        wait_for(lambda: client.status().pairs["audio_device"].startswith("system"))
        wait_for(lambda: isinstance(state := client.status(), State) and state.state == "idle")
        before = client.status().pairs["underruns"]
        listener.forget()
        began_at = time.monotonic()
        events = client.generate(f"paced {factor:g} tune", duration_s=total_s, play=1)
        end = list(events)[-1]
        assert isinstance(end, Done), end
        wait_for(lambda: client.status().pairs["playing"] == 0, patience_s=60 + 3 * total_s)
        ended_at, sound = time.monotonic(), listener.captured()[:, 0]
        underruns = client.status().pairs["underruns"] - before
    first = int(np.flatnonzero(np.abs(sound) > 1e-4)[0])
    return underruns, (ended_at - began_at) - (len(sound) - first) / RATE


if __name__ == "__main__":
    main()
