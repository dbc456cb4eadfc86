"""An OSC client of the daemon: commands with their replies matched by id. Used by the command line and the tests.

    with Client() as client:
        for event in client.generate("dub techno, 124 bpm", duration_s=8):
            print(event)

UDP may lose a datagram, and a repeated id is harmless: what is not answered within a second is sent again.
"""

from __future__ import annotations

import socket
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from bridge import user
from bridge.errors import NoDaemon
from bridge.osc import codec, parsing, replies, spec
from bridge.osc.replies import (
    Ack,
    BindingInfo,
    Cancelled,
    Done,
    Entry,
    Estimated,
    Fail,
    Found,
    Pong,
    PresetInfo,
    Queued,
    Reply,
    State,
    Welcome,
)

_RESEND_S = 1.0
_QUIET_S = 5.0  # without an event of a job: ask again
_BUFFER = 2**20

R = TypeVar("R", bound=Reply)
L = TypeVar("L", Entry, BindingInfo)


class Client:
    """One socket to one daemon. Not thread-safe. Raises NoDaemon after `patience_s` without any answer."""

    def __init__(self, port: int = spec.DEFAULT_PORT, host: str = "127.0.0.1", patience_s: float = 5.0, token: str = ""):
        self._token = token or None
        self._patience_s = patience_s
        self._replies: deque[Reply] = deque()  # that came while another was waited for
        self._port = port
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, port))  # so that the system says when nobody listens there
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def ping(self) -> Pong | Fail:
        return self._ask(Pong, "ping")

    def hello(self, name: str, events: str = "own") -> Welcome | Fail:
        """With events "all", `receive` gives those of every job from now on, as long as something is asked now and then."""
        return self._ask(Welcome, "hello", name, spec.PROTOCOL, events=events)

    def status(self, job: str | None = None) -> State | Fail:
        return self._ask(State, "status", job=job)

    def cancel(self, job: str) -> Ack | Fail:
        return self._ask(Ack, "cancel", job=job)

    def history(self, **query: Any) -> tuple[Found, list[Entry]] | Fail:
        """Keys are those of /inspire/history. Raises NoDaemon when an entry does not come."""
        return self._list(Entry, "history", query)

    def jobs(self, **query: Any) -> tuple[Found, list[Entry]] | Fail:
        """Those that run and wait, as `history` gives those that were. Keys are those of /inspire/jobs."""
        return self._list(Entry, "jobs", query)

    def keep(self, job: str, keep: bool = True) -> Ack | Fail:
        return self._ask(Ack, "keep", job, keep=keep)

    def delete(self, job: str) -> Ack | Fail:
        return self._ask(Ack, "delete", job)

    def save_preset(self, name: str, job: str) -> PresetInfo | Fail:
        return self._ask(PresetInfo, "preset/save", name, job)

    def pause(self) -> Ack | Fail:
        return self._ask(Ack, "pause")

    def resume(self) -> Ack | Fail:
        return self._ask(Ack, "resume")

    def set_gain(self, gain_db: float) -> Ack | Fail:
        return self._ask(Ack, "gain", gain_db)

    def tell_transport(self, bpm: float, position_beats: float, playing: bool, **pairs: Any) -> Ack | Fail:
        """Reports where the host is, in quarter notes; keys are those of /inspire/transport. Counts for 3 s: renew it."""
        return self._ask(Ack, "transport", bpm, position_beats, playing, **pairs)

    def play(self, job: str, variation: int = 1) -> Ack | Fail:
        return self._ask(Ack, "play", job, variation=variation)

    def bindings(self) -> tuple[Found, list[BindingInfo]] | Fail:
        """What MIDI does."""
        return self._list(BindingInfo, "midi/list", {})

    def learn(self, action: str, *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        """Waits for a note, program or controller: gives an ack, then the binding or a fail."""
        return self._run_job("midi/learn", [action], id, pairs)

    def forget(self, kind: str, number: int | None = None, channel: int | None = None) -> Ack | Fail:
        return self._ask(Ack, "midi/forget", kind, number=number, channel=channel)

    def quit(self, drop: bool = False) -> Ack | Fail:
        return self._ask(Ack, "quit", drop=drop or None)

    def generate(self, prompt: str, *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        """Starts a job and gives its replies as they come: ack, queued, progress, chunk, and its end last."""
        return self._run_job("generate", [prompt], id, pairs)

    def continue_clip(self, clip: str, *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        return self._run_job("continue", [clip], id, pairs)

    def fill(
        self, clip: str, start_s: float = 0.0, end_s: float = 0.0, *, id: str | None = None, **pairs: Any
    ) -> Iterator[Reply]:
        """What takes the place of a part of a clip; in bars with start_bar and end_bar. Keys are those of /inspire/fill."""
        return self._run_job("fill", [clip, start_s, end_s], id, pairs)

    def sketch(self, prompt: str = "", *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        return self._run_job("sketch", [prompt], id, pairs)

    def upsample(self, clip: str, *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        return self._run_job("upsample", [clip], id, pairs)

    def reconstruct(self, clip: str, *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        return self._run_job("reconstruct", [clip], id, pairs)

    def arrange(self, sections: str, *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        """A piece of sections such as "intro:4 verse:8=guitar outro:4"; keys are those of /inspire/arrange."""
        return self._run_job("arrange", [sections], id, pairs)

    def again(self, job: str, *, id: str | None = None, **pairs: Any) -> Iterator[Reply]:
        return self._run_job("again", [job], id, pairs)

    def estimate(self, **pairs: Any) -> Estimated | Fail:
        """How long a request would take; keys are those of /inspire/estimate."""
        return self._ask(Estimated, "estimate", **pairs)

    def send(self, name: str, id: str, arguments: list[Any], pairs: dict[str, Any]) -> None:
        """Sends a command by its short name, once. Replies are then read with `receive`."""
        pairs = {**pairs, "token": self._token, "user": user.number()}
        address, values = parsing.encode_command(f"/inspire/{name}", id, arguments, pairs)
        with self._reachable():
            self._socket.send(codec.encode(address, values))

    def receive(self, id: str | None, timeout_s: float) -> Reply | None:
        """The next reply to the request `id`, or to any where it is None; None when there is none in time."""
        for reply in self._replies:
            if id in (None, reply.id):
                self._replies.remove(reply)
                return reply
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                with self._reachable():
                    datagram = self._socket.recv(65_535)
            except TimeoutError:
                return None
            reply = replies.decode_reply(*codec.decode(datagram))
            if id in (None, reply.id):
                return reply
            self._replies.append(reply)
        return None

    def _ask(self, expected: type[R], name: str, *arguments: Any, **pairs: Any) -> R | Fail:
        return self._request(expected, name, new_id(), [*arguments], pairs)

    def _request(self, expected: type[R], name: str, id: str, arguments: list[Any], pairs: dict[str, Any]) -> R | Fail:
        """Sends until there is an answer of the expected type, or a fail. Raises NoDaemon."""
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline:
            self.send(name, id, arguments, pairs)
            reply = self.receive(id, min(_RESEND_S, self._patience_s))
            if isinstance(reply, (expected, Fail)):
                return reply
        raise NoDaemon(f"the daemon on port {self._port} does not answer: look at its log, or end it and start it again")

    def _list(self, of: type[L], name: str, query: dict[str, Any]) -> tuple[Found, list[L]] | Fail:
        """A list that moves meanwhile is asked for anew, under a new id. Raises NoDaemon."""
        id = new_id()
        found = self._request(Found, name, id, [], query)
        if isinstance(found, Fail):
            return found
        entries: dict[int, L] = {}
        while len(entries) < found.shown:
            reply = self.receive(id, _RESEND_S) or self._request(Reply, name, id, [], query)
            if isinstance(reply, Found):
                found, entries = reply, {}
            elif isinstance(reply, of):
                entries[reply.index] = reply
        return found, [entries[index] for index in sorted(entries)]

    def _run_job(self, name: str, arguments: list[Any], id: str | None, pairs: dict[str, Any]) -> Iterator[Reply]:
        id = id or new_id()
        reply: Reply = self._request(Reply, name, id, arguments, pairs)
        while True:
            yield reply
            if isinstance(reply, (Done, Fail, Cancelled, BindingInfo)):
                return
            if isinstance(reply, Queued) and reply.pairs.get("later"):  # the daemon ends: another one will have the job
                return
            # A lost end must not be waited for: asking again replays it.
            reply = self.receive(id, _QUIET_S) or self._request(Reply, name, id, arguments, pairs)

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError:
            raise NoDaemon(f"no daemon runs on port {self._port}: start one with 'inspire serve'") from None


def new_id() -> str:
    return uuid.uuid4().hex[:12]
