"""What the daemon does with each command, a file a noun: a command → its replies.

A handler is an async generator: it gives exactly one ack or fail (or what was asked for), then what follows from it. What it
raises becomes a fail. Handlers run on the event loop's thread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.osc.commands import Command
from bridge.osc.replies import Reply
from bridge.osc.sessions import Peer


@dataclass(frozen=True)
class Caller:
    """Who sent a command, and where its replies go."""

    source: Peer
    reply_to: Peer


Replies = AsyncGenerator[Reply, None]
Handler = Callable[[Any, Caller], Replies]  # Any: the command's own type, under which it is registered
Table = Mapping[type[Command], Handler]


class Handlers:
    """All of them, by the type of the command. No type is in two tables."""

    def __init__(self, *tables: Table):
        self._handlers: dict[type[Command], Handler] = {}
        for table in tables:
            assert not self._handlers.keys() & table.keys(), "a command has two handlers"
            self._handlers.update(table)

    def serve(self, command: Command, caller: Caller) -> Replies:
        return self._handlers[type(command)](command, caller)

    @property
    def commands(self) -> frozenset[type[Command]]:
        return frozenset(self._handlers)
