"""Who is next: jobs that go first before the others, clients of a kind in turn, a client's own jobs in the order they came.

So that nobody waits for ever, after `in_a_row` of those that go first one of the others has its turn. A client that joins, or
comes back, takes its turn after those who wait already. Pure: no clock, no loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from itertools import chain, zip_longest
from typing import Generic, TypeVar

Item = TypeVar("Item")
_Ring = dict[Hashable, deque[Item]]  # clients in the order of their turns, each with what it has waiting


class JobQueue(Generic[Item]):
    """Iterates in the order in which `take` would give, were nothing added."""

    def __init__(self, in_a_row: int):
        self._in_a_row = in_a_row
        self._row = 0  # how many of those that go first were taken since the last of the others
        self._first: _Ring[Item] = {}
        self._others: _Ring[Item] = {}
        self._places: dict[Item, tuple[_Ring[Item], Hashable]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Item]:
        first, others = deque(_turns(self._first)), deque(_turns(self._others))
        row = self._row
        while first or others:
            if first and (row < self._in_a_row or not others):
                yield first.popleft()
                row += 1
            else:
                yield others.popleft()
                row = 0

    def add(self, item: Item, client: Hashable, *, first: bool) -> None:
        ring = self._first if first else self._others
        ring.setdefault(client, deque()).append(item)
        self._places[item] = (ring, client)

    def take(self) -> Item:
        """Removes who is next; that client's following one waits for its next turn. IndexError when nobody waits."""
        if not self._places:
            raise IndexError("nobody waits")
        is_first = bool(self._first) and (self._row < self._in_a_row or not self._others)
        ring = self._first if is_first else self._others
        self._row = self._row + 1 if is_first else 0
        client, own = next(iter(ring.items()))
        item = own[0]
        self.remove(item)
        if client in ring:
            ring[client] = ring.pop(client)
        return item

    def remove(self, item: Item) -> None:
        ring, client = self._places.pop(item)
        ring[client].remove(item)
        if not ring[client]:
            del ring[client]

    def ahead_of(self, item: Item) -> int:
        """How many would be taken before it."""
        ring, client = self._places[item]
        turn, before = ring[client].index(item), [*ring].index(client)
        alike = sum(min(len(own), turn + (place < before)) for place, own in enumerate(ring.values()))
        until_other = max(0, self._in_a_row - self._row)  # of those that go first, before one of the others
        if ring is self._first:
            turns = 0 if alike < until_other else 1 + (alike - until_other) // self._in_a_row
            return alike + min(_size(self._others), turns)
        return alike + min(_size(self._first), until_other + alike * self._in_a_row)


def _turns(ring: _Ring[Item]) -> Iterator[Item]:
    return (item for item in chain.from_iterable(zip_longest(*ring.values())) if item is not None)


def _size(ring: _Ring[Item]) -> int:
    return sum(map(len, ring.values()))
