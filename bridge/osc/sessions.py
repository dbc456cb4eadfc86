"""Who listens, and where: leases, reply addresses and who follows which job. Used from the event loop's thread only."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.limits import LEASE_S
from bridge.osc.replies import Reply
from bridge.osc.spec import MAX_DATAGRAM_OUT

Address = tuple[Any, ...]  # (host, port), and "tcp" after it for a connection


class ReplySink(Hashable, Protocol):
    """A client that takes its replies itself, rather than at a network address: MIDI, a box of the mailbox. Hashable."""

    @property
    def name(self) -> str:
        """For people, as long as it has not said hello."""

    @property
    def turn(self) -> Hashable:
        """Sinks of one turn take their jobs' turns as one client."""

    def send(self, reply: Reply) -> None: ...


Peer = Address | ReplySink


@dataclass
class _Lease:
    name: str
    source: Peer  # where the hello came from
    follows_all: bool
    max_datagram: int  # bytes
    expires: float


class Clients:
    """Registered clients by where replies go. A client that says nothing for LEASE_S is forgotten; jobs it asked for go on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._leases: dict[Peer, _Lease] = {}
        self._followers: dict[str, set[Peer]] = {}

    def __len__(self) -> int:
        self._forget_the_silent()
        return len(self._leases)

    def register(self, name: str, source: Peer, reply_to: Peer, follows_all: bool, max_datagram: int = MAX_DATAGRAM_OUT) -> None:
        for address in [address for address, lease in self._leases.items() if lease.source == source]:
            del self._leases[address]  # it now listens somewhere else
        self._leases[reply_to] = _Lease(name, source, follows_all, max_datagram, self._clock() + LEASE_S)

    def reply_address(self, source: Peer, reply_port: int | None) -> Peer:
        """Where to answer a command: its reply port, else its registered client's address, else its own source. Renews."""
        self._forget_the_silent()
        to = source
        if reply_port is not None and isinstance(source, tuple):
            to = (source[0], reply_port)
        else:
            to = next((address for address, lease in self._leases.items() if lease.source == source), source)
        if to in self._leases:
            self._leases[to].expires = self._clock() + LEASE_S
        return to

    def name_of(self, peer: Peer) -> str:
        """As it said hello, else its address."""
        if lease := self._leases.get(peer):
            return lease.name
        return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else peer.name

    def max_datagram(self, peer: Peer) -> int:
        """Bytes of the largest reply that may go there."""
        lease = self._leases.get(peer)
        return lease.max_datagram if lease else MAX_DATAGRAM_OUT

    def turn_of(self, peer: Peer) -> Hashable:
        """Whose turn a job of `peer` waits for: a registered client has its own, all others of a host share one, so that a
        command line, which comes from a new port each time, is not a new client each time.
        """
        if peer in self._leases:
            return peer
        return peer[0] if isinstance(peer, tuple) else peer.turn

    def forget(self, address: Address) -> None:
        """Its connection has ended."""
        for gone in [to for to, lease in self._leases.items() if address in (to, lease.source)]:
            del self._leases[gone]
        for followers in self._followers.values():
            followers.discard(address)

    def follow(self, job: str, peer: Peer) -> None:
        """`peer` follows the job until `forget_job`."""
        self._followers.setdefault(job, set()).add(peer)

    def forget_job(self, job: str) -> None:
        self._followers.pop(job, None)

    def audience(self, job: str) -> set[Peer]:
        """Who follows a job: whoever asked for it, and those who follow everything."""
        self._forget_the_silent()
        return self._followers.get(job, set()) | {address for address, lease in self._leases.items() if lease.follows_all}

    def _forget_the_silent(self) -> None:
        now = self._clock()
        for address in [address for address, lease in self._leases.items() if lease.expires < now]:
            del self._leases[address]
