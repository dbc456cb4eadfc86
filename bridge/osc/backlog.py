"""Packets that wait to be served: a source's in the order they came, sources in turns.

So one that floods holds up only itself, and a ping from another is answered at once. Pure: no clock, no loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from bridge.limits import MAX_BACKLOG_BYTES, MAX_BACKLOG_BYTES_OF_ONE

_OVERHEAD = 500  # bytes that a packet takes beside its own


@dataclass
class _Line:
    packets: deque[bytes] = field(default_factory=deque)
    size: int = 0


class Backlog:
    """Holds at most MAX_BACKLOG_BYTES, and MAX_BACKLOG_BYTES_OF_ONE of one source."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}  # in the order of their turns
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, packet: bytes, source: Hashable) -> bool:
        """False when there is no room for it."""
        size = len(packet) + _OVERHEAD
        line = self._lines.get(source)
        if self._size + size > MAX_BACKLOG_BYTES or (line and line.size + size > MAX_BACKLOG_BYTES_OF_ONE):
            return False
        self._extend(source, [packet], size)
        return True

    def put_back(self, parts: Iterable[bytes], source: Hashable) -> None:
        """The parts of a packet that was taken: the next of this source's, in their order."""
        parts = [*parts]
        self._extend(source, [], sum(len(part) + _OVERHEAD for part in parts))
        self._lines[source].packets.extendleft(reversed(parts))

    def take(self) -> tuple[bytes, Hashable]:
        """Who is next, and what it sent. IndexError when nothing waits."""
        if not self._lines:
            raise IndexError("nothing waits")
        source = next(iter(self._lines))
        line = self._lines.pop(source)
        packet = line.packets.popleft()
        size = len(packet) + _OVERHEAD
        line.size -= size
        self._size -= size
        if line.packets:
            self._lines[source] = line  # after all others
        return packet, source

    def _extend(self, source: Hashable, packets: list[bytes], size: int) -> None:
        line = self._lines.setdefault(source, _Line())
        line.packets.extend(packets)
        line.size += size
        self._size += size
