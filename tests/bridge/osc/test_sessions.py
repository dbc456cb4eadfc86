"""Who listens, by a clock of the test's own: nothing is kept of those who are gone."""

from __future__ import annotations

from bridge.limits import LEASE_S
from bridge.osc.sessions import Clients


def sizes(thing: object) -> list[int]:
    """Of every table that it holds."""
    return [len(table) for table in vars(thing).values() if isinstance(table, (dict, set, list))]


def test_nothing_is_left_of_ten_thousand_clients():
    now = [0.0]
    clients = Clients(lambda: now[0])
    for n in range(10_000):
        now[0] += 1.0
        source = (f"10.0.{n % 7}.1", n) if n % 2 else ("10.0.0.1", n, "tcp")
        to = clients.reply_address(source, n if n % 3 == 0 and n % 2 else None)
        clients.register("studio", source, to, follows_all=n % 5 == 0)
        clients.follow(f"job{n}", to)
        assert to in clients.audience(f"job{n}") and len(clients) <= LEASE_S + 1
        clients.forget_job(f"job{n}")
        if len(source) == 3:
            clients.forget(source)
    now[0] += LEASE_S + 1
    assert len(clients) == 0 and max(sizes(clients)) == 0
