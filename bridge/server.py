"""The daemon's OSC sockets: datagrams and TCP frames in, replies out. Bundles are served at their time.

Runs on the event loop and is used from its thread only. The socket is ours because socketserver cuts datagrams at 8,192
bytes, and because it is drained to the last datagram before anything is served: a burst waits in our memory, where there is
room, and not in the kernel's buffer, where there is not.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from itertools import groupby

from bridge import commands, osc_spec, replies, wire
from bridge.errors import MessageError, PortTaken
from bridge.tcp import TcpServer

MAX_DATAGRAM_IN = 65_535
RECEIVE_BUFFER = 8 * 2**20  # bytes asked of the kernel, which may grant less
MAX_BACKLOG = 10_000  # packets drained but not yet served
MAX_AHEAD_S = 60.0  # of a bundle's time
MAX_SCHEDULED = 1_000  # bundles whose time has not come
_ATTEMPTS = 20  # for a port number that is free for both, where any will do

Address = tuple  # (host, port), and "tcp" after it for a connection
Received = commands.Command | MessageError
Serve = Callable[[Received, Address], None]

log = logging.getLogger(__name__)


class OscServer:
    """Binds on creation, so that a taken port is known at once; serves from `start` to `close`.

    `serve` is called once for every message and its sender: with the command, or with why it is none. `gone` is called with
    the address of a connection that has ended.
    """

    def __init__(self, host: str, port: int, serve: Serve, gone: Callable[[Address], None] = lambda address: None):
        self._serve = serve
        self._backlog: deque[tuple[bytes, Address]] = deque()
        self._scheduled: set[asyncio.TimerHandle] = set()
        self._socket, stream = bind(host, port)
        self._tcp = TcpServer(stream, self._take, gone)

    @property
    def address(self) -> Address:
        return self._socket.getsockname()

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._drain)
        await self._tcp.start()

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._tcp.close()
        for waiting in self._scheduled:
            waiting.cancel()

    def send(self, reply: replies.Reply, to: Address) -> None:
        address, values = replies.encode_reply(reply)
        datagram = wire.encode(address, values)
        assert len(datagram) <= osc_spec.MAX_DATAGRAM_OUT, f"{address} of {len(datagram)} bytes"
        if len(to) == 3:
            self._tcp.send(datagram, to)
            return
        try:
            self._socket.sendto(datagram, to)
        except OSError as error:  # a client that is gone must not end the daemon
            log.warning("cannot send %s to %s:%d: %s", address, *to, error)

    def _drain(self) -> None:
        """Takes every waiting datagram, then serves one; the rest is served in turns, with a drain before each."""
        while True:
            try:
                datagram, source = self._socket.recvfrom(MAX_DATAGRAM_IN)
            except BlockingIOError:
                break
            except ConnectionResetError:  # Windows: an earlier reply found its client gone
                continue
            self._take(datagram, source)

    def _take(self, packet: bytes | MessageError, source: Address) -> None:
        if isinstance(packet, MessageError):
            self._serve(packet, source)
        elif len(self._backlog) == MAX_BACKLOG:
            self._serve(MessageError("too many commands at once: try again in a second", "busy"), source)
        else:
            if not self._backlog:
                self._loop.call_soon(self._serve_next)
            self._backlog.append((packet, source))

    def _serve_next(self) -> None:
        packet, source = self._backlog.popleft()
        if self._backlog:
            self._loop.call_soon(self._serve_next)
        try:
            elements = list(wire.split(packet))
            if any(wire.seconds_until(timetag) > MAX_AHEAD_S for timetag, _ in elements):
                raise MessageError(f"this bundle's time is too far ahead: at most {MAX_AHEAD_S:g} s are allowed", "too_early")
        except MessageError as error:
            self._serve(error, source)
            return
        for timetag, group in groupby(elements, key=lambda element: element[0]):
            self._serve_at(timetag, [message for _, message in group], source)

    def _serve_at(self, timetag: int, batch: list[bytes], source: Address) -> None:
        wait_s = wire.seconds_until(timetag)
        if wait_s <= 0:
            for message in batch:
                self._serve_message(message, source)
        elif len(self._scheduled) == MAX_SCHEDULED:
            self._serve(MessageError("too many bundles wait for their time: try again later", "busy"), source)
        else:
            waiting = self._loop.call_later(wait_s, lambda: self._come(waiting, batch, source))
            self._scheduled.add(waiting)

    def _come(self, waiting: asyncio.TimerHandle, batch: list[bytes], source: Address) -> None:
        self._scheduled.discard(waiting)
        for message in batch:
            self._serve_message(message, source)

    def _serve_message(self, message: bytes, source: Address) -> None:
        try:
            address, arguments = wire.decode(message)
            if address in osc_spec.REPLIES:
                return  # answering an answer could go on for ever between two daemons
            received: Received = commands.parse_command(address, arguments)
        except MessageError as error:
            received = error
        self._serve(received, source)


def bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP socket and a TCP socket of one port number. Raises PortTaken."""
    for attempt in range(_ATTEMPTS):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        kind = "UDP"
        try:
            datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            datagrams.setblocking(False)
            datagrams.bind((host, port))
            kind = "TCP"
            if os.name == "posix":  # elsewhere it would let two programs share the port
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stream.bind(datagrams.getsockname())
            return datagrams, stream
        except OSError as error:
            datagrams.close()
            stream.close()
            if error.errno != errno.EADDRINUSE:
                raise
            if port or attempt == _ATTEMPTS - 1:
                raise PortTaken(f"{kind} port {port} is taken") from None
    raise AssertionError("unreachable")
