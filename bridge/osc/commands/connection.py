"""Who is speaking: a client makes itself known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bridge.osc.commands.table import Command, Table
from bridge.osc.fields import Meta
from bridge.osc.protocol import LEAST_DATAGRAM_OUT, MAX_DATAGRAM_OUT, PROTOCOL

TABLE = Table()


@TABLE.command(
    "/inspire/hello",
    "registers a client: its replies go to one place, it receives events; any message renews the lease",
    "welcome",
    "fail",
)
@dataclass(frozen=True)
class Hello(Command):
    name: Annotated[str, Meta("who is speaking", 0, 100)]
    protocol: Annotated[int, Meta(f"the protocol it speaks: {PROTOCOL}", 1, 1000)]
    events: Annotated[str, Meta("own: of the jobs it asked for; all: of every job", choices=("own", "all"))] = "own"
    max_datagram: Annotated[int, Meta("bytes of the largest reply it can read", LEAST_DATAGRAM_OUT, MAX_DATAGRAM_OUT)] = (
        MAX_DATAGRAM_OUT
    )
