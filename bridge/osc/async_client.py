"""The client for programs that run on asyncio: what `client.Client` does, with any number of jobs at once on one socket.

    async with AsyncClient() as client:
        async for event in client.generate("dub techno, 124 bpm", duration_s=8):
            print(event)

Used from one event loop. UDP may lose a datagram, and a repeated id is harmless: what is not answered in time is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from bridge import user
from bridge.errors import MessageError, NoDaemon
from bridge.osc import codec, parsing, replies, spec
from bridge.osc.client import new_id
from bridge.osc.replies import (
    Ack,
    BindingInfo,
    Cancelled,
    Done,
    Entry,
    Estimated,
    Fail,
    Found,
    ModelReply,
    Pong,
    PresetInfo,
    Reply,
    State,
    Welcome,
)

_RESEND_S = 1.0
_QUIET_S = 5.0  # without an event of a job: ask again
_MOST_UNREAD = 10_000  # events that nobody took from `events`; the oldest go

R = TypeVar("R", bound=Reply)
L = TypeVar("L", PresetInfo, ModelReply)


class AsyncClient:
    """One socket to one daemon, open inside `async with`. Raises NoDaemon after `patience_s` without any answer."""

    def __init__(self, port: int = spec.DEFAULT_PORT, host: str = "127.0.0.1", patience_s: float = 5.0, token: str = ""):
        self._token = token or None
        self._patience_s = patience_s
        self._address = (host, port)
        self._waiting: dict[str, asyncio.Queue[Reply | NoDaemon]] = {}
        self._others: asyncio.Queue[Reply] = asyncio.Queue(_MOST_UNREAD)
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> AsyncClient:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(self), remote_addr=self._address)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open.close()

    @property
    def _open(self) -> asyncio.DatagramTransport:
        assert self._transport, "use it inside 'async with'"
        return self._transport

    async def ping(self) -> Pong | Fail:
        return await self._ask(Pong, "ping")

    async def hello(self, name: str, events: str = "own") -> Welcome | Fail:
        """With events "all", `events` gives those of every job from now on, as long as something is asked now and then."""
        return await self._ask(Welcome, "hello", name, spec.PROTOCOL, events=events)

    async def status(self, job: str | None = None) -> State | Fail:
        return await self._ask(State, "status", job=job)

    async def estimate(self, **pairs: object) -> Estimated | Fail:
        return await self._ask(Estimated, "estimate", **pairs)

    async def cancel(self, job: str) -> Ack | Fail:
        return await self._ask(Ack, "cancel", job=job)

    async def history(self, **query: object) -> tuple[Found, list[Entry]] | Fail:
        """Keys are those of /inspire/history."""
        return await self._list("history", query)

    async def jobs(self, **query: object) -> tuple[Found, list[Entry]] | Fail:
        """Those that run and wait. Keys are those of /inspire/jobs."""
        return await self._list("jobs", query)

    async def presets(self, bank: str | None = None) -> list[PresetInfo] | Fail:
        return await self._all(PresetInfo, "presets", {"bank": bank})

    async def models(self) -> list[ModelReply] | Fail:
        return await self._all(ModelReply, "models", {})

    async def keep(self, job: str, keep: bool = True) -> Ack | Fail:
        return await self._ask(Ack, "keep", job, keep=keep)

    async def delete(self, job: str) -> Ack | Fail:
        return await self._ask(Ack, "delete", job)

    async def save_preset(self, name: str, job: str) -> PresetInfo | Fail:
        return await self._ask(PresetInfo, "preset/save", name, job)

    async def pause(self) -> Ack | Fail:
        return await self._ask(Ack, "pause")

    async def resume(self) -> Ack | Fail:
        return await self._ask(Ack, "resume")

    async def set_gain(self, gain_db: float) -> Ack | Fail:
        return await self._ask(Ack, "gain", gain_db)

    async def tell_transport(self, bpm: float, position_beats: float, playing: bool, **pairs: Any) -> Ack | Fail:
        """Reports where the host is, in quarter notes; keys are those of /inspire/transport. Counts for 3 s: renew it."""
        return await self._ask(Ack, "transport", bpm, position_beats, playing, **pairs)

    async def play(self, job: str, variation: int = 1) -> Ack | Fail:
        return await self._ask(Ack, "play", job, variation=variation)

    async def quit(self) -> Ack | Fail:
        return await self._ask(Ack, "quit")

    def generate(self, prompt: str, *, id: str | None = None, **pairs: object) -> AsyncIterator[Reply]:
        """Starts a job and gives its replies as they come: ack, queued, progress, chunk, and its end last."""
        return self._run("generate", [prompt], id, pairs)

    def continue_clip(self, clip: str, *, id: str | None = None, **pairs: object) -> AsyncIterator[Reply]:
        return self._run("continue", [clip], id, pairs)

    def fill(
        self, clip: str, start_s: float = 0.0, end_s: float = 0.0, *, id: str | None = None, **pairs: object
    ) -> AsyncIterator[Reply]:
        """What takes the place of a part of a clip; in bars with start_bar and end_bar. Keys are those of /inspire/fill."""
        return self._run("fill", [clip, start_s, end_s], id, pairs)

    def sketch(self, prompt: str = "", *, id: str | None = None, **pairs: object) -> AsyncIterator[Reply]:
        return self._run("sketch", [prompt], id, pairs)

    def upsample(self, clip: str, *, id: str | None = None, **pairs: object) -> AsyncIterator[Reply]:
        return self._run("upsample", [clip], id, pairs)

    def reconstruct(self, clip: str, *, id: str | None = None, **pairs: object) -> AsyncIterator[Reply]:
        return self._run("reconstruct", [clip], id, pairs)

    def arrange(self, sections: str, *, id: str | None = None, **pairs: object) -> AsyncIterator[Reply]:
        """A piece of sections such as "intro:4 verse:8=guitar outro:4"; keys are those of /inspire/arrange."""
        return self._run("arrange", [sections], id, pairs)

    def again(self, job: str, *, id: str | None = None, **pairs: object) -> AsyncIterator[Reply]:
        return self._run("again", [job], id, pairs)

    async def ask(self, name: str, *arguments: object, **pairs: object) -> Reply:
        """Any command by its short name, and its first reply. Raises NoDaemon, and MessageError for an unknown key."""
        id = new_id()
        with _Inbox(self, id) as inbox:
            return await self._first(inbox, name, [*arguments], pairs)

    async def _ask(self, expected: type[R], name: str, *arguments: object, **pairs: object) -> R | Fail:
        reply = await self.ask(name, *arguments, **pairs)
        assert isinstance(reply, (expected, Fail)), f"{name} was answered by {reply}"
        return reply

    async def events(self) -> AsyncIterator[Reply]:
        """Replies to what this client is not waiting for: those of others' jobs after `hello` with events "all"."""
        while True:
            yield await self._others.get()

    def _send(self, name: str, id: str, arguments: list[Any], pairs: dict[str, Any]) -> None:
        pairs = {**pairs, "token": self._token, "user": user.number()}
        address, values = parsing.encode_command(f"/inspire/{name}", id, arguments, pairs)
        self._open.sendto(codec.encode(address, values))

    async def _first(self, inbox: _Inbox, name: str, arguments: list[Any], pairs: dict[str, Any]) -> Reply:
        """Sends until there is an answer."""
        tries = max(1, round(self._patience_s / _RESEND_S))
        for _ in range(tries):
            self._send(name, inbox.id, arguments, pairs)
            if reply := await inbox.next(self._patience_s / tries):
                return reply
        raise NoDaemon(f"the daemon on port {self._address[1]} does not answer: look at its log, or end it and start it again")

    async def _run(self, name: str, arguments: list[Any], id: str | None, pairs: dict[str, Any]) -> AsyncIterator[Reply]:
        with _Inbox(self, id or new_id()) as inbox:
            reply = await self._first(inbox, name, arguments, pairs)
            while True:
                yield reply
                if isinstance(reply, (Done, Fail, Cancelled, BindingInfo)):
                    return
                # A lost end must not be waited for: asking again replays it.
                reply = await inbox.next(_QUIET_S) or await self._first(inbox, name, arguments, pairs)

    async def _list(self, name: str, query: dict[str, Any]) -> tuple[Found, list[Entry]] | Fail:
        """A list that moves meanwhile is asked for anew."""
        with _Inbox(self, new_id()) as inbox:
            found = await self._first(inbox, name, [], query)
            if not isinstance(found, Found):
                assert isinstance(found, Fail), f"{name} was answered by {found}"
                return found
            entries: dict[int, Entry] = {}
            while len(entries) < found.shown:
                reply = await inbox.next(_RESEND_S) or await self._first(inbox, name, [], query)
                if isinstance(reply, Found):
                    found, entries = reply, {}
                elif isinstance(reply, Entry):
                    entries[reply.index] = reply
            return found, [entries[index] for index in sorted(entries)]

    async def _all(self, of: type[L], name: str, query: dict[str, Any]) -> list[L] | Fail:
        """Replies that each say how many there are."""
        with _Inbox(self, new_id()) as inbox:
            reply = await self._first(inbox, name, [], query)
            found: dict[int, L] = {}
            while not isinstance(reply, Fail):
                assert isinstance(reply, of), f"{name} was answered by {reply}"
                found[reply.index] = reply
                if len(found) == reply.count:
                    return [found[index] for index in sorted(found)]
                reply = await inbox.next(_RESEND_S) or await self._first(inbox, name, [], query)
            return reply


