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
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from bridge import limits
from bridge.errors import MessageError, PortTaken, SettingsError
from bridge.osc import codec, commands, datagrams, parsing, replies, spec
from bridge.osc.backlog import Backlog, Packet
from bridge.osc.tcp import TcpServer

RECEIVE_BUFFER = 8 * 2**20  # bytes asked of the kernel, which may grant less
LOOPBACK, LOOPBACK_6 = "127.0.0.1", "::1"
_ATTEMPTS = 20  # for a port number that is free for both, where any will do

Address = tuple[Any, ...]  # (host, port), and "tcp" after it for a connection
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
        self._backlog: Backlog[Address] = Backlog()
        self._is_serving = False  # something comes to be served in the loop's next turn
        self._scheduled: set[asyncio.TimerHandle] = set()
        self._room = memoryview(bytearray(limits.MAX_DATAGRAM_IN))  # for each datagram: 64 KB of its own would scatter the heap
        self._udp, streams = bind(host, port)
        self._tcp = TcpServer(streams, self._take, self._rejection, gone)

    @property
    def address(self) -> Address:
        address: Address = self._udp[0].getsockname()
        return address

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        for one in self._udp:
            self._loop.add_reader(one, self._drain, one)
        await self._tcp.start()

    def close(self) -> None:
        for one in self._udp:
            self._loop.remove_reader(one)
            one.close()
        self._tcp.close()
        for waiting in self._scheduled:
            waiting.cancel()

    def send(self, reply: replies.Reply, to: Address, most_bytes: int = spec.MAX_DATAGRAM_OUT) -> None:
        datagram = datagrams.encode(reply, most_bytes)
        if len(to) == 3:
            self._tcp.send(datagram, to)
            return
        family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
        try:
            next(one for one in self._udp if one.family == family).sendto(datagram, to)
        except OSError as error:  # a client that is gone must not end the daemon
            log.warning("cannot send a %s to %s:%d: %s", replies.name_of(reply), *to, error)

    def _drain(self, one: socket.socket) -> None:
        """Takes what waits, then one packet is served; the rest is served in turns, with a drain before each."""
        for _ in range(limits.MAX_DRAINED):  # a flood does not end
            try:
                size, source = one.recvfrom_into(self._room)
            except BlockingIOError:
                break
            except ConnectionResetError:  # Windows: an earlier reply found its client gone
                continue
            self._take(bytes(self._room[:size]), source[:2])

    def _take(self, packet: Packet, source: Address) -> None:
        if self._backlog.add(packet, source):
            self._keep_serving()
            return
        self._serve(MessageError("too many commands at once: try again in a second", "busy"), source)
        self._loop.call_soon(self._tcp.go_on, source)

    def _keep_serving(self) -> None:
        """One packet in a turn of the loop, while any waits."""
        if self._backlog and not self._is_serving:
            self._is_serving = True
            self._loop.call_soon(self._serve_next)

    def _serve_next(self) -> None:
        """One packet. A connection is read on once its last one is served."""
        packet, source = self._backlog.take()
        self._is_serving = False
        self._keep_serving()
        if isinstance(packet, MessageError):
            self._tcp.was_unreadable(source)
            self._serve(packet, source)
        elif codec.is_bundle(packet):
            self._open(packet, source)
        elif received := self._read(packet, source):
            self._serve(received, source)
        if source not in self._backlog:
            self._tcp.go_on(source)

    def _open(self, bundle: bytes, source: Address) -> None:
        """What it holds for now is served next, one in a turn like any message."""
        now: list[bytes] = []
        try:
            elements = list(islice(codec.split(bundle), limits.MAX_BUNDLED + 1))
            if len(elements) > limits.MAX_BUNDLED:
                raise MessageError(f"this bundle holds too many messages: at most {limits.MAX_BUNDLED} are allowed")
            groups = [(codec.seconds_until(timetag), [*group]) for timetag, group in groupby(elements, key=itemgetter(0))]
            if any(wait_s > limits.MAX_AHEAD_S for wait_s, _ in groups):
                most = f"at most {limits.MAX_AHEAD_S:g} s are allowed"
                raise MessageError(f"this bundle's time is too far ahead: {most}", "too_early")
        except MessageError as error:
            self._tcp.was_unreadable(source)
            self._serve(error, source)
            return
        for wait_s, group in groups:
            messages = [message for _, message in group]
            if wait_s > 0:
                self._schedule(wait_s, messages, source)
            else:
                now += messages
        if now:
            self._backlog.put_back(now, source)
            self._keep_serving()

    def _schedule(self, wait_s: float, messages: list[bytes], source: Address) -> None:
        """What is wrong is answered at once: only commands wait, so that nobody without the token takes up room."""
        coming: list[Received] = []
        for message in messages:
            received = self._read(message, source)
            if isinstance(received, MessageError):
                self._serve(received, source)
            elif received:
                coming.append(received)
        if coming and len(self._scheduled) == limits.MAX_SCHEDULED:
            self._serve(MessageError("too many bundles wait for their time: try again later", "busy"), source)
        elif coming:
            waiting: asyncio.TimerHandle = self._loop.call_later(wait_s, lambda: self._come(waiting, coming, source))
            self._scheduled.add(waiting)

    def _come(self, waiting: asyncio.TimerHandle, batch: list[Received], source: Address) -> None:
        self._scheduled.discard(waiting)
        for received in batch:
            self._serve(received, source)

    def _read(self, message: bytes, source: Address) -> Received | None:
        """None for a reply: answering an answer could go on for ever between two daemons."""
        try:
            address, arguments = codec.decode(message)
        except MessageError as error:
            self._tcp.was_unreadable(source)
            return error
        self._tcp.was_read(source)
        if address in spec.REPLIES:
            return None
        try:
            return parsing.parse_command(address, arguments, self._token)
        except MessageError as error:
            return error

    def _rejection(self, first: bytes | MessageError) -> bytes | None:
        """The answer to a connection whose first packet, or the first message in it, is not a right command; None: it is."""
        try:
            if isinstance(first, MessageError):
                raise first
            message = next((message for _, message in codec.split(first)), None)
            if message is None:
                raise MessageError("this bundle is empty: the first packet of a connection must be a command")
            parsing.parse_command(*codec.decode(message), self._token)
        except MessageError as error:
            return datagrams.encode(replies.fail(error, error.id))
        return None


