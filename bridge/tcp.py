"""OSC over TCP: SLIP frames (OSC 1.1) on the UDP socket's port number, for texts too long for a datagram.

Runs on the event loop. A peer can harm no one but itself: connections, the size of a frame, what waits to be read by it, and
the time without a word are limited.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from bridge import limits, wire
from bridge.errors import MessageError

Address = tuple  # (host, port, "tcp"): never equal to a UDP address

log = logging.getLogger(__name__)


class TcpServer:
    """`serve` is called for every frame, or with why it is none; `gone` when a peer has left."""

    def __init__(
        self, bound: socket.socket, serve: Callable[[bytes | MessageError, Address], None], gone: Callable[[Address], None]
    ):
        self._socket = bound
        self._serve = serve
        self._gone = gone
        self._peers: dict[Address, _Peer] = {}

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Peer(self), sock=self._socket)

    def close(self) -> None:
        self._server.close()
        for peer in [*self._peers.values()]:
            peer.transport.close()  # after what is still to be sent

    def send(self, packet: bytes, to: Address) -> None:
        """To a peer that has left: nothing happens."""
        if to in self._peers:
            self._peers[to].send(packet)


class _Peer(asyncio.Protocol):
    def __init__(self, server: TcpServer):
        self._server = server
        self._frames = wire.SlipReader()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.address = (*transport.get_extra_info("peername")[:2], "tcp")
        self._waiting = None
        if len(self._server._peers) == limits.MAX_CONNECTIONS:
            log.warning("refused a connection from %s:%d: %d are open", *self.address[:2], limits.MAX_CONNECTIONS)
            transport.abort()
            return
        self._server._peers[self.address] = self
        self._stay()

    def data_received(self, data: bytes) -> None:
        self._stay()
        for frame in self._frames.feed(data):
            self._server._serve(frame, self.address)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._waiting:
            self._waiting.cancel()
        if self._server._peers.get(self.address) is self:
            del self._server._peers[self.address]
            self._server._gone(self.address)

    def send(self, packet: bytes) -> None:
        self._stay()
        self.transport.write(wire.slip(packet))
        if self.transport.get_write_buffer_size() > limits.MAX_UNREAD:
            log.warning("%s:%d does not read its replies: disconnected", *self.address[:2])
            self.transport.abort()

    def _stay(self) -> None:
        """Puts off the end of a silent connection."""
        if self._waiting:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(limits.IDLE_S, self.transport.abort)
