"""Packets that wait to be served: a source's in the order they came, sources in turns.

So one that floods holds up only itself, and a ping from another is answered at once. Pure: no clock, no loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bridge.errors import MessageError
from bridge.limits import MAX_BACKLOG_BYTES, MAX_BACKLOG_BYTES_OF_ONE

_OVERHEAD = 100  # bytes that a packet takes beside its own
_OVERHEAD_OF_LINE = 1000  # … and a source of which any waits

S = TypeVar("S", bound=Hashable)  # a source
Packet = bytes | MessageError  # or why it is none: its answer waits its turn


@dataclass
class _Line:
    packets: deque[Packet] = field(default_factory=deque)
    size: int = 0


class Backlog(Generic[S]):
    """Holds at most MAX_BACKLOG_BYTES, and MAX_BACKLOG_BYTES_OF_ONE of one source."""

    def __init__(self) -> None:
        self._lines: dict[S, _Line] = {}  # in the order of their turns
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __contains__(self, source: S) -> bool:
        """Whether something of this source's waits."""
        return source in self._lines

    def add(self, packet: Packet, source: S) -> bool:
        """False when there is no room for it."""
        size = _size(packet)
        line = self._lines.get(source)
        everything = self._size + _OVERHEAD_OF_LINE * (len(self._lines) + (line is None)) + size
        if everything > MAX_BACKLOG_BYTES or (line and line.size + size > MAX_BACKLOG_BYTES_OF_ONE):
            return False
        self._extend(source, [packet], size)
        return True

    def put_back(self, parts: Iterable[bytes], source: S) -> None:
        """The parts of a packet that was taken: the next of this source's, in their order."""
        parts = [*parts]
        self._extend(source, [], sum(map(_size, parts)))
        self._lines[source].packets.extendleft(reversed(parts))

    def take(self) -> tuple[Packet, S]:
        """Who is next, and what it sent. IndexError when nothing waits."""
        if not self._lines:
            raise IndexError("nothing waits")
        source = next(iter(self._lines))
        line = self._lines.pop(source)
        packet = line.packets.popleft()
        size = _size(packet)
        line.size -= size
        self._size -= size
        if line.packets:
            self._lines[source] = line  # after all others
        return packet, source

    def _extend(self, source: S, packets: list[Packet], size: int) -> None:
        line = self._lines.setdefault(source, _Line())
        line.packets.extend(packets)
        line.size += size
        self._size += size


def _size(packet: Packet) -> int:
    return _OVERHEAD + (len(packet) if isinstance(packet, bytes) else 0)
