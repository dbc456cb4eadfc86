"""OSC over TCP on the UDP socket's port number, for texts too long for a datagram. A peer is answered as it frames its packets.

Runs on the event loop. A peer can harm no one but itself: connections, the size of a frame, what waits to be read by it, and
the time without a byte are limited. A connection is unproven until its first packet was a valid command (with the token, where
there is one); any other first packet ends it, and of one that does not begin as OSC nothing is read at all: a web page can make
its browser connect to any port, and send what it likes after the browser's own bytes. Unproven connections cannot take up the
room of others.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from bridge import limits
from bridge.errors import MessageError
from bridge.osc import framing

_READ = 8192  # bytes at a time: of each peer once in a turn of the loop
_LINE = 100  # packets of a peer that wait to be served: nothing more is read meanwhile
_LOG_LIMIT, _LOG_WINDOW_S = 20, 10.0  # messages about connections, s: so that nobody can fill the log

_FRAMING_BYTES = 16  # bytes of a stream's beginning that determine its framing, however many ENDs are before them

Address = tuple[Any, ...]  # (host, port, "tcp"): never equal to a UDP address
Received = bytes | MessageError

log = logging.getLogger(__name__)


class TcpServer:
    """`serve` is called for every packet, or with why it is none; `gone` when a peer left. `rejection` judges the first packet
    of a peer: the answer to one that is not a right command, None for one that is.
    """

    def __init__(
        self,
        bound: list[socket.socket],
        serve: Callable[[Received, Address], None],
        rejection: Callable[[Received], bytes | None],
        gone: Callable[[Address], None],
    ):
        self._bound = bound
        self._serve = serve
        self._rejection = rejection
        self._gone = gone
        self._peers: dict[Address, _Peer] = {}
        self._logged = self._suppressed = 0
        self._window_began = 0.0
        self._room = memoryview(bytearray(_READ))  # of all peers: what came is taken out before the next is read

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._servers = [await loop.create_server(lambda: _Peer(self), sock=one) for one in self._bound]

    def close(self) -> None:
        for server in self._servers:
            server.close()
        for peer in [*self._peers.values()]:
            peer.transport.close()  # after what is still to be sent

    def send(self, packet: bytes, to: Address) -> None:
        """To a peer that has left: nothing happens."""
        if to in self._peers:
            self._peers[to].send(packet)

    def was_read(self, address: Address) -> None:
        """A message from there could be read. Nothing happens where there is no such peer, here and in what follows."""
        if peer := self._peers.get(address):
            peer.unreadable = peer.unreadable_bytes = 0

    def was_unreadable(self, address: Address) -> None:
        """A packet from there is no OSC. A peer that brings nothing else goes: its stream is out of step, or it means harm."""
        if peer := self._peers.get(address):
            peer.unreadable += 1
            peer.check()

    def go_on(self, address: Address) -> None:
        """All that this peer brought is served: more is read."""
        if peer := self._peers.get(address):
            peer.go_on()

    def log_limited(self, message: str, *values: object) -> None:
        """Logs at most _LOG_LIMIT messages within _LOG_WINDOW_S, then how many there were more."""
        if (now := time.monotonic()) > self._window_began + _LOG_WINDOW_S:
            if self._suppressed:
                log.info("… and of %d more connections", self._suppressed)
            self._window_began, self._logged, self._suppressed = now, 0, 0
        if self._logged < _LOG_LIMIT:
            self._logged += 1
            log.info(message, *values)
        else:
            self._suppressed += 1

    def make_room(self) -> bool:
        """For one more: where all places are taken, the oldest unproven connection goes, else the one silent for longest,
        but none that sent or was sent anything within LEASE_S: such a one may be a registered client.
        """
        if len(self._peers) < limits.MAX_CONNECTIONS:
            return True
        peer = min(self._peers.values(), key=lambda peer: (not peer.is_unproven, peer.active))
        if not peer.is_unproven and peer.active > time.monotonic() - limits.LEASE_S:
            return False
        peer.leave("others need its place")
        return True


class _Peer(asyncio.BufferedProtocol):
    def __init__(self, server: TcpServer):
        self._server = server
        self._framing: framing.Slip | framing.SizePrefix | None = None
        self._beginning = b""  # until it shows how packets stand in it
        self._waiting: asyncio.TimerHandle | None = None
        self._packets: Iterator[Received] = iter(())  # read, but not served yet
        self._line = 0  # of them in a row
        self.unreadable = self.unreadable_bytes = 0  # packets and bytes since the last message that could be read
        self.is_unproven = True
        self.active = time.monotonic()  # of an unproven one: when it came

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        host, port = (transport.get_extra_info("peername") or ("nowhere", 0))[:2]  # it may have left already
        self.address: Address = (host, port, "tcp")
        if not self._server.make_room():
            self._server.log_limited("closed a connection from %s:%d: %d are in use", *self.address[:2], limits.MAX_CONNECTIONS)
            transport.abort()
            return
        self._server._peers[self.address] = self
        self._end_after(limits.PROVE_S, "it brought no command that is right")

    def get_buffer(self, _size_hint: int) -> memoryview:
        return self._server._room

    def buffer_updated(self, size: int) -> None:
        self.stay()
        self.unreadable_bytes += size
        data = bytes(self._server._room[:size])
        try:
            if self._framing is None:
                data = self._beginning + data
                self._framing = framing.find(data)
                self._beginning = data[-_FRAMING_BYTES:]
        except framing.NotOsc as error:
            self.leave(f"it began with {error}")
        if self._framing:
            self._packets = self._framing.feed(data)
            self._hand_over()

    def go_on(self) -> None:
        was_full, self._line = self._line >= _LINE, 0
        if was_full and not self.transport.is_closing():
            self.transport.resume_reading()
            self._hand_over()

    def _hand_over(self) -> None:
        """What was read, up to a line full; then nothing is read until that is served."""
        try:
            for packet in self._packets:
                if not self._take(packet):
                    return
                self._line += 1
                if self._line >= _LINE:
                    self.transport.pause_reading()
                    return
        except framing.NotOsc as error:
            self.leave(f"it sent {error}")
        self.check()

    def check(self) -> None:
        too_much = self.unreadable > limits.MAX_UNREADABLE or self.unreadable_bytes > limits.MAX_UNREADABLE_BYTES
        if too_much and not self.transport.is_closing():
            self.leave("it sends what is no OSC")

    def _take(self, packet: Received) -> bool:
        if self.is_unproven:
            if rejection := self._server._rejection(packet):
                self.send(rejection)
                self._end("its first packet was no command that is right")
                return False
            self.is_unproven = False
            self.stay()
        self._server._serve(packet, self.address)
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._forget()

    def send(self, packet: bytes) -> None:
        assert self._framing, "a peer is answered when it has sent something"
        self.stay()
        self.transport.write(self._framing.encode(packet))
        if self.transport.get_write_buffer_size() > limits.MAX_UNREAD:
            self.leave("it does not read its replies")

    def leave(self, why: str) -> None:
        """At once: what is still to be sent is lost."""
        self.transport.abort()
        self._end(why)

    def _end(self, why: str) -> None:
        """After what is still to be sent. Nothing more is read."""
        self._server.log_limited("ended the connection with %s:%d: %s", *self.address[:2], why)
        self.transport.close()
        self._forget()  # its place is free now, and not only when the loop has closed it

    def stay(self) -> None:
        """Puts off the end of a silent connection. That of an unproven one comes whatever it sends."""
        if not self.is_unproven:
            self.active = time.monotonic()
            self._end_after(limits.IDLE_S, "it was silent")

    def _end_after(self, wait_s: float, why: str) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(wait_s, self.leave, why)

    def _forget(self) -> None:
        if self._server._peers.get(self.address) is self:
            del self._server._peers[self.address]
            self._server._gone(self.address)
