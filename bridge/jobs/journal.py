"""The journal: every job's life in SQLite, so that a crash of the daemon or the machine loses no result.

What it remembers outlives the daemon: at the next start, jobs without an end are ended as interrupted, their playable parts
named like results; what was made can be searched, kept and deleted; and results may be held under a cap of space.

One thread owns the database and does this work in the order it was asked for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bridge.errors import JobError, JournalError, OutputError
from bridge.jobs.database import open_database
from bridge.osc.arguments import cut
from bridge.osc.commands import History, Submit
from bridge.osc.replies import Cancelled, Done, End, Entry, Fail, Found, others_of, paths_of
from bridge.osc.spec import MAX_BEGINNING
from bridge.results import paths, removal
from bridge.results.salvage import salvage
from engine.api import RequestError, request_from_mapping

_INTERRUPTED = "the daemon ended while it had this job; what was made until then is kept: ask again with a new id"

_NOW = "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now')"
_LAST = "number = (SELECT max(number) FROM jobs WHERE id = ?)"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Past:
    """An ended job as the journal remembers it. `created` is ISO 8601 in UTC, `seed` None where none was ever drawn."""

    command: Submit
    created: str
    seed: int | None
    end: End
    path: str
    duration_s: float


class Journal:
    """Used from the event loop's thread. What is only told (`submitted`, `started`, `grown`, `ended`, `paused`) never blocks and
    never fails: a journal that cannot be written is a warning in the log. What is promised to a client waits for the future that
    telling gives: it is then written. What is asked raises JournalError.

    `file` None keeps it in memory. `cap_bytes` is the space that results may take, 0 for all there is.
    """

    def __init__(self, file: Path | None, cap_bytes: int = 0):
        self._file = file
        self._cap_bytes = cap_bytes
        self._thread = ThreadPoolExecutor(1, "journal")

    async def open(self, remembered: int) -> tuple[list[str], bool]:
        """Ends what a dead daemon left; gives the ids of the last `remembered` jobs, oldest first, and whether the queue is
        paused.
        """
        return await self._ask(self._open, remembered)

    async def close(self) -> None:
        """When everything told before is written."""
        await self._ask(self._close)
        self._thread.shutdown()

    async def recall(self, ids: list[str]) -> list[Past]:
        """The ended jobs among these that are not deleted."""
        return await self._ask(self._recall, ids) if ids else []

    def submitted(self, command: Submit, client: str, created: str, seed: int) -> asyncio.Future:
        r = command.request
        values = (command.id, client, created, json.dumps(asdict(r)), command.play, command.path, _words(r), r.clip, seed)
        columns = "id, client, created, state, request, play, name, words, clip, seed"
        return self._tell(f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)", values)

    def started(self, id: str, part: Path) -> asyncio.Future:
        """A chunk that is announced must be found again: wait for it."""
        return self._tell(f"UPDATE jobs SET state = 'running', started = {_NOW}, path = ? WHERE {_LAST}", (str(part), id))

    def grown(self, id: str, duration_s: float) -> None:
        self._tell(f"UPDATE jobs SET duration_s = ? WHERE {_LAST}", (duration_s, id))

    def ended(self, state: str, end: End, duration_s: float) -> None:
        """Also removes old results where they take more space than they may."""
        self._submit(self._quietly, self._end, state, end, duration_s)

    def paused(self, paused: bool) -> asyncio.Future:
        return self._tell("UPDATE queue SET paused = ?", (paused,))

    async def search(self, query: History) -> list[Found | Entry]:
        """The newest first."""
        return await self._ask(self._search, query)

    async def keep(self, id: str, keep: bool) -> None:
        """A kept result is never removed for its space. Raises JobError."""
        await self._ask(self._keep, id, keep)

    async def delete(self, id: str) -> None:
        """Moves a result and its sidecars to a folder `Deleted` beside them, where they are the first to be removed for space.
        A file that someone else changed stays where it is. Raises JobError and OutputError.
        """
        await self._ask(self._delete, id)

    # ---- carrying work to the thread

    def _submit(self, work: Callable, *arguments: Any) -> Future:
        return self._thread.submit(work, *arguments)

    async def _ask(self, work: Callable, *arguments: Any) -> Any:
        try:
            return await asyncio.wrap_future(self._submit(work, *arguments))
        except sqlite3.Error as error:
            raise JournalError(f"the journal cannot be read or written: {error} ({self._file})") from error

    def _tell(self, sql: str, values: tuple) -> asyncio.Future:
        return asyncio.wrap_future(self._submit(self._quietly, lambda: self._db.execute(sql, values)))

    def _quietly(self, work: Callable, *arguments: Any) -> None:
        try:
            work(*arguments)
        except (sqlite3.Error, OSError) as error:
            log.warning("the journal misses something: %s (%s)", error, self._file)

    # ---- in the thread

    def _open(self, remembered: int) -> tuple[list[str], bool]:
        self._db = open_database(self._file)
        (self._taken,) = self._db.execute("SELECT coalesce(sum(bytes), 0) FROM jobs WHERE bytes > 0").fetchone()
        self._quietly(self._end_interrupted)
        self._quietly(self._make_room)
        sql = "SELECT id FROM jobs WHERE NOT deleted AND ended IS NOT NULL ORDER BY number DESC LIMIT ?"
        ids = [id for (id,) in self._db.execute(sql, (remembered,))]
        (paused,) = self._db.execute("SELECT paused FROM queue").fetchone()
        return ids[::-1], bool(paused)

    def _recall(self, ids: list[str]) -> list[Past]:
        sql = f"SELECT * FROM jobs WHERE {_LAST} AND NOT deleted AND ended IS NOT NULL"
        rows = [self._db.execute(sql, (id,)).fetchone() for id in ids]
        return [past for row in rows if row and (past := _past(row))]

    def _close(self) -> None:
        self._db.close()

    def _end_interrupted(self) -> None:
        for row in self._db.execute("SELECT * FROM jobs WHERE ended IS NULL ORDER BY number").fetchall():
            failure = {"code": "interrupted", "message": _INTERRUPTED}
            story = {"id": row["id"], "state": "interrupted", "created": row["created"]}
            story |= {"request": json.loads(row["request"]) | {"seed": row["seed"]}, "failure": failure}
            count = story["request"].get("variations", 1)
            path, duration_s = None, 0.0
            if row["path"]:
                try:
                    path, duration_s, story = salvage(Path(row["path"]), story, count)
                except OutputError as error:
                    log.warning("job %s was interrupted, its file is lost: %s", row["id"], error)
            failure = story.get("failure") or {}
            files = [file for file in paths.variation_paths(path, count) if file.exists()] if path else []
            pairs = json.dumps(others_of(files))
            end = (story["state"], failure.get("code"), failure.get("message"), str(path or ""), duration_s, pairs, row["number"])
            columns = "state = ?, code = ?, message = ?, path = ?, duration_s = ?, pairs = ?"
            self._db.execute(f"UPDATE jobs SET ended = {_NOW}, {columns} WHERE number = ?", end)
            self._measure(row["number"], files)
            log.warning("job %s was interrupted: %s", row["id"], path or "no audio")

    def _end(self, state: str, end: End, duration_s: float) -> None:
        path = end.pairs.get("path", "") if isinstance(end, Fail) else end.path
        code, message = (end.code, end.message) if isinstance(end, Fail) else (None, None)
        pairs = json.dumps({key: value for key, value in end.pairs.items() if key not in ("path", "duration_s")})
        (number,) = self._db.execute("SELECT max(number) FROM jobs WHERE id = ?", (end.id,)).fetchone()
        columns = "state = ?, path = ?, duration_s = ?, code = ?, message = ?, pairs = ?"
        values = (state, path, duration_s, code, message, pairs, number)
        self._db.execute(f"UPDATE jobs SET ended = {_NOW}, {columns} WHERE number = ?", values)
        self._measure(number, [Path(one) for one in paths_of(end)])
        self._make_room()

    def _measure(self, number: int, files: list[Path]) -> None:
        """Remembers what a result looked like when we left it: one that looks otherwise is someone else's."""
        if files:
            size, mtime_ns = _look(files)
            self._db.execute("UPDATE jobs SET bytes = ?, mtime_ns = ? WHERE number = ?", (size, mtime_ns, number))
            self._taken += size

    def _make_room(self) -> None:
        """Removes the oldest results that are neither kept, nor the newest, nor wanted as a clip, until all fit under the cap."""
        if not self._cap_bytes or self._taken <= self._cap_bytes:
            return
        wanted = {clip for (clip,) in self._db.execute("SELECT clip FROM jobs WHERE ended IS NULL")}
        removable = """SELECT * FROM jobs WHERE bytes > 0 AND kept = 0 AND number < (SELECT max(number) FROM jobs WHERE bytes > 0)
            AND number NOT IN ({}) ORDER BY deleted DESC, number LIMIT 1"""
        spared: list[int] = []
        while self._taken > self._cap_bytes:
            row = self._db.execute(removable.format(", ".join(map(str, spared)))).fetchone()
            if row is None:
                told = "results take %d bytes, more than the %d allowed: the rest is kept or in use"
                log.warning(told, self._taken, self._cap_bytes)
                return
            files = _files(row)
            if wanted.intersection(map(str, files)):
                spared.append(row["number"])
                continue
            if _is_ours(row, files):
                removal.remove(files, row["id"])
                log.info("removed %s: results take more than %d bytes", row["path"], self._cap_bytes)
            self._db.execute("UPDATE jobs SET bytes = 0 WHERE number = ?", (row["number"],))
            self._taken -= row["bytes"]

    def _search(self, query: History) -> list[Found | Entry]:
        where, values = ["NOT deleted"], []
        for word in query.words.casefold().split():
            where.append("instr(words, ?)")
            values.append(word)
        for column, operator, value in (("created", ">=", query.since), ("state", "=", query.state)):
            if value:
                where.append(f"{column} {operator} ?")
                values.append(value)
        if query.until:
            where.append("substr(created, 1, ?) <= ?")
            values += [len(query.until), query.until]
        if query.kept:
            where.append("kept")
        condition = " AND ".join(where)
        (count,) = self._db.execute(f"SELECT count(*) FROM jobs WHERE {condition}", values).fetchone()
        sql = f"SELECT * FROM jobs WHERE {condition} ORDER BY number DESC LIMIT ? OFFSET ?"
        rows = self._db.execute(sql, (*values, query.limit, query.offset)).fetchall()
        return [Found(query.id, count, len(rows)), *(_entry(query, n, row) for n, row in enumerate(rows, query.offset))]

    def _keep(self, id: str, keep: bool) -> None:
        row = self._row(id)
        if row["deleted"] and keep:
            raise JobError(f"the result of {id!r} is deleted")
        self._db.execute("UPDATE jobs SET kept = ? WHERE number = ?", (keep, row["number"]))

    def _delete(self, id: str) -> None:
        row = self._row(id)
        if row["deleted"]:
            return
        if row["ended"] is None:
            raise JobError(f"the job {id!r} has not ended: cancel it first", "not_ended")
        path = row["path"]
        if row["bytes"] and _is_ours(row, _files(row)):
            path = str(removal.move_away(_files(row), id))
        elif path and Path(path).exists():
            log.info("%s was changed by someone else: it stays", path)
        self._db.execute("UPDATE jobs SET deleted = 1, kept = 0, path = ? WHERE number = ?", (path, row["number"]))

    def _row(self, id: str) -> sqlite3.Row:
        row = self._db.execute(f"SELECT * FROM jobs WHERE {_LAST}", (id,)).fetchone()
        if row is None:
            raise JobError(f"no job has the id {id!r}")
        return row


