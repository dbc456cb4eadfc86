"""Who listens, and where: leases, reply addresses and who follows which job. Used from the event loop's thread only."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from bridge.limits import LEASE_S
from bridge.osc.spec import MAX_DATAGRAM_OUT

Address = tuple  # (host, port), and "tcp" after it for a connection


@dataclass
class _Lease:
    name: str
    source: Address  # where the hello came from
    hears_all: bool
    max_datagram: int  # bytes
    expires: float


class Clients:
    """Registered clients by reply address. A client that says nothing for LEASE_S is forgotten; jobs it asked for go on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._leases: dict[Address, _Lease] = {}
        self._followers: dict[str, set[Address]] = {}

    def __len__(self) -> int:
        self._forget_the_silent()
        return len(self._leases)

    def register(
        self, name: str, source: Address, reply_to: Address, hears_all: bool, max_datagram: int = MAX_DATAGRAM_OUT
    ) -> None:
        for address in [address for address, lease in self._leases.items() if lease.source == source]:
            del self._leases[address]  # it now listens somewhere else
        self._leases[reply_to] = _Lease(name, source, hears_all, max_datagram, self._clock() + LEASE_S)

    def reply_address(self, source: Address, reply_port: int | None) -> Address:
        """Where to answer a command: its reply port, else its registered client's address, else its own source. Renews."""
        self._forget_the_silent()
        to = source
        if reply_port is not None:
            to = (source[0], reply_port)
        else:
            to = next((address for address, lease in self._leases.items() if lease.source == source), source)
        if to in self._leases:
            self._leases[to].expires = self._clock() + LEASE_S
        return to

    def name_of(self, address: Address) -> str:
        """As it said hello, else its address."""
        lease = self._leases.get(address)
        return lease.name if lease else f"{address[0]}:{address[1]}"

    def max_datagram(self, address: Address) -> int:
        """Bytes of the largest reply that may go there."""
        lease = self._leases.get(address)
        return lease.max_datagram if lease else MAX_DATAGRAM_OUT

    def turn_of(self, address: Address) -> Hashable:
        """Whose turn a job of `address` waits for: a registered client has its own, all others of a host share one, so that a
        command line, which comes from a new port each time, is not a new client each time.
        """
        return address if address in self._leases else address[0]

    def forget(self, address: Address) -> None:
        """Its connection has ended."""
        for gone in [to for to, lease in self._leases.items() if address in (to, lease.source)]:
            del self._leases[gone]
        for followers in self._followers.values():
            followers.discard(address)

    def follow(self, job: str, address: Address) -> None:
        """`address` hears of the job until `forget_job`."""
        self._followers.setdefault(job, set()).add(address)

    def forget_job(self, job: str) -> None:
        self._followers.pop(job, None)

    def audience(self, job: str) -> set[Address]:
        """Who hears of a job: whoever asked for it, and those who hear everything."""
        self._forget_the_silent()
        return self._followers.get(job, set()) | {address for address, lease in self._leases.items() if lease.hears_all}

    def _forget_the_silent(self) -> None:
        now = self._clock()
        for address in [address for address, lease in self._leases.items() if lease.expires < now]:
            del self._leases[address]
