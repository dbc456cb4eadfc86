"""The daemon under fuzzed packets: python -m tests.benchmarks.bench_fuzz [--packets N | --full] [--seed S]

Datagrams and TCP streams made from the OSC table, right, wrong and damaged, in bursts of 64 to a real daemon with the fake
engine; after each burst, while the daemon works through it, another client's ping is timed. Lines:
`fuzz.packets`, `fuzz.packets_per_s`
`fuzz.crashes`      daemons or engines that ended, and faults in the log.
`fuzz.bad_replies`  answers that are no well-formed reply of the table, or too long.
`fuzz.ping.worst`, `fuzz.ping.p99`   milliseconds; baseline: before, with nothing to do.
`fuzz.memory`       megabytes of the daemon at the end; baseline: when a tenth was sent.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from bridge.errors import BridgeError, MessageError
from bridge.osc import codec, spec
from bridge.osc.replies import Reply, decode_reply
from tests import fake_engine
from tests.benchmarks.processes import memory_mb
from tests.benchmarks.report import report
from tests.bridge.conftest import RunningDaemon
from tests.fuzz import Fuzzer

FULL = 1_000_000
BURST = 64  # fits a socket's usual buffer
FRAMES = 30  # of a TCP stream
STREAM_EVERY = 8  # bursts
PATIENCE_S = 30.0


@dataclass
class Figures:
    packets: int = 0
    elapsed_s: float = 0.0
    crashes: list[str] = field(default_factory=list)
    bad_replies: list[str] = field(default_factory=list)
    idle_ms: list[float] = field(default_factory=list)
    ping_ms: list[float] = field(default_factory=list)
    memory_before_mb: float = 0.0
    memory_after_mb: float = 0.0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=20_000)
    parser.add_argument("--full", action="store_true", help=f"{FULL} packets")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        figures = fuzz(Path(home), FULL if options.full else options.packets, options.seed)
    report("fuzz.packets", figures.packets, "packets")
    report("fuzz.packets_per_s", figures.packets / figures.elapsed_s, "1/s")
    report("fuzz.crashes", len(figures.crashes), "crashes", 0)
    report("fuzz.bad_replies", len(figures.bad_replies), "replies", 0)
    idle, busy = sorted(figures.idle_ms), sorted(figures.ping_ms)
    report("fuzz.ping.worst", busy[-1], "ms", idle[-1], idle[-1] / busy[-1])
    report("fuzz.ping.p99", busy[len(busy) * 99 // 100], "ms", idle[len(idle) * 99 // 100])
    if figures.memory_after_mb:
        before, after = figures.memory_before_mb, figures.memory_after_mb
        report("fuzz.memory", after, "MB", before, before / after)
    for reported in [*figures.crashes, *figures.bad_replies]:
        print(reported)


def fuzz(home: Path, packets: int, seed: int) -> Figures:
    """Sends `packets` to a daemon of its own under `home`."""
    figures = Figures()
    daemon = RunningDaemon(home, results_cap_gb=0.05)
    clip = home / "loop.wav"
    soundfile.write(clip, fake_engine.tone(48_000, 48_000), 48_000)
    with _Peer(daemon.port, figures) as sender, _Peer(daemon.port, figures) as other:
        fuzzer = Fuzzer(seed, str(clip), sender.port)
        figures.idle_ms = [other.ping() for _ in range(200)]
        begun, bursts = time.monotonic(), 0
        try:
            while figures.packets < packets and daemon.process.poll() is None:
                for _ in range(BURST):
                    sender.send(fuzzer.datagram())
                figures.packets += BURST
                figures.ping_ms.append(other.ping())
                sender.ping()  # when it is answered, all of the burst is
                bursts += 1
                if bursts % STREAM_EVERY == 0:
                    _stream(daemon.port, fuzzer.stream(FRAMES), figures, leave=bursts % 3 == 0)
                    figures.packets += FRAMES
                    other.ping()
                if bursts % 100 == 0:
                    sender.send(codec.encode("/inspire/resume", ["resume"]))  # a pause among them would stop all jobs
                if not figures.memory_before_mb and figures.packets >= packets / 10:
                    figures.memory_before_mb = memory_mb(daemon.process.pid)
            figures.memory_after_mb = memory_mb(daemon.process.pid)
            with daemon.client() as client:
                client.resume()
                restarts = client.status().pairs["restarts"]
            figures.crashes += [f"the engine ended {restarts} times"] if restarts else []
        except TimeoutError:
            figures.crashes.append(f"no answer to a ping; {daemon.log[-3000:]}")
        finally:
            figures.elapsed_s = time.monotonic() - begun
            if daemon.process.poll() is not None:
                figures.crashes.append(f"the daemon ended with status {daemon.process.returncode}")
            daemon.stop()
            log = daemon.log
            figures.crashes += [log[max(0, at - 500) : at + 3000] for at in _places(log, "Traceback")]
    return figures


class _Peer:
    """A UDP client that reads everything it is sent."""

    def __init__(self, port: int, figures: Figures):
        self._figures = figures
        self._pings = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 2**20)
        self._socket.bind(("127.0.0.1", 0))
        self._daemon = ("127.0.0.1", port)
        self.port = self._socket.getsockname()[1]

    def __enter__(self) -> _Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, datagram: bytes) -> None:
        self._socket.sendto(datagram, self._daemon)

    def ping(self) -> float:
        """Milliseconds until the answer. A datagram may be lost in the system's buffers: asked again after a second."""
        begun = time.perf_counter()
        while time.perf_counter() - begun < PATIENCE_S:
            self._pings += 1
            id = f"ping {self._pings}"
            asked = time.perf_counter()
            self.send(codec.encode("/inspire/ping", [id, "reply_port", self.port]))  # a damaged hello may have named another
            while (left := asked + 1.0 - time.perf_counter()) > 0:
                reply = self._receive(left)
                if reply and reply.id == id:
                    return 1000 * (time.perf_counter() - begun)
        raise TimeoutError

    def _receive(self, timeout_s: float) -> Reply | None:
        self._socket.settimeout(timeout_s)
        try:
            datagram = self._socket.recv(65_535)
        except TimeoutError:
            return None
        return _reply(datagram, self._figures)


def _reply(packet: bytes | MessageError, figures: Figures) -> Reply | None:
    try:
        if isinstance(packet, MessageError):
            raise packet
        if len(packet) > spec.MAX_DATAGRAM_OUT:
            raise ValueError(f"{len(packet)} bytes")
        return decode_reply(*codec.decode(packet))
    except (BridgeError, ValueError, KeyError, TypeError) as error:
        figures.bad_replies.append(f"{error!r}: {packet!r:.900}")
        return None


def _stream(port: int, stream: bytes, figures: Figures, leave: bool) -> None:
    """One TCP connection, its bytes cut anywhere; `leave`: without reading a word."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as peer, contextlib.suppress(ConnectionError):
        for start in range(0, len(stream), 7001):
            peer.sendall(stream[start : start + 7001])
        if leave:
            return
        with contextlib.suppress(OSError):  # "not connected", which is no ConnectionError: the daemon has ended it already
            peer.shutdown(socket.SHUT_WR)
        reader = codec.SlipReader()
        while data := peer.recv(65_536):
            for frame in reader.feed(data):
                _reply(frame, figures)


def _places(text: str, word: str) -> list[int]:
    parts = text.split(word)[:-1]
    return [sum(len(part) + len(word) for part in parts[:n]) + len(part) for n, part in enumerate(parts)]


if __name__ == "__main__":
    main()
