"""The daemon itself: its models, whether it is there, its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bridge.osc.commands.table import Command, Table
from bridge.osc.fields import Meta

TABLE = Table()


@TABLE.command("/inspire/models", "asks for all models: one reply each", "model")
@dataclass(frozen=True)
class ListModels(Command):
    pass


@TABLE.command("/inspire/ping", "asks whether the daemon is there", "pong")
@dataclass(frozen=True)
class Ping(Command):
    pass


@TABLE.command(
    "/inspire/quit", "ends the daemon; a running job keeps what it has, those that wait go on with the next daemon", "ack"
)
@dataclass(frozen=True)
class Quit(Command):
    drop: Annotated[bool, Meta("1: those that wait are cancelled")] = False
