"""Who is next: higher priority first, clients of the same priority in turn, a client's own jobs in the order they came.

A client that joins, or comes back, takes its turn after those who wait already. Pure: no clock, no loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from itertools import chain, zip_longest
from typing import Generic, TypeVar

Item = TypeVar("Item")
_Ring = dict[Hashable, deque[Item]]  # clients in the order of their turns, each with what it has waiting


class JobQueue(Generic[Item]):
    """Iterates in the order in which `take` would give, were nothing added. Priority 0 is the highest."""

    def __init__(self, priorities: int):
        self._rings: list[_Ring] = [{} for _ in range(priorities)]
        self._places: dict[Item, tuple[int, Hashable]] = {}  # priority and client of each

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Item]:
        for ring in self._rings:
            turns = zip_longest(*ring.values())
            yield from (item for item in chain.from_iterable(turns) if item is not None)

    def add(self, item: Item, priority: int, client: Hashable) -> None:
        self._rings[priority].setdefault(client, deque()).append(item)
        self._places[item] = (priority, client)

    def take(self) -> Item:
        """Removes who is next; that client's following one waits for its next turn. IndexError when nobody waits."""
        for priority, ring in enumerate(self._rings):
            if ring:
                client, own = next(iter(ring.items()))
                item = own[0]
                self.remove(item)
                if client in ring:
                    self._rings[priority][client] = ring.pop(client)
                return item
        raise IndexError("nobody waits")

    def remove(self, item: Item) -> None:
        priority, client = self._places.pop(item)
        ring = self._rings[priority]
        ring[client].remove(item)
        if not ring[client]:
            del ring[client]

    def ahead_of(self, item: Item) -> int:
        """How many would be taken before it."""
        priority, client = self._places[item]
        higher = sum(len(own) for ring in self._rings[:priority] for own in ring.values())
        ring = self._rings[priority]
        turn = ring[client].index(item)
        before = [*ring].index(client)
        return higher + sum(min(len(own), turn + (place < before)) for place, own in enumerate(ring.values()))