def bind(host: str, port: int) -> tuple[list[socket.socket], list[socket.socket]]:
    """UDP and TCP sockets of one port number: at `host`, and at IPv6's loopback where IPv4's is among what is listened to.

    So it does not matter what a `localhost` becomes. Raises PortTaken, and SettingsError for an address that is not ours.
    """
    hosts = [host, LOOPBACK_6] if socket.has_ipv6 and host in (LOOPBACK, "0.0.0.0") else [host]
    for attempt in range(_ATTEMPTS):
        udp: list[socket.socket] = []
        tcp: list[socket.socket] = []
        try:
            for one in hosts:
                _bind(one, udp[0].getsockname()[1] if udp else port, udp, tcp)
        except PortTaken:
            _close(udp + tcp)
            if port or attempt == _ATTEMPTS - 1:
                raise
        except OSError:
            _close(udp + tcp)
            raise
        else:
            return udp, tcp
    raise AssertionError("unreachable")


def _bind(host: str, port: int, udp: list[socket.socket], tcp: list[socket.socket]) -> None:
    """Adds the two sockets, but none where this machine has no IPv6."""
    is_6 = ":" in host
    kind = "UDP"
    made: list[socket.socket] = []
    try:
        for kind, type_ in (("UDP", socket.SOCK_DGRAM), ("TCP", socket.SOCK_STREAM)):
            made.append(one := socket.socket(socket.AF_INET6 if is_6 else socket.AF_INET, type_))
            if is_6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind == "UDP":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                one.setblocking(False)
            elif os.name == "posix":  # elsewhere it would let two programs share the port
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, port))
            port = one.getsockname()[1]
    except OSError as error:
        _close(made)
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"{kind} port {port}{f' of {host}' if is_6 else ''} is taken") from None
        if is_6:
            log.info("not reachable at %s: %s", host, error.strerror)
            return
        if error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(f"host is {host!r}: no network interface of this machine has that address", "host") from None
        raise
    udp.append(made[0])
    tcp.append(made[1])


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()
