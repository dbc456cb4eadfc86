"""Clients of the server under test, over UDP and TCP, and what was reported to them."""

from __future__ import annotations

import socket
import struct
import time
import uuid
from dataclasses import dataclass, field

from pythonosc import slip
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.conformance.table import ENDS, REPLIES

SETTLE_S = 0.2  # how long to listen for an answer too many
NTP_EPOCH_S = 2_208_988_800


class Differs(Exception):
    """What the server does, and what it should do."""


@dataclass(frozen=True)
class Reply:
    name: str  # the address without /inspire/
    types: str
    values: list
    size: int  # bytes

    @property
    def id(self) -> object:
        return self.values[0] if self.values else None

    @property
    def pairs(self) -> dict:
        rest = self.values[len(REPLIES.get(self.name, "")) :]
        return dict(zip(rest[::2], rest[1::2], strict=False))

    def __str__(self) -> str:
        return f"{self.name} {' '.join(str(value)[:60] for value in self.values)}"


@dataclass
class Server:
    """Where the server is, and everything that it said."""

    host: str
    port: int
    patience_s: float
    token: str = ""
    said: list[Reply] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    def udp(self) -> Udp:
        return Udp(self)

    def tcp(self) -> Tcp:
        return Tcp(self)

    def sized_tcp(self) -> SizedTcp:
        return SizedTcp(self)

    def command(self, address: str, *arguments: object) -> bytes:
        """A message with the server's token, where it has one."""
        return encode(address, *arguments, *(["token", self.token] if self.token else []))

    def close(self) -> None:
        while self.peers:
            self.peers.pop().socket.close()


class Peer:
    """One client of the server. `receive` is for any reply, `answer` for one to a request's id."""

    def __init__(self, server: Server):
        self.server = server
        self.held: list[Reply] = []  # read, but not asked for yet
        server.peers.append(self)

    def send(self, address: str, *arguments: object) -> None:
        self.send_bytes(self.server.command(address, *arguments))

    def send_bytes(self, packet: bytes) -> None:
        raise NotImplementedError

    def read(self, timeout_s: float) -> bytes | None:
        """One packet, None when there is none in time."""
        raise NotImplementedError

    def receive(self, timeout_s: float) -> Reply | None:
        if self.held:
            return self.held.pop(0)
        packet = self.read(timeout_s)
        return self._keep(packet) if packet else None

    def answer(self, id: str, *names: str) -> Reply:
        """The next reply with this id, or the next of these names."""
        for number, reply in enumerate(self.held):
            if reply.id == id and (not names or reply.name in names):
                return self.held.pop(number)
        deadline = time.monotonic() + self.server.patience_s
        while (left := deadline - time.monotonic()) > 0:
            packet = self.read(left)
            reply = self._keep(packet) if packet else None
            if reply and reply.id == id and (not names or reply.name in names):
                return reply
            if reply:
                self.held.append(reply)
        raise Differs(f"no {' or '.join(names) or 'answer'} with the id {id} in {self.server.patience_s:g} s")

    def only_answer(self, id: str) -> Reply:
        """The answer to `id`, when it is the only one."""
        reply = self.answer(id)
        more = [one for one in self.settled() if one.id == id]
        expect(not more, f"{reply}, and then {more[0] if more else ''}: one answer is right")
        return reply

    def settled(self) -> list[Reply]:
        """Everything else that comes before the answer to a ping sent now, and shortly after it."""
        self.send("/inspire/ping", last := new_id())
        self.answer(last)
        until = time.monotonic() + SETTLE_S
        replies, self.held = self.held, []
        while (left := until - time.monotonic()) > 0:
            if packet := self.read(left):
                replies.append(self._keep(packet))
        return replies

    def job(self, id: str) -> list[Reply]:
        """The replies to a job, up to its end."""
        replies = [self.answer(id)]
        while replies[-1].name not in ENDS:
            replies.append(self.answer(id))
        return replies

    def _keep(self, packet: bytes) -> Reply:
        try:
            message = OscMessage(packet)
        except Exception as error:  # python-osc has several for it
            raise Differs(f"a packet that is no OSC message: {packet[:40]!r} ({error})") from error
        types = packet[packet.index(b",") + 1 :].split(b"\0")[0].decode() if b"," in packet else ""
        reply = Reply(message.address.removeprefix("/inspire/"), types, message.params, len(packet))
        self.server.said.append(reply)
        return reply