class _Inbox:
    """What comes for one id, while somebody waits for it."""

    def __init__(self, client: AsyncClient, id: str):
        assert id not in client._waiting, f"{id} is being waited for already"
        self.id = id
        self._client = client
        self._queue: asyncio.Queue[Reply | NoDaemon] = asyncio.Queue()

    def __enter__(self) -> _Inbox:
        self._client._waiting[self.id] = self._queue
        return self

    def __exit__(self, *_: object) -> None:
        del self._client._waiting[self.id]

    async def next(self, timeout_s: float) -> Reply | None:
        try:
            async with asyncio.timeout(timeout_s):
                came = await self._queue.get()
        except TimeoutError:
            return None
        if isinstance(came, NoDaemon):
            raise came
        return came


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, client: AsyncClient):
        self._client = client

    def datagram_received(self, packet: bytes, _address: tuple[Any, ...]) -> None:
        try:
            reply = replies.decode_reply(*codec.decode(packet))
        except MessageError:
            return  # not of this protocol: of a newer daemon, say
        client = self._client
        if reply.id in client._waiting:
            client._waiting[reply.id].put_nowait(reply)
            return
        if client._others.full():
            client._others.get_nowait()
        client._others.put_nowait(reply)

    def error_received(self, error: Exception) -> None:
        """The system says that nobody listens there."""
        port = self._client._address[1]
        for queue in self._client._waiting.values():
            queue.put_nowait(NoDaemon(f"no daemon runs on port {port}: start one with 'inspire serve'"))
