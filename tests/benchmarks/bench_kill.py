"""kill -9 at random moments: python -m tests.benchmarks.bench_kill [--engine N] [--daemon N] [--seed S]

The engine's process is killed N times (100) and the daemon N times (50), each while a job of the fake engine streams audio and
others wait: a moment drawn from before the job's first chunk to its end. After each kill is checked that

- every chunk that was announced is on disk, to the sample, and what is there is what the engine played;
- every job that was acked has an end: of the daemon before this one as interrupted, done or cancelled;
- the journal opens (none was set aside), and nothing but results and sidecars is left in the folder;
- the next job runs.

Lines: `kill.engine`, `kill.daemon` (kills), `kill.….lost` (checks that failed; what they say follows) and `kill.….recovery`,
the worst seconds from the kill until the next job had ended.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bridge.osc import codec
from bridge.osc.client import Client
from bridge.osc.replies import Ack, Cancelled, Chunk, Done, Fail, Reply, decode_reply
from tests import fake_engine
from tests.benchmarks.report import report
from tests.bridge.conftest import RunningDaemon

ENGINE_MOMENTS_S, DAEMON_MOMENTS_S = 0.6, 1.5  # from the submit: a job takes about 0.4 s
TUNE_S = 30.0  # 120 chunks, as fast as the disk takes them
PATIENCE_S = 60.0
WAITING = 3  # jobs behind the running one


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", type=int, default=100, help="kills of the engine")
    parser.add_argument("--daemon", type=int, default=50, help="kills of the daemon")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    for name, kills, run in (("engine", options.engine, kill_engine), ("daemon", options.daemon, kill_daemon)):
        with tempfile.TemporaryDirectory() as home:
            lost, recoveries_s = run(Path(home), kills, random.Random(options.seed))
        report(f"kill.{name}", kills, "kills")
        report(f"kill.{name}.lost", len(lost), "checks", 0)
        report(f"kill.{name}.recovery", max(recoveries_s), "s")
        for reported in lost:
            print(reported)


def kill_engine(home: Path, kills: int, dice: random.Random) -> tuple[list[str], list[float]]:
    """What was lost, and the seconds until the next job had ended."""
    lost, recoveries_s = [], []
    daemon = RunningDaemon(home, results_cap_gb=0.2)
    try:
        for number in range(kills):
            victim = daemon.engine_pid()
            with Witness(daemon.port) as witness:
                witness.ask(f"e{number}")
                killed = witness.listen(dice.uniform(0, ENGINE_MOMENTS_S), partial(os.kill, victim, signal.SIGKILL))
                witness.until_ends()
                lost += [f"kill {number}: {reported}" for reported in witness.lost()]
            if not daemon.serves_on():
                lost.append(f"kill {number}: the next job does not run")
            recoveries_s.append(time.monotonic() - killed)
        if daemon.process.poll() is not None or "Traceback" in daemon.log:
            lost.append(f"the daemon did not stand it: {daemon.log[-2000:]}")
    finally:
        daemon.stop()
    return lost, recoveries_s


def kill_daemon(home: Path, kills: int, dice: random.Random) -> tuple[list[str], list[float]]:
    """The same, each time with a new daemon in the place of the killed one."""
    lost, recoveries_s = [], []
    for number in range(kills):
        first = RunningDaemon(home, results_cap_gb=0.2)
        try:
            first.engine_pid()
            with Witness(first.port) as witness:
                witness.ask(*(f"d{number}.{n}" for n in range(1 + WAITING)))
                killed = witness.listen(dice.uniform(0, DAEMON_MOMENTS_S), first.process.kill)
                first.process.wait()
                witness.listen(0.05)
        finally:
            first.stop()
        first.state_file.unlink(missing_ok=True)
        second = RunningDaemon(home, results_cap_gb=0.2)
        try:
            lost += [f"kill {number}: {reported}" for reported in witness.lost(Client(second.port))]
            if not second.serves_on():
                lost.append(f"kill {number}: the next job does not run")
            recoveries_s.append(time.monotonic() - killed)
            lost += [f"kill {number}: {file.name} is left" for file in second.folder.rglob("*.part*")]
            unended = [file for file in second.folder.rglob("*.json") if json.loads(file.read_text())["state"] == "running"]
            lost += [f"kill {number}: {file.name} still says that its job runs" for file in unended]
            lost += [f"kill {number}: {file.name} was set aside" for file in second.state_file.parent.glob("journal.sqlite.*")]
            if "Traceback" in second.log:
                lost.append(f"kill {number}: {second.log[-2000:]}")
        finally:
            second.stop()
    return lost, recoveries_s


class Witness:
    """A client that remembers what was reported to it, and compares it with what is there."""

    def __init__(self, port: int):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 2**20)
        self._socket.connect(("127.0.0.1", port))
        self._reported: dict[str, list[Reply]] = {}
        self._asked: tuple[str, ...] = ()

    def __enter__(self) -> Witness:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, *ids: str) -> None:
        self._asked = ids
        for id in ids:
            self._socket.send(codec.encode("/inspire/generate", [id, "tune", "duration_s", TUNE_S]))

    def listen(self, for_s: float, then: Callable[[], None] = lambda: None) -> float:
        """Hears what comes for so long, then does something; returns when."""
        deadline = time.monotonic() + for_s
        while (left := deadline - time.monotonic()) > 0:
            self._receive(left)
        then()
        return time.monotonic()

    def until_ends(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and not all(self._end(id) for id in self._asked):
            self._receive(1.0)

    def _receive(self, timeout_s: float) -> None:
        self._socket.settimeout(timeout_s)
        try:
            reply = decode_reply(*codec.decode(self._socket.recv(65_535)))
        except (TimeoutError, ConnectionError):
            return
        self._reported.setdefault(reply.id, []).append(reply)

    def _end(self, id: str) -> Reply | None:
        return next((r for r in self._reported.get(id, []) if isinstance(r, Done | Fail | Cancelled)), None)

    def lost(self, successor: Client | None = None) -> list[str]:
        """What was reported and is not so. After a kill of the daemon its successor is asked for the ends."""
        wrong = []
        for id in self._asked:
            reported = self._reported.get(id, [])
            end = self._end(id)
            if successor and any(isinstance(reply, Ack) for reply in reported):
                if isinstance(state := successor.status(job=id), Fail):
                    wrong.append(f"{id} was acked and is forgotten: {state}")
                *_, again = successor.generate("tune", id=id, duration_s=TUNE_S)  # one that waits plays on by itself
                if end and end != again:
                    wrong.append(f"{id} had ended as {end}, now it is {again}")
                end = again
                if not isinstance(end, Done) and getattr(end, "code", "") != "interrupted":
                    wrong.append(f"{id} was acked, its end is {end}")
            if reported and not end:
                wrong.append(f"{id} has no end: {reported[-1]}")
            announced_s = max((r.start_s + r.duration_s for r in reported if isinstance(r, Chunk)), default=0.0)
            wrong += self._missing(id, end, announced_s)
        if successor:
            successor.close()
        return wrong

    def _missing(self, id: str, end: Reply | None, announced_s: float) -> list[str]:
        """Whether a job's file holds what was announced."""
        if end is None:
            return []
        assert isinstance(end, Done | Fail | Cancelled)
        pairs: dict[str, Any] = dict(end.pairs) if isinstance(end, Fail) else {"path": end.path, "duration_s": end.duration_s}
        if not pairs.get("path"):
            return [f"{id}: {announced_s} s were announced, there is no file"] if announced_s else []
        audio, rate = soundfile.read(pairs["path"], dtype="float32", always_2d=True)
        wrong = []
        if len(audio) / rate < announced_s - 1e-6 or abs(len(audio) / rate - pairs["duration_s"]) > 1e-4:
            wrong.append(f"{id}: {announced_s} s were announced, {pairs['duration_s']} told, {len(audio) / rate} are there")
        if np.abs(audio - fake_engine.tone(len(audio), rate)).max() > 2**-22:
            wrong.append(f"{id}: what is there is not what was played")
        if not Path(pairs["path"]).with_suffix(".json").exists():
            wrong.append(f"{id}: no sidecar")
        return wrong


if __name__ == "__main__":
    main()
