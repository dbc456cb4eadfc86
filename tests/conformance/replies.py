"""Everything that the server said while the other rules were checked: these come last."""

from __future__ import annotations

from tests.conformance.peers import Server, expect
from tests.conformance.rules import rule
from tests.conformance.table import MAX_DATAGRAM, PAIRS, REPLIES


@rule(f"no datagram is larger than {MAX_DATAGRAM:,} bytes")
def sizes(server: Server) -> None:
    largest = max(server.said, key=lambda reply: reply.size, default=None)
    expect(largest, "it said nothing")
    expect(largest.size <= MAX_DATAGRAM, f"{largest.size:,} bytes: {largest}")


@rule("only i, f and s are sent")
def types(server: Server) -> None:
    expect(server.said, "it said nothing")
    for reply in server.said:
        expect(set(reply.types) <= set("ifs"), f"types {reply.types} in {reply}")


@rule("every reply is as the table has it, the request's id first")
def shapes(server: Server) -> None:
    expect(server.said, "it said nothing")
    for reply in server.said:
        expect(reply.name in REPLIES, f"{reply}: there is no such reply")
        first = REPLIES[reply.name]
        rest = reply.types[len(first) :]
        expect(reply.types.startswith(first) and (not rest or reply.name in PAIRS), f"types {reply.types} in {reply}")
        keyed = len(rest) % 2 == 0 and set(rest[::2]) <= {"s"}
        expect(keyed, f"not key, value pairs: {reply}")
