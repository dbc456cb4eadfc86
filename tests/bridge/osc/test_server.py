"""The sockets alone: SLIP frames over TCP, limits on a peer, and the time of bundles. The serving function only records."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time

import pytest

from bridge import limits
from bridge.errors import MessageError, PortTaken
from bridge.osc import codec
from bridge.osc.client import Client
from bridge.osc.commands import Ping
from bridge.osc.replies import Pong
from bridge.osc.server import OscServer
from tests.bridge.osc.test_codec import bundle

TOKEN = "correct horse battery staple"
NTP_EPOCH_S = 2_208_988_800


def ping(id: str) -> bytes:
    return codec.encode("/inspire/ping", [id])


def framed(packet: bytes) -> bytes:
    return struct.pack(">i", len(packet)) + packet


def timetag(ahead_s: float) -> int:
    return int((time.time() + NTP_EPOCH_S + ahead_s) * 2**32)


def with_server(use, answer: bool = False, token: str = "") -> list:
    """Runs `use(server, heard)` beside a server; returns what it heard: (ids or errors' codes), and "gone" for lost peers."""
    arrived: list[str] = []

    async def run() -> None:
        def serve(received, source) -> None:
            arrived.append(received.id if isinstance(received, Ping) else received.code)
            if answer and isinstance(received, Ping):
                osc.send(Pong(received.id, "1", 1), source)

        osc = OscServer("127.0.0.1", 0, serve, lambda address: arrived.append("gone"), token)
        await osc.start()
        try:
            await use(osc, arrived)
        finally:
            osc.close()
            await asyncio.sleep(0.01)

    asyncio.run(run())
    return arrived


async def until(condition) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("waited in vain")


def test_bundles_are_served_at_their_time():
    async def use(osc, arrived) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(osc.address)
            client.send(bundle(ping("later1"), ping("later2"), timetag=timetag(0.5)))
            client.send(bundle(ping("far"), ping("far too"), timetag=timetag(90)))
            client.send(bundle(ping("past"), timetag=timetag(-1000)))
            client.send(bundle(ping("now"), timetag=1))
            await until(lambda: len(arrived) == 5)

    assert with_server(use) == ["too_early", "past", "now", "later1", "later2"]


def test_waiting_bundles_are_limited(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SCHEDULED", 1)

    async def use(osc, arrived) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(osc.address)
            for _ in range(2):
                client.send(bundle(ping("later"), timetag=timetag(50)))
            await until(lambda: arrived)

    assert with_server(use) == ["busy"]


def test_a_bundle_without_its_timetag_is_rejected():
    with pytest.raises(MessageError):
        list(codec.split(b"#bundle\0" + struct.pack(">I", 1)))


def test_a_port_whose_tcp_half_is_taken_is_reported():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken, match="TCP"):
            OscServer("127.0.0.1", other.getsockname()[1], lambda *_: None)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_loopbacks_are_served(host):
    async def use(osc, arrived) -> None:
        port = osc.address[1]
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(codec.slip(ping("tcp")))
        (frame,) = codec.SlipReader().feed(await asyncio.wait_for(reader.read(65_536), 20))
        assert codec.decode(frame)[1][0] == "tcp"
        writer.close()
        with Client(port, host) as client:
            assert isinstance(await asyncio.to_thread(client.ping), Pong)

    with_server(use, answer=True)


def test_a_port_that_is_taken_at_one_loopback_is_reported_or_another_is_found():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", 0))
        with pytest.raises(PortTaken, match="UDP port .* of ::1 is taken"):
            OscServer("127.0.0.1", other.getsockname()[1], lambda *_: None)


def garbage(seed: int) -> bytes:
    return random.Random(seed).randbytes(2**16)


NOISE = {  # of peers that have shown one right command: what follows it
    "frames that are no OSC": lambda n: b"x\xc0" * 2**15,
    "noise": garbage,
    "one frame without an end": lambda n: b"x" * 2**16,
    "frames that are no SLIP": lambda n: b"/a\xdb\x00\xc0" * 2**13,
    "bundles": lambda n: codec.slip(bundle(*[codec.encode("/x", [])] * 2000)),
    "thousands of arguments": lambda n: codec.slip(b"/inspire/ping\0\0\0,s" + b"T" * 60_001 + bytes(1) + b"j\0\0\0"),
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_whatever_64_peers_send_a_ping_is_next_but_one_of_each(noise):
    """Judged by what is served before it, and by how much is read at a time, not by the clock."""
    peers = limits.MAX_CONNECTIONS
    ended = asyncio.Event()

    async def flood(address: tuple, n: int) -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.transport.set_write_buffer_limits(2**17)
        writer.write(codec.slip(ping(f"peer {n}")))
        data = noise(n)
        with contextlib.suppress(ConnectionError):  # it is sent away
            while not ended.is_set():
                writer.write(data)
                await writer.drain()
        writer.close()

    async def use(osc, arrived) -> None:
        floods = [asyncio.create_task(flood(osc.address, n)) for n in range(peers)]
        await until(lambda: sum(id.startswith("peer") for id in arrived) == peers)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(osc.address)
            for n in range(10):
                before = len(arrived)
                client.send(ping(f"honest {n}"))
                await until(lambda n=n, before=before: f"honest {n}" in arrived[before:])
                between = arrived[before : arrived.index(f"honest {n}", before)]
                assert len(between) <= 3 * peers, len(between)
        ended.set()
        await asyncio.gather(*floods)

    with_server(use)