class Udp(Peer):
    def __init__(self, server: Server):
        super().__init__(server)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        self.socket.bind(("", 0))
        self.port = self.socket.getsockname()[1]

    def send_bytes(self, packet: bytes) -> None:
        self.socket.sendto(packet, (self.server.host, self.server.port))

    def read(self, timeout_s: float) -> bytes | None:
        self.socket.settimeout(max(timeout_s, 1e-4))
        try:
            return self.socket.recv(65_535)
        except TimeoutError:
            return None
        except ConnectionError:
            raise Differs(f"nobody listens on UDP port {self.server.port}") from None


class Tcp(Peer):
    """OSC 1.1: each packet is a SLIP frame."""

    def __init__(self, server: Server):
        super().__init__(server)
        self.stream = b""
        self.socket = socket.socket()
        self.socket.settimeout(server.patience_s)
        try:
            self.socket.connect((server.host, server.port))
        except OSError as error:
            raise Differs(f"no TCP connection on the UDP port's number: {error}") from None

    def send_bytes(self, packet: bytes) -> None:
        self.socket.sendall(slip.encode(packet))

    def read(self, timeout_s: float) -> bytes | None:
        deadline = time.monotonic() + timeout_s
        while (frame := self._frame()) is None:
            self.socket.settimeout(max(deadline - time.monotonic(), 1e-4))
            try:
                data = self.socket.recv(65_536)
            except TimeoutError:
                return None
            expect(data, "it ended the TCP connection")
            self.stream += data
        return frame

    def is_ended(self) -> bool:
        """Whether the server ends the connection in time. What it says before that is not looked at."""
        self.socket.settimeout(self.server.patience_s)
        try:
            while self.socket.recv(65_536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def _frame(self) -> bytes | None:
        while slip.END in self.stream:
            frame, _, self.stream = self.stream.partition(slip.END)
            if frame:
                return slip.decode(frame)
        return None


class SizedTcp(Tcp):
    """OSC 1.0: an int32 with its size before each packet."""

    def send_bytes(self, packet: bytes) -> None:
        self.socket.sendall(struct.pack(">i", len(packet)) + packet)

    def _frame(self) -> bytes | None:
        if len(self.stream) < 4:
            return None
        (size,) = struct.unpack_from(">i", self.stream)
        expect(0 < size <= 65_536, f"an answer that says it has {size} bytes: answers come framed as the commands did")
        if len(self.stream) < 4 + size:
            return None
        frame, self.stream = self.stream[4 : 4 + size], self.stream[4 + size :]
        return frame


def encode(address: str, *arguments: object) -> bytes:
    """Values are i, f or s by their type; a pair is a type and a value, such as ("d", 1.0)."""
    builder = OscMessageBuilder(address)
    for value in arguments:
        kind, value = value if isinstance(value, tuple) else ({int: "i", float: "f", str: "s"}[type(value)], value)
        builder.add_arg(value, kind)
    return builder.build().dgram


def bundle(ahead_s: float | None, *packets: bytes) -> bytes:
    """At once where `ahead_s` is None."""
    timetag = 1 if ahead_s is None else int((time.time() + ahead_s + NTP_EPOCH_S) * 2**32)
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(p)) + p for p in packets)


def new_id() -> str:
    return f"conformance-{uuid.uuid4().hex[:12]}"


def expect(right: object, reported: str) -> None:
    if not right:
        raise Differs(reported)
