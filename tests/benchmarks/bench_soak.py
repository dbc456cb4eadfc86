"""A daemon at full load for long: python -m tests.benchmarks.bench_soak [--minutes M] [--real] [--seed S]

A queue that is never empty: sketches and continuations of half a second to four, every tenth cancelled; beside them pings, the
daemon's state, the history, presets and TCP connections that come and go. With the fake engine, which leaves the daemon all of
the load, or with `--real`, the real one and `sketch`. The first sixth is warm-up. Lines:
`soak.minutes`, `soak.jobs`
`soak.….memory`        megabytes at the end, of the daemon and the engine; baseline: after the warm-up.
`soak.….memory_slope`  megabytes an hour, fitted.
`soak.….descriptors`, `soak.….threads`   at the end; baseline: after the warm-up.
`soak.ping.worst`      milliseconds.
`soak.failures`        jobs that failed, commands that were not answered, faults in the log.
"""

from __future__ import annotations

import argparse
import random
import socket
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bridge.errors import NoDaemon
from bridge.limits import MAX_REMEMBERED
from bridge.osc import codec
from bridge.osc.replies import Cancelled, Done, Fail, State, decode_reply
from tests import fake_engine
from tests.benchmarks.processes import descriptors, memory_mb, threads
from tests.benchmarks.report import report
from tests.bridge.conftest import RunningDaemon

JOBS_AHEAD = 20
WARM_UP = 1 / 6
SAMPLES = 120
FIGURES = (("memory", memory_mb, "MB"), ("descriptors", descriptors, "descriptors"), ("threads", threads, "threads"))
REAL = {"engine": "engine.pipeline:create_engine", "model": "sketch"}


@dataclass
class Soak:
    jobs: int = 0
    failures: list[str] = field(default_factory=list)
    ping_ms: list[float] = field(default_factory=list)
    samples: list[dict[str, float]] = field(default_factory=list)  # "at_s", then "daemon.memory" …


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--real", action="store_true", help="the real engine")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        soaked = soak(Path(home), options.minutes * 60, REAL if options.real else {}, random.Random(options.seed))
    report("soak.minutes", options.minutes, "min")
    report("soak.jobs", soaked.jobs, "jobs")
    steady = soaked.samples[int(len(soaked.samples) * WARM_UP) :]
    for process in ("daemon", "engine"):
        for figure, _, unit in FIGURES:
            values = [sample[f"{process}.{figure}"] for sample in steady]
            report(f"soak.{process}.{figure}", values[-1], unit, values[0])
        slope = np.polyfit([s["at_s"] / 3600 for s in steady], [s[f"{process}.memory"] for s in steady], 1)[0]
        report(f"soak.{process}.memory_slope", float(slope), "MB/h")
    report("soak.ping.worst", max(soaked.ping_ms), "ms")
    report("soak.failures", len(soaked.failures), "failures", 0)
    for reported in soaked.failures:
        print(reported)


def soak(home: Path, for_s: float, settings: dict[str, Any], dice: random.Random, remembered: int = MAX_REMEMBERED) -> Soak:
    """Begins with as many cancelled jobs as the daemon remembers: what grows after that has no reason to."""
    soaked = Soak()
    daemon = RunningDaemon(home, results_cap_gb=0.2, **settings)
    clip = home / "loop.wav"
    soundfile.write(clip, fake_engine.tone(96_000, 48_000), 48_000)
    player = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    player.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 2**20)
    player.connect(("127.0.0.1", daemon.port))
    player.settimeout(5.0)
    running: set[str] = set()
    try:
        engine = daemon.engine_pid()
        _fill_the_memory(player, remembered)
        begun = sampled = asked = time.monotonic()
        while (now := time.monotonic()) < begun + for_s:
            while len(running) < JOBS_AHEAD:
                running.add(_submit(player, soaked, clip, dice))
            _receive(player, soaked, running)
            if now - asked > 0.5:
                asked = now
                _ask_around(daemon, soaked, running)
            if now - sampled > for_s / SAMPLES:
                sampled = now
                pids = {"daemon": daemon.process.pid, "engine": engine}
                held = {f"{process}.{name}": read(pid) for process, pid in pids.items() for name, read, _ in FIGURES}
                soaked.samples.append({"at_s": now - begun, **held})
    except (NoDaemon, OSError) as error:
        soaked.failures.append(f"{error!r} {daemon.log[-2000:]}")
    finally:
        player.close()
        daemon.stop()
    if "Traceback" in daemon.log:
        soaked.failures.append(daemon.log[daemon.log.index("Traceback") :][:3000])
    return soaked


def _fill_the_memory(player: socket.socket, jobs: int) -> None:
    player.send(codec.encode("/inspire/pause", ["pause"]))
    for n in range(jobs):
        player.send(codec.encode("/inspire/generate", [f"old{n}", "dub techno, 124 bpm"]))
        player.send(codec.encode("/inspire/cancel", [f"old{n}"]))
        while True:
            reply = decode_reply(*codec.decode(player.recv(65_535)))
            if isinstance(reply, Cancelled) and reply.id == f"old{n}":
                break
    player.send(codec.encode("/inspire/resume", ["resume"]))


def _submit(player: socket.socket, soaked: Soak, clip: Path, dice: random.Random) -> str:
    soaked.jobs += 1
    id, seconds = f"job{soaked.jobs}", round(dice.uniform(0.5, 4.0), 2)
    pairs: list[int | float | str] = ["duration_s", seconds, "decode", dice.choice(["full", "fast"])]
    if dice.random() < 0.2:
        player.send(codec.encode("/inspire/continue", [id, str(clip), *pairs]))
    else:
        player.send(codec.encode("/inspire/generate", [id, "dub techno, 124 bpm", *pairs]))
    if dice.random() < 0.1:
        player.send(codec.encode("/inspire/cancel", [f"cancel{id}", "job", id]))
    return id


def _receive(player: socket.socket, soaked: Soak, running: set[str]) -> None:
    player.settimeout(0.05)
    try:
        reply = decode_reply(*codec.decode(player.recv(65_535)))
    except TimeoutError:
        return
    if isinstance(reply, Fail) and not reply.id.startswith("cancel"):
        soaked.failures.append(str(reply))
    if isinstance(reply, (Done, Cancelled, Fail)):
        running.discard(reply.id)


def _ask_around(daemon: RunningDaemon, soaked: Soak, running: set[str]) -> None:
    """What other clients do meanwhile; also finds the ends that got lost on their way."""
    with daemon.client() as client:
        begun = time.perf_counter()
        client.ping()
        soaked.ping_ms.append(1000 * (time.perf_counter() - begun))
        client.status()
        client.history(words="dub", limit=5)
        for id in [*running][:2]:
            state = client.status(id)
            if not isinstance(state, State) or state.state not in ("queued", "running"):
                running.discard(id)
    with socket.create_connection(("127.0.0.1", daemon.port), 20) as peer:
        for command in (("/inspire/hello", ["h", "soak", 1]), ("/inspire/presets", ["p"])):
            peer.sendall(codec.slip(codec.encode(*command)))
        peer.recv(4096)


if __name__ == "__main__":
    main()
