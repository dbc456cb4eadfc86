"""OSC over TCP on the UDP socket's port number, for texts too long for a datagram. A peer is answered as it frames its packets.

Runs on the event loop. A peer can harm no one but itself: connections, the size of a frame, what waits to be read by it, and
the time without a word are limited. Who connects is a stranger until its first packet was a command that is right; any other
first packet ends the connection, and of one that does not begin as OSC nothing is read at all: a web page can make its browser
connect to any port, and send what it likes after the browser's own words. Strangers cannot take up the room of others.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable

from bridge import limits
from bridge.errors import MessageError
from bridge.osc import framing

_READ = 65_536  # bytes at a time

_TELLING = 16  # bytes of a stream's beginning that tell its framing, however many ENDs are before them

Address = tuple  # (host, port, "tcp"): never equal to a UDP address
Received = bytes | MessageError

log = logging.getLogger(__name__)


class TcpServer:
    """`serve` is called for every packet, or with why it is none; `gone` when a peer has left. `refusal` judges the first packet
    of a peer: the answer to one that is not a right command, None for one that is.
    """

    def __init__(
        self,
        bound: socket.socket,
        serve: Callable[[Received, Address], None],
        refusal: Callable[[Received], bytes | None],
        gone: Callable[[Address], None],
    ):
        self._socket = bound
        self._serve = serve
        self._refusal = refusal
        self._gone = gone
        self._peers: dict[Address, _Peer] = {}
        self._room = memoryview(bytearray(_READ))  # of all peers: what came is taken out before the next is read

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

    def make_room(self) -> bool:
        """For one more: where all places are taken, the oldest stranger goes, else who was silent for longest, but nobody who
        spoke or heard a word within LEASE_S: such a one may be a registered client.
        """
        if len(self._peers) < limits.MAX_CONNECTIONS:
            return True
        peer = min(self._peers.values(), key=lambda peer: (not peer.is_stranger, peer.active))
        if not peer.is_stranger and peer.active > time.monotonic() - limits.LEASE_S:
            return False
        peer.leave("others need its place")
        return True


class _Peer(asyncio.BufferedProtocol):
    def __init__(self, server: TcpServer):
        self._server = server
        self._framing: framing.Slip | framing.SizePrefix | None = None
        self._beginning = b""  # until it tells how packets stand in it
        self._waiting: asyncio.TimerHandle | None = None
        self.is_stranger = True
        self.active = time.monotonic()  # a stranger's: when it came

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        host, port = transport.get_extra_info("peername") or ("nowhere", 0)  # it may have left already
        self.address: Address = (host, port, "tcp")
        if not self._server.make_room():
            log.warning("refused a connection from %s:%d: %d are in use", *self.address[:2], limits.MAX_CONNECTIONS)
            transport.abort()
            return
        self._server._peers[self.address] = self
        self._end_after(limits.PROVE_S, "it brought no command that is right")

    def get_buffer(self, _size_hint: int) -> memoryview:
        return self._server._room

    def buffer_updated(self, size: int) -> None:
        self.stay()
        data = bytes(self._server._room[:size])
        try:
            if self._framing is None:
                data = self._beginning + data
                self._framing = framing.find(data)
                self._beginning = data[-_TELLING:]
            if self._framing:
                for packet in self._framing.feed(data):
                    self._take(packet)
                    if self.transport.is_closing():
                        return
        except framing.NotOsc as error:
            self.leave(f"it began with {error}" if self.is_stranger else f"it sent {error}")

    def _take(self, packet: Received) -> None:
        if self.is_stranger:
            if refusal := self._server._refusal(packet):
                self.send(refusal)
                self._end("its first packet was no command that is right")
                return
            self.is_stranger = False
            self.stay()
        self._server._serve(packet, self.address)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._forget()

    def send(self, packet: bytes) -> None:
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
        log.info("ended the connection with %s:%d: %s", *self.address[:2], why)
        self.transport.close()
        self._forget()  # its place is free now, and not only when the loop has closed it

    def stay(self) -> None:
        """Puts off the end of a silent connection. A stranger's comes whatever it says."""
        if not self.is_stranger:
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