def _files(row: sqlite3.Row) -> list[Path]:
    """A result's, one for each variation of which there was audio."""
    others = json.loads(row["pairs"]).get("others")
    return paths.variation_paths(Path(row["path"]), 1 + len(others.split("/") if others else ()))


def _look(files: list[Path]) -> tuple[int, int]:
    """Bytes of all, and when the last was changed. Raises OSError."""
    found = [os.lstat(file) for file in files]
    if not all(stat.S_ISREG(one.st_mode) for one in found):
        raise OSError("not a file")
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def _is_ours(row: sqlite3.Row, files: list[Path]) -> bool:
    """Whether a result is the very files that were written."""
    try:
        return _look(files) == (row["bytes"], row["mtime_ns"])
    except OSError:
        return False


def _past(row: sqlite3.Row) -> Past | None:
    try:
        request = request_from_mapping(json.loads(row["request"]))
    except (RequestError, TypeError, ValueError) as error:  # of another version's limits
        log.info("the request of job %s is no longer understood: %s", row["id"], error)
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
            end = Fail(id, row["code"] or "interrupted", row["message"] or _INTERRUPTED, pairs)
    return Past(Submit(id, request, bool(row["play"]), row["name"]), row["created"], row["seed"], end, path, duration_s)


def _entry(query: History, index: int, row: sqlite3.Row) -> Entry:
    request = json.loads(row["request"])
    pairs = {
        "created": row["created"],
        "client": row["client"] or None,
        "kept": row["kept"],
        "path": row["path"] or None,
        "others": json.loads(row["pairs"]).get("others"),
        "duration_s": row["duration_s"] or None,
        "prompt": cut(request["prompt"], MAX_BEGINNING) or None,
        "clip": Path(row["clip"]).name if row["clip"] else None,
        "seed": row["seed"],
    }
    return Entry(query.id, index, row["id"], row["state"], pairs)


def _words(request: Any) -> str:
    return " ".join([request.prompt, Path(request.clip).name if request.clip else ""]).casefold()
