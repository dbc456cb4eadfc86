"""The daemon's OSC socket: datagrams in, replies out.

Runs on the event loop and is used from its thread only. The socket is ours because socketserver cuts datagrams at 8,192
bytes, and because it is drained to the last datagram before anything is served: a burst waits in our memory, where there is
room, and not in the kernel's buffer, where there is not.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections import deque
from collections.abc import Callable

from bridge import messages, osc_spec, wire
from bridge.errors import MessageError, PortTaken

MAX_DATAGRAM_IN = 65_535
RECEIVE_BUFFER = 8 * 2**20  # bytes asked of the kernel, which may grant less
MAX_BACKLOG = 10_000  # datagrams drained but not yet served

Address = tuple[str, int]
Received = messages.Command | MessageError
Serve = Callable[[Received, Address], None]

log = logging.getLogger(__name__)


class OscServer:
    """Binds on creation, so that a taken port is known at once; serves from `start` to `close`.

    `serve` is called once for every message and its sender: with the command, or with why it is none.
    """

    def __init__(self, host: str, port: int, serve: Serve):
        self._serve = serve
        self._backlog: deque[tuple[bytes, Address]] = deque()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self._socket.setblocking(False)
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(f"UDP port {port} is held by another program") from None
            raise

    @property
    def address(self) -> Address:
        return self._socket.getsockname()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._drain)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def send(self, reply: messages.Reply, to: Address) -> None:
        address, values = messages.encode_reply(reply)
        datagram = wire.encode(address, values)
        assert len(datagram) <= osc_spec.MAX_DATAGRAM_OUT, f"{address} of {len(datagram)} bytes"
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
            if len(self._backlog) == MAX_BACKLOG:
                self._serve(MessageError("too many commands at once: try again in a second", "busy"), source)
                continue
            if not self._backlog:
                self._loop.call_soon(self._serve_next)
            self._backlog.append((datagram, source))

    def _serve_next(self) -> None:
        datagram, source = self._backlog.popleft()
        if self._backlog:
            self._loop.call_soon(self._serve_next)
        try:
            for message in wire.split(datagram):
                self._serve_message(message, source)
        except MessageError as error:
            self._serve(error, source)

    def _serve_message(self, message: bytes, source: Address) -> None:
        try:
            address, arguments = wire.decode(message)
            if address in osc_spec.REPLIES:
                return  # answering an answer could go on for ever between two daemons
            received: Received = messages.parse_command(address, arguments)
        except MessageError as error:
            received = error
        self._serve(received, source)
