"""A noun's part of the table of commands: each class puts itself into it. And the values that several nouns' commands have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from bridge.osc.fields import COMMON, Message, Meta, read_message

JOB_EVENTS = ("ack", "queued", "progress", "chunk", "done", "fail", "cancelled")  # what a command answers that makes a job
JobId = Annotated[str, Meta("the id of a generate, continue or again", 1, 100)]
Play = Annotated[bool, Meta("1: played on the audio device while it is generated; when not given 0, from the command line 1")]
ResultName = Annotated[str, Meta("file name of the result, inside the output folder", 1, 200)]


@dataclass(frozen=True)
class Command:
    """`reply_port` is where the sender listens, None for where it sent from."""

    id: str
    reply_port: int | None = field(default=None, kw_only=True)

    @classmethod
    def read(cls, id: str, **values: Any) -> Command:
        """The command of these checked values: of this class, unless it leads to another. Raises MessageError."""
        return cls(id, **values)


C = TypeVar("C", bound=type[Command])


class Table:
    """By address, in the order of the file: what each command consists of, and its class."""

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self.types: dict[str, type[Command]] = {}

    def command(self, address: str, doc: str, *answers: str) -> Callable[[C], C]:
        """Puts a class into the table. `answers` name replies."""

        def add(type_: C) -> C:
            self.messages[address], self.types[address] = read_message(type_, address, doc, answers, COMMON), type_
            return type_

        return add
