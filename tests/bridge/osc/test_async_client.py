"""The library's two clients against a real daemon: the asynchronous one does what the other does, for many jobs at once."""

from __future__ import annotations

import asyncio
import inspect
import socket
import typing

import pytest

from bridge.client import Ack, AsyncClient, Cancelled, Chunk, Client, Done, Fail, MessageError, NoDaemon, Pong, Welcome
from bridge.osc import codec
from bridge.osc.replies import encode_reply


def test_jobs_at_once_are_kept_apart(daemon):
    async def run() -> list[list]:
        async with AsyncClient(daemon.port) as client:

            async def job(seed: int) -> list:
                return [event async for event in client.generate(f"tune {seed}", duration_s=1, seed=seed)]

            return await asyncio.gather(*map(job, range(20)))

    for seed, reported in enumerate(asyncio.run(run())):
        assert isinstance(reported[0], Ack) and isinstance(reported[-1], Done) and reported[-1].pairs["seed"] == seed
        assert sum(isinstance(event, Chunk) for event in reported) == 4 and {event.id for event in reported} == {reported[0].id}


def test_it_says_what_the_other_says(daemon):
    async def run():
        async with AsyncClient(daemon.port) as client:
            assert isinstance(await client.ping(), Pong)
            assert isinstance(await client.hello("a test"), Welcome)
            *_, end = [event async for event in client.generate("dub", duration_s=0.5, id="asked-twice")]
            assert [event async for event in client.generate("dub", duration_s=0.5, id="asked-twice")][-1] == end
            found, entries = await client.history(words="dub", limit=5)
            fail = await client.keep("nobody")
            return end, found, entries, fail, await client.presets(), await client.models()

    end, found, entries, fail, presets, models = asyncio.run(run())
    with Client(daemon.port) as client:
        assert [entry.job for entry in client.history(words="dub", limit=5)[1]] == [entry.job for entry in entries]
        assert client.status("asked-twice").pairs["path"] == end.path
    assert found.shown == len(entries) and entries[0].job == "asked-twice"
    assert isinstance(fail, Fail) and fail.code == "no_such_job"
    assert len(presets) == presets[0].count > 10 and models[0].count == len(models)


def test_a_job_is_cancelled_while_its_events_are_read(daemon):
    async def run() -> list:
        reported = []
        async with AsyncClient(daemon.port) as client:
            async for event in client.generate("slow", duration_s=60):
                reported.append(event)
                if isinstance(event, Chunk) and event.index == 1:
                    assert isinstance(await client.cancel(event.id), Ack)
        return reported

    assert isinstance(asyncio.run(run())[-1], Cancelled)


def test_events_of_others_are_received(daemon):
    async def run():
        async with AsyncClient(daemon.port) as listener, AsyncClient(daemon.port) as maker:
            await listener.hello("listener", events="all")
            *_, end = [event async for event in maker.generate("dub", duration_s=0.5)]
            async with asyncio.timeout(30):
                async for event in listener.events():
                    if event.id == end.id and isinstance(event, Done):
                        return event == end

    assert asyncio.run(run())


def test_a_fail_is_an_end_and_a_wrong_key_never_sent(daemon):
    async def run():
        async with AsyncClient(daemon.port) as client:
            reported = [event async for event in client.generate("dub", bpm=5000)]
            with pytest.raises(MessageError, match="tempo"):
                await client.ask("generate", "dub", tempo=120)
            return reported

    reported = asyncio.run(run())
    assert len(reported) == 1 and reported[0].code == "bad_value"


def test_without_a_daemon_it_says_so():
    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        async with AsyncClient(port) as client:
            with pytest.raises(NoDaemon, match="inspire serve"):
                await client.ping()

    asyncio.run(run())


def test_lost_answers_are_asked_for_again():
    """A daemon whose every other answer is lost."""

    async def run() -> int:
        class Lossy(asyncio.DatagramProtocol):
            asked = 0

            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, packet, address):
                type(self).asked += 1
                if self.asked % 2 == 0:
                    _, (id, *_rest) = codec.decode(packet)
                    self.transport.sendto(b"no OSC at all", address)
                    self.transport.sendto(codec.encode(*encode_reply(Pong(id, "1", 1))), address)

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Lossy, local_addr=("127.0.0.1", 0))
        async with AsyncClient(transport.get_extra_info("sockname")[1]) as client:
            assert isinstance(await client.ping(), Pong)
            assert isinstance(await client.ping(), Pong)
        transport.close()
        return Lossy.asked

    assert asyncio.run(run()) == 4


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_the_library_is_typed(client):
    for name, method in inspect.getmembers(client, inspect.isfunction):
        if not name.startswith("_"):
            hints = typing.get_type_hints(method)
            assert "return" in hints, name
            plain = [
                p.name for p in inspect.signature(method).parameters.values() if p.name != "self" and p.kind != p.VAR_KEYWORD
            ]
            assert {*plain} <= {*hints}, name


def test_both_clients_have_the_same_methods():
    names = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}
    theirs = {name for name, _ in inspect.getmembers(AsyncClient, inspect.isfunction) if not name.startswith("_")}
    assert names - theirs <= {"close", "send", "receive", "bindings", "learn", "forget"}
