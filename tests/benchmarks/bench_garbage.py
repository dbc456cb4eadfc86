"""How long an honest ping waits while 64 connections bring 200 MB of garbage, beside how long it waits alone.

    python -m tests.benchmarks.bench_garbage [--megabytes 200]

Of each kind of garbage the longest and the median wait in milliseconds; baseline: before, alone. A connection that is sent away
comes again, and begins with a right command, until all has been sent, or a minute is over.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import random
import select
import socket
import statistics
import tempfile
import time
from pathlib import Path

from bridge.osc import codec
from tests.benchmarks.report import report
from tests.bridge.conftest import RawClient, RunningDaemon
from tests.bridge.osc.test_codec import bundle

CONNECTIONS = 64
_RIGHT = codec.slip(codec.encode("/inspire/ping", ["flood"]))
GARBAGE = {
    "strangers: noise": (b"", random.Random(1).randbytes(2**16)),
    "noise": (_RIGHT, random.Random(1).randbytes(2**16)),
    "frames that are no OSC": (_RIGHT, b"x\xc0" * 2**15),
    "a frame without an end": (_RIGHT, b"x" * 2**16),
    "wrong commands": (_RIGHT, codec.slip(codec.encode("/x", ["j"])) * 3000),
    "bundles of wrong commands": (_RIGHT, codec.slip(bundle(*[codec.encode("/x", ["j"])] * 2000))),
}


def flood(port: int, kind: str, connections: int, size: int) -> None:
    """Sends `size` bytes in all, over so many connections, as fast as they are taken."""
    first, data = GARBAGE[kind]
    peers: list[socket.socket] = []
    sent = 0
    until = time.monotonic() + 60
    while sent < size and time.monotonic() < until:
        while len(peers) < connections:
            peer = socket.create_connection(("127.0.0.1", port), 20)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
            with contextlib.suppress(OSError):
                peer.sendall(first)
            peer.setblocking(False)
            peers.append(peer)
        for peer in select.select([], peers, [], 1.0)[1]:
            try:
                sent += peer.send(data)
            except BlockingIOError:
                continue
            except OSError:  # sent away
                peer.close()
                peers.remove(peer)
    for peer in peers:  # until the daemon has read all of it, or has had enough
        peer.setblocking(True)
        peer.settimeout(max(0.1, until - time.monotonic()))
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65_536):
                pass
        peer.close()


def waits(client: RawClient, count: int | None, floods: list[multiprocessing.Process]) -> list[float]:
    """Milliseconds from a ping to its pong: `count` times, or while a flood goes on."""
    found: list[float] = []
    while (len(found) < count) if count else any(one.is_alive() for one in floods):
        began = time.perf_counter()
        client.send("/inspire/ping", f"{len(found)}")
        assert client.receive() is not None, "no answer in a minute"
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.002)
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=200)
    options = parser.parse_args(arguments)
    for kind in GARBAGE:
        with tempfile.TemporaryDirectory() as folder:
            daemon = RunningDaemon(Path(folder))
            client = RawClient(daemon.port)
            try:
                alone = waits(client, 500, [])
                size = round(options.megabytes * 1e6 / 2)
                floods = [
                    multiprocessing.Process(target=flood, args=(daemon.port, kind, CONNECTIONS // 2, size)) for _ in range(2)
                ]
                began = time.monotonic()
                for one in floods:
                    one.start()
                meanwhile = waits(client, None, floods)
                name = "garbage." + kind.replace(" ", "_").replace(":", "")
                report(f"{name}.longest_wait", max(meanwhile), "ms", max(alone), max(alone) / max(meanwhile))
                report(f"{name}.median_wait", statistics.median(meanwhile), "ms", statistics.median(alone))
                report(f"{name}.sent_in", time.monotonic() - began, "s")
            finally:
                client.close()
                daemon.stop()


if __name__ == "__main__":
    main()
