"""TCP peers: served in turn, and ended where they are no right clients."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
import tracemalloc

import pytest

from bridge import limits
from bridge.osc import codec
from tests.bridge.osc.test_codec import bundle
from tests.bridge.osc.test_server import TOKEN, framed, ping, until, with_server


def test_tcp_peers_are_answered_on_their_connection_and_harm_no_one():
    async def use(osc, arrived) -> None:
        host, port = osc.address
        halves = [await asyncio.open_connection(host, port) for _ in range(2)]
        halves[0][1].write(codec.slip(ping("half"))[:9])
        reader, writer = halves[1]
        writer.write(b"".join(codec.slip(ping(f"t{n}")) for n in range(500)))
        frames, slip = [], codec.SlipReader()
        while len(frames) < 500:
            frames += slip.feed(await asyncio.wait_for(reader.read(65_536), 20))
        assert [codec.decode(frame)[1][0] for frame in frames] == [f"t{n}" for n in range(500)]
        for _, one in halves:
            one.close()
        await until(lambda: arrived.count("gone") == 2)

    assert "half" not in with_server(use, answer=True)


def test_a_small_packet_takes_little_memory_to_receive():
    """Buffers of 64 KB and more, made for every packet, left holes all over the heap: it grew by a third in 100,000 packets."""
    most: list[int] = []

    async def use(osc, arrived) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, socket.create_connection(osc.address) as peer:
            client.connect(osc.address)
            for send, packet in ((client.send, ping("u")), (peer.send, codec.slip(ping("t")))):
                for _ in range(3):  # the first brings what stays
                    arrived.clear()
                    before, _ = tracemalloc.get_traced_memory()
                    tracemalloc.reset_peak()
                    send(packet)
                    await until(lambda: arrived)
                most.append(tracemalloc.get_traced_memory()[1] - before)

    tracemalloc.start()
    try:
        with_server(use)
    finally:
        tracemalloc.stop()
    assert len(most) == 2 and max(most) < 32_000


STRANGE = {  # what a connection may begin with, and no right command does
    "HTTP": b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP with a method that looks like a bundle": b"#bundle / HTTP/1.1\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303"),
    "STUN": bytes.fromhex("000100002112a442") + bytes(12),
    "TURN": bytes.fromhex("000300242112a442") + bytes(12),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "gopher": b"\r\n",
    "a frame that is no OSC": b"\xc0hello\xc0",
    "a size too large": bytes.fromhex("7fffffff") + b"/inspire",
    "a size below zero": bytes.fromhex("ffffffff") + b"/inspire",
}
WRONG = {  # in form, but no right command
    "no command": codec.encode("/inspire/compose", ["j"]),
    "a reply": codec.encode("/inspire/ack", ["j"]),
    "no id": codec.encode("/inspire/ping", []),
    "an unknown key": codec.encode("/inspire/ping", ["j", "Host:", "localhost"]),
    "half a message": ping("j")[:-2],
    "HTTP with a method that looks like an address": b"/inspire/ping HTTP/1.1\r\n\r\n",
    "a wrong command in a bundle": bundle(codec.encode("/inspire/compose", ["j"]), ping("after")),
    "an empty bundle": bundle(),
}


@pytest.mark.parametrize("beginning", STRANGE.values(), ids=STRANGE)
def test_a_connection_that_does_not_begin_as_osc_is_ended_at_once(beginning):
    def say(address: tuple, step: int) -> bytes:
        """In pieces of `step` bytes, with commands behind: all that comes back."""
        with socket.create_connection(address, 20) as peer, contextlib.suppress(ConnectionError):  # ended before the last byte
            for start in range(0, len(beginning), step):
                peer.sendall(beginning[start : start + step])
                time.sleep(0.001)
            peer.sendall(codec.slip(ping("after")) * 3)
            return peer.recv(65_536)
        return b""

    async def use(osc, arrived) -> None:
        for step in (len(beginning), 1):
            assert await asyncio.to_thread(say, osc.address, step) == b""
        await until(lambda: arrived.count("gone") == 2)

    assert with_server(use, answer=True) == ["gone", "gone"]


@pytest.mark.parametrize("packet", WRONG.values(), ids=WRONG)
def test_a_connection_whose_first_packet_is_no_right_command_is_answered_and_ended(packet):
    async def use(osc, arrived) -> None:
        reader, writer = await asyncio.open_connection(*osc.address)
        writer.write(codec.slip(packet) + codec.slip(ping("after")) * 3)
        (rejection,) = codec.SlipReader().feed(await asyncio.wait_for(reader.read(65_536), 20))
        assert codec.decode(rejection)[0] == "/inspire/fail"
        assert await is_ended(reader)
        writer.close()
        await until(lambda: arrived)

    assert with_server(use, answer=True) == ["gone"]


async def is_ended(reader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(65_536), 20) == b""
    except ConnectionResetError:
        return True


async def introduce(peer, id: str) -> None:
    reader, writer = peer
    writer.write(codec.slip(codec.encode("/inspire/ping", [id, "token", TOKEN])))
    slip = codec.SlipReader()
    while not [*slip.feed(await asyncio.wait_for(reader.read(65_536), 20))]:
        pass


def test_strangers_are_sent_away_and_who_has_the_token_stays(monkeypatch):
    async def use(osc, arrived) -> None:
        known = await asyncio.open_connection(*osc.address)
        await introduce(known, "known")
        monkeypatch.setattr(limits, "PROVE_S", 0.2)
        silent, chatty = [await asyncio.open_connection(*osc.address) for _ in range(2)]
        chatty[1].write(b"".join(codec.slip(ping(f"{n}")) for n in range(50)))  # in form, but without the token
        (rejection,) = codec.SlipReader().feed(await asyncio.wait_for(chatty[0].read(65_536), 20))  # of the first, and no other
        assert codec.decode(rejection)[1][:2] == ["0", "token"]
        assert await is_ended(chatty[0]) and await is_ended(silent[0])
        await introduce(known, "still known")
        monkeypatch.setattr(limits, "IDLE_S", 0.2)
        await introduce(known, "and silent from now on")
        assert await is_ended(known[0])
        for _, writer in (silent, chatty, known):
            writer.close()
        await until(lambda: arrived.count("gone") == 3)

    assert "token" not in with_server(use, answer=True, token=TOKEN)  # it is not served, nor is what follows


def test_a_new_connection_takes_the_place_of_a_stranger_then_of_who_is_silent_but_not_of_who_speaks(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 2)

    async def use(osc, arrived) -> None:
        first, stranger = [await asyncio.open_connection(*osc.address) for _ in range(2)]
        await introduce(first, "first")
        second = await asyncio.open_connection(*osc.address)
        assert await is_ended(stranger[0])
        await introduce(second, "second")
        rejected = await asyncio.open_connection(*osc.address)
        assert await is_ended(rejected[0])
        await introduce(second, "second is served")
        monkeypatch.setattr(limits, "LEASE_S", 0.0)  # as if both were silent for long, the first for longer
        third = await asyncio.open_connection(*osc.address)
        assert await is_ended(first[0])
        await introduce(third, "third")
        await introduce(second, "second is still there")
        for _, writer in (first, stranger, second, rejected, third):
            writer.close()
        await until(lambda: arrived.count("gone") == 4)

    assert "second is still there" in with_server(use, answer=True, token=TOKEN)


def test_size_prefixed_packets_are_served_and_answered_so_however_they_are_cut():
    """OSC 1.0, as liblo and SuperCollider speak over TCP."""

    async def use(osc, arrived) -> None:
        stream = b"".join(framed(ping(f"p{n}")) for n in range(300))
        stream += struct.pack(">i", 100_000) + bytes(100_000) + framed(ping("after what is too long")) + framed(b"")
        for step in (1, 7, 5000, len(stream)):
            arrived.clear()
            reader, writer = await asyncio.open_connection(*osc.address)
            for start in range(0, min(len(stream), 9500 if step == 1 else len(stream)), step):
                writer.write(stream[start : start + step])
                if step < 10:
                    await writer.drain()
            for n in range(300):
                (size,) = struct.unpack(">i", await asyncio.wait_for(reader.readexactly(4), 20))
                assert codec.decode(await reader.readexactly(size))[1][0] == f"p{n}"
            if step > 1:
                await until(lambda: "after what is too long" in arrived)
                assert arrived.count("bad_packet") == 1
            writer.close()
            await until(lambda: "gone" in arrived)

    with_server(use, answer=True)


def test_a_size_that_cannot_be_ends_the_connection():
    async def use(osc, arrived) -> None:
        reader, writer = await asyncio.open_connection(*osc.address)
        writer.write(framed(ping("right")) + struct.pack(">i", -8) + framed(ping("lost")))
        await until(lambda: "gone" in arrived)
        writer.close()

    assert with_server(use) == ["gone", "right"]
