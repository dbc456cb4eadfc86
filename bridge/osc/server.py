"""The daemon's OSC sockets: datagrams and packets in TCP streams in, replies out. Bundles are served at their time.

Runs on the event loop and is used from its thread only. The socket is ours because socketserver cuts datagrams at 8,192
bytes, and because it is drained before anything is served: a burst waits in our memory, where there is room, and not in the
kernel's buffer, where there is not. There it waits in a line for each sender.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable
from itertools import groupby

from bridge import limits
from bridge.errors import MessageError, PortTaken, SettingsError
from bridge.osc import codec, commands, datagrams, replies, spec
from bridge.osc.backlog import Backlog
from bridge.osc.tcp import TcpServer

RECEIVE_BUFFER = 8 * 2**20  # bytes asked of the kernel, which may grant less
_ATTEMPTS = 20  # for a port number that is free for both, where any will do

Address = tuple  # (host, port), and "tcp" after it for a connection
Received = commands.Command | MessageError
Serve = Callable[[Received, Address], None]

log = logging.getLogger(__name__)


class OscServer:
    """Binds on creation, so that a taken port is known at once; serves from `start` to `close`.

    Where `token` is not empty every command must bring it, as the source of a datagram can be forged. `serve` is called once for
    every message and its sender: with the command, or with why it is none. `gone` is called with the address of a connection
    that has ended.
    """

    def __init__(
        self, host: str, port: int, serve: Serve, gone: Callable[[Address], None] = lambda address: None, token: str = ""
    ):
        self._serve = serve
        self._token = token
        self._backlog = Backlog()
        self._scheduled: set[asyncio.TimerHandle] = set()
        self._room = memoryview(bytearray(limits.MAX_DATAGRAM_IN))  # for each datagram: 64 KB of its own would scatter the heap
        self._socket, stream = bind(host, port)
        self._tcp = TcpServer(stream, self._take, self._refusal, gone)

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

    def send(self, reply: replies.Reply, to: Address, most_bytes: int = spec.MAX_DATAGRAM_OUT) -> None:
        datagram = datagrams.encode(reply, most_bytes)
        if len(to) == 3:
            self._tcp.send(datagram, to)
            return
        try:
            self._socket.sendto(datagram, to)
        except OSError as error:  # a client that is gone must not end the daemon
            log.warning("cannot send a %s to %s:%d: %s", replies.name_of(reply), *to, error)

    def _drain(self) -> None:
        """Takes what waits, then one packet is served; the rest is served in turns, with a drain before each."""
        for _ in range(limits.MAX_DRAINED):  # a flood does not end
            try:
                size, source = self._socket.recvfrom_into(self._room)
            except BlockingIOError:
                break
            except ConnectionResetError:  # Windows: an earlier reply found its client gone
                continue
            self._take(bytes(self._room[:size]), source)

    def _take(self, packet: bytes | MessageError, source: Address) -> None:
        if isinstance(packet, MessageError):
            self._serve(packet, source)
            return
        idle = not self._backlog
        if not self._backlog.add(packet, source):
            self._serve(MessageError("too many commands at once: try again in a second", "busy"), source)
        elif idle:
            self._loop.call_soon(self._serve_next)

    def _serve_next(self) -> None:
        packet, source = self._backlog.take()
        if self._backlog:
            self._loop.call_soon(self._serve_next)
        if codec.is_bundle(packet):
            self._open(packet, source)
        elif received := self._read(packet):
            self._serve(received, source)

    def _open(self, bundle: bytes, source: Address) -> None:
        """What it holds for now is served next, one in a turn like any message."""
        now: list[bytes] = []
        try:
            elements = list(codec.split(bundle))
            if any(codec.seconds_until(timetag) > limits.MAX_AHEAD_S for timetag, _ in elements):
                most = f"at most {limits.MAX_AHEAD_S:g} s are allowed"
                raise MessageError(f"this bundle's time is too far ahead: {most}", "too_early")
        except MessageError as error:
            self._serve(error, source)
            return
        for timetag, group in groupby(elements, key=lambda element: element[0]):
            messages = [message for _, message in group]
            if (wait_s := codec.seconds_until(timetag)) > 0:
                self._schedule(wait_s, messages, source)
            else:
                now += messages
        if now:
            if not self._backlog:
                self._loop.call_soon(self._serve_next)
            self._backlog.put_back(now, source)

    def _schedule(self, wait_s: float, messages: list[bytes], source: Address) -> None:
        """What is wrong is told at once: only commands wait, so that nobody without the token takes up room."""
        coming = []
        for message in messages:
            received = self._read(message)
            if isinstance(received, MessageError):
                self._serve(received, source)
            elif received:
                coming.append(received)
        if coming and len(self._scheduled) == limits.MAX_SCHEDULED:
            self._serve(MessageError("too many bundles wait for their time: try again later", "busy"), source)
        elif coming:
            waiting = self._loop.call_later(wait_s, lambda: self._come(waiting, coming, source))
            self._scheduled.add(waiting)

    def _come(self, waiting: asyncio.TimerHandle, batch: list[Received], source: Address) -> None:
        self._scheduled.discard(waiting)
        for received in batch:
            self._serve(received, source)

    def _read(self, message: bytes) -> Received | None:
        """None for a reply: answering an answer could go on for ever between two daemons."""
        try:
            address, arguments = codec.decode(message)
            if address in spec.REPLIES:
                return None
            return commands.parse_command(address, arguments, self._token)
        except MessageError as error:
            return error

    def _refusal(self, first: bytes | MessageError) -> bytes | None:
        """The answer to a connection whose first packet, or the first message in it, is not a right command; None: it is."""
        try:
            if isinstance(first, MessageError):
                raise first
            message = next((message for _, message in codec.split(first)), None)
            if message is None:
                raise MessageError("this bundle is empty: the first packet of a connection must be a command")
            commands.parse_command(*codec.decode(message), self._token)
        except MessageError as error:
            return datagrams.encode(replies.fail(error, error.id))
        return None


def bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP socket and a TCP socket of one port number. Raises PortTaken, and SettingsError for an address that is not ours."""
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
            if error.errno == errno.EADDRNOTAVAIL:
                raise SettingsError(f"host is {host!r}: no network interface of this machine has that address", "host") from None
            if error.errno != errno.EADDRINUSE:
                raise
            if port or attempt == _ATTEMPTS - 1:
                raise PortTaken(f"{kind} port {port} is taken") from None
    raise AssertionError("unreachable")
