"""Jobs that were asked for: again, cancelled, listed, searched, kept, deleted; the queue paused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from bridge.errors import MessageError
from bridge.osc.arguments import shown
from bridge.osc.commands.table import JOB_EVENTS, Command, JobId, ResultName, Table
from bridge.osc.fields import Meta
from bridge.osc.protocol import HISTORY_LIMIT, JOB_STATES, MAX_LISTED
from engine.api import DECODE_PATHS, MAX_VARIATIONS

TABLE = Table()

_Limit = Annotated[int, Meta(f"entries at most; {HISTORY_LIMIT} when not given", 1, MAX_LISTED)]


@TABLE.command(
    "/inspire/again",
    "asks for a job's request again: the same audio, or a fail where its model has changed, unless another seed is given",
    *JOB_EVENTS,
)
@dataclass(frozen=True)
class Again(Command):
    """Under a new id. What is None is as it was then."""

    job: JobId
    play: Annotated[bool | None, Meta("1: played; when not given as then, from the command line 1")] = None
    path: ResultName | None = None
    seed: Annotated[int | None, Meta("in place of the job's own", 0, 2**31 - 1)] = None
    decode: Annotated[str | None, Meta("in place of the job's own: the same music, at this quality", choices=DECODE_PATHS)] = None
    section: Annotated[
        str | None, Meta("of an arrangement, by name or by number from 1: it alone is made anew, the rest stays as it is", 1, 100)
    ] = None
    variation: Annotated[
        int | None, Meta("with section: in which of the job's variations, the first when not given", 1, MAX_VARIATIONS)
    ] = None
    variations: Annotated[
        int | None, Meta("in place of the job's own; of a section 1 when not given: files to choose from", 1, MAX_VARIATIONS)
    ] = None


@TABLE.command(
    "/inspire/cancel",
    "stops the job with this id (or the one named by job) within a token step; what was generated stays; again: its state",
    "ack",
    "state",
    "fail",
)
@dataclass(frozen=True)
class Cancel(Command):
    job: JobId = ""

    @classmethod
    def read(cls, id: str, **values: Any) -> Cancel:
        return cls(id, **{"job": id, **values})


@dataclass(frozen=True)
class SetPaused(Command):
    paused: bool


@TABLE.command("/inspire/pause", "the running job ends, no other begins until resume, also not after a restart", "ack")
@dataclass(frozen=True)
class Pause(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> SetPaused:
        return SetPaused(id, True, **values)


@TABLE.command("/inspire/resume", "waiting jobs begin again", "ack")
@dataclass(frozen=True)
class Resume(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> SetPaused:
        return SetPaused(id, False, **values)


@TABLE.command("/inspire/status", "asks for the daemon's state, or a job's", "state", "fail")
@dataclass(frozen=True)
class Status(Command):
    job: JobId | None = None


@TABLE.command("/inspire/jobs", "asks for the jobs that run and wait, in the order in which they run", "found", "entry")
@dataclass(frozen=True)
class ListJobs(Command):
    limit: _Limit = HISTORY_LIMIT
    offset: Annotated[int, Meta("leave out this many of the first", 0, 2**31 - 1)] = 0


@TABLE.command(
    "/inspire/history", "searches what was made, also by daemons before this one; the newest first", "found", "entry", "fail"
)
@dataclass(frozen=True)
class History(Command):
    """Empty texts ask for nothing in particular."""

    words: Annotated[str, Meta("all of these stand in the prompt or the clip's name", 0, 200, is_free=True)] = ""
    state: Annotated[str, Meta("only jobs that ended so, or have not", choices=JOB_STATES)] = ""
    since: Annotated[str, Meta("only from this day (UTC) on: 2026, 2026-11 or 2026-11-21", 4, 10)] = ""
    until: Annotated[str, Meta("only up to and with this day, month or year (UTC)", 4, 10)] = ""
    kept: Annotated[bool, Meta("1: only favourites")] = False
    limit: _Limit = HISTORY_LIMIT
    offset: Annotated[int, Meta("leave out this many of the newest", 0, 2**31 - 1)] = 0

    @classmethod
    def read(cls, id: str, **values: Any) -> History:
        for name in ("since", "until"):
            if name in values and not _is_day(values[name]):
                raise MessageError(f"{name} is {shown(values[name])}: a day such as 2026-11-21 is allowed", "bad_value")
        return cls(id, **values)


@TABLE.command("/inspire/keep", "makes a result a favourite, which results_cap_gb never removes", "ack", "fail")
@dataclass(frozen=True)
class Keep(Command):
    job: JobId
    keep: Annotated[bool, Meta("0: no longer")] = True


@TABLE.command(
    "/inspire/delete",
    "moves a result and the files of its name to a folder Deleted beside them, and forgets the job",
    "ack",
    "fail",
)
@dataclass(frozen=True)
class Delete(Command):
    job: JobId


def _is_day(text: str) -> bool:
    """Whether it is a year, a month or a day."""
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}(-\d\d){0,2}", text) is not None
