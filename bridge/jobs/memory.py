"""What the journal remembers of earlier daemons: its rows as jobs that ended, and jobs that still wait. Pure."""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from bridge.osc.commands import Draft, Submit
from bridge.osc.replies import Cancelled, Done, End, Fail
from engine.api import RequestError, request_from_mapping

INTERRUPTED = "the daemon ended while it had this job; what was made until then is kept: ask again with a new id"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Past:
    """An ended job. `created` is ISO 8601 in UTC, `seed` None where none was ever drawn."""

    command: Submit
    created: str
    seed: int | None
    end: End
    path: str
    duration_s: float


@dataclass(frozen=True)
class Waiting:
    """A job that was acked and has not begun. `client` is who asked."""

    command: Submit
    created: str
    seed: int | None
    client: str


@dataclass(frozen=True)
class Memory:
    """`ended`: ids, the oldest first; `waiting`: in the order they came; `paused`: the queue was; `away_s`: how long no daemon
    has looked after those that wait.
    """

    ended: list[str]
    waiting: list[Waiting]
    paused: bool
    away_s: float


def rest_of(command: Submit) -> str:
    """What the row of a job that waits must hold beside its request, play and name, as JSON."""
    draft = command.draft and asdict(command.draft)
    return json.dumps({"reply_port": command.reply_port, "weights": command.weights, "start": command.start, "draft": draft})


def waiting(row: sqlite3.Row) -> Waiting | None:
    """None where its request is no longer understood."""
    rest: dict[str, Any] = json.loads(row["rest"] or "{}")
    if rest.get("draft"):
        rest["draft"] = Draft(**rest["draft"])
    if (command := _command(row, rest)) is None:
        return None
    return Waiting(command, row["created"], row["seed"], row["client"])


def past(row: sqlite3.Row) -> Past | None:
    """None where its request is no longer understood."""
    if (command := _command(row, {})) is None:
        return None
    id, path, duration_s = row["id"], row["path"], row["duration_s"]
    pairs = json.loads(row["pairs"])
    match row["state"]:
        case "done":
            end: End = Done(id, path, duration_s, pairs)
        case "cancelled":
            end = Cancelled(id, path, duration_s, pairs)
        case _:
            pairs |= {"path": path, "duration_s": duration_s} if path else {}
            end = Fail(id, row["code"] or "interrupted", row["message"] or INTERRUPTED, pairs)
    return Past(command, row["created"], row["seed"], end, path, duration_s)


def _command(row: sqlite3.Row, rest: dict[str, Any]) -> Submit | None:
    try:
        request = request_from_mapping(json.loads(row["request"]))
        return Submit(row["id"], request, bool(row["play"]), row["name"], **rest)
    except (RequestError, TypeError, ValueError) as error:  # of another version's limits
        log.info("the request of job %s is no longer understood: %s", row["id"], error)
        return None
