"""The journal: every job's life in SQLite, so that a crash of the daemon or the machine loses no result.

What it remembers outlives the daemon: at the next start, jobs that wait wait again, the one that ran is ended as interrupted,
with its audio; what was made can be searched, kept and deleted; and results may be held under a cap of space.

One thread owns the database and does this work in the order it was asked for.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from bridge.errors import JobError, JournalError, OutputError
from bridge.jobs import memory
from bridge.jobs.database import open_database
from bridge.jobs.memory import INTERRUPTED, Memory, Past, Waiting
from bridge.jobs.result_files import files_of, is_ours, look
from bridge.jobs.search import condition_of, entry_of, words_of
from bridge.osc.commands import History, Submit
from bridge.osc.replies import End, Entry, Fail, Found, others_of, paths_of
from bridge.results import paths, removal
from bridge.results.salvage import salvage

SEEN_EVERY_S = 20.0  # while jobs wait: how late a daemon's end may be dated

_FOR_NOW = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_MOST_DUE = 10_000

_NOW = "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now')"
_LAST = "number = (SELECT max(number) FROM jobs WHERE id = ?)"

_Value = str | float | None  # of a column
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

log = logging.getLogger(__name__)


class Journal:
    """Used from the event loop's thread. What is only recorded (`submitted`, `started`, `grown`, `ended`, `paused`) never blocks
    and never fails: a journal that cannot be written is a warning in the log, and what a full disk had no room for is written
    once there is some. What is promised to a client waits for the future
    that recording returns: it is then written. What is asked raises JournalError.

    `file` None keeps it in memory. `cap_bytes` is the space that results may take, 0 for all there is.
    """

    def __init__(self, file: Path | None, cap_bytes: int = 0):
        self._file = file
        self._cap_bytes = cap_bytes
        self._thread = ThreadPoolExecutor(1, "journal")
        self._due: deque[Callable[[], object]] = deque(maxlen=_MOST_DUE)  # what a full disk had no room for, and what came after

    async def open(self, remembered: int) -> Memory:
        """Ends what a dead daemon left unfinished; returns the last `remembered` jobs that ended, and of those that wait. Raises
        HomeTaken where another daemon has the file.
        """
        found = await self._ask(self._open, remembered)
        self._seeing = asyncio.create_task(self._be_seen())
        return found

    async def close(self) -> None:
        """When everything recorded before is written."""
        self._seeing.cancel()
        self._seen()
        await self._ask(self._close)
        self._thread.shutdown()

    async def recall(self, ids: list[str]) -> list[Past]:
        """The ended jobs among these that are not deleted."""
        return await self._ask(self._recall, ids) if ids else []

    def submitted(self, command: Submit, client: str, created: str, seed: int) -> asyncio.Future[None]:
        r = command.request
        asked = (json.dumps(asdict(r)), command.play, command.path, words_of(r), r.clip, seed, memory.rest_of(command))
        columns = "id, client, created, state, request, play, name, words, clip, seed, rest"
        sql = f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?)"
        return self._enqueue(sql, (command.id, client, created, *asked))

    def started(self, id: str, part: Path) -> asyncio.Future[None]:
        """A chunk that is announced must be found again: wait for it."""
        return self._enqueue(f"UPDATE jobs SET state = 'running', started = {_NOW}, path = ? WHERE {_LAST}", (str(part), id))

    def grown(self, id: str, duration_s: float) -> None:
        self._enqueue(f"UPDATE jobs SET duration_s = ? WHERE {_LAST}", (duration_s, id))

    def ended(self, state: str, end: End, duration_s: float) -> None:
        """Also removes old results where they take more space than they may."""
        self._submit(self._quietly, self._end, state, end, duration_s)

    def paused(self, paused: bool) -> asyncio.Future[None]:
        return self._enqueue("UPDATE queue SET paused = ?", (paused,))

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

    async def _be_seen(self) -> None:
        """So that the next daemon knows for how long jobs have waited for it."""
        while True:
            self._seen()
            await asyncio.sleep(SEEN_EVERY_S)

    def _seen(self) -> None:
        self._enqueue("UPDATE queue SET seen = ? WHERE EXISTS (SELECT 1 FROM jobs WHERE ended IS NULL)", (time.time(),))

    # ---- carrying work to the thread

    def _submit(
        self, work: Callable[_Arguments, _Result], *arguments: _Arguments.args, **options: _Arguments.kwargs
    ) -> Future[_Result]:
        return self._thread.submit(work, *arguments, **options)

    async def _ask(
        self, work: Callable[_Arguments, _Result], *arguments: _Arguments.args, **options: _Arguments.kwargs
    ) -> _Result:
        try:
            return await asyncio.wrap_future(self._submit(work, *arguments, **options))
        except sqlite3.Error as error:
            raise JournalError(f"the journal cannot be read or written: {error} ({self._file})") from error

    def _enqueue(self, sql: str, values: tuple[_Value, ...]) -> asyncio.Future[None]:
        return asyncio.wrap_future(self._submit(self._quietly, lambda: self._db.execute(sql, values)))

    def _quietly(self, work: Callable[_Arguments, object], *arguments: _Arguments.args, **options: _Arguments.kwargs) -> None:
        self._due.append(partial(work, *arguments, **options))
        for done in itertools.count():
            if len(self._due) > 1 and done % 10 == 0:
                with suppress(sqlite3.Error):
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # it takes many times the room of what changed
            try:
                self._due[0]()
            except (sqlite3.Error, OSError) as error:
                log.warning("the journal misses something: %s (%s)", error, self._file)
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _FOR_NOW:
                    return
            except BaseException:
                self._due.popleft()
                raise
            self._due.popleft()
            if not self._due:
                return

    # ---- in the thread

    def _open(self, remembered: int) -> Memory:
        self._db = open_database(self._file)
        (self._taken,) = self._db.execute("SELECT coalesce(sum(bytes), 0) FROM jobs WHERE bytes > 0").fetchone()
        self._quietly(self._end_interrupted)
        self._quietly(self._make_room)
        sql = "SELECT id FROM jobs WHERE NOT deleted AND ended IS NOT NULL ORDER BY number DESC LIMIT ?"
        ids = [id for (id,) in self._db.execute(sql, (remembered,))]
        paused, seen = self._db.execute("SELECT paused, seen FROM queue").fetchone()
        waiting = self._waiting()
        asked = [datetime.fromisoformat(job.created).timestamp() for job in waiting]  # a daemon was there then, too
        away_s = time.time() - max(asked + ([seen] if seen else []), default=0.0)
        return Memory(ids[::-1], waiting, bool(paused), max(0.0, away_s))  # a clock may have been set back

    def _waiting(self) -> list[Waiting]:
        found = []
        for row in self._db.execute("SELECT * FROM jobs WHERE ended IS NULL ORDER BY number").fetchall():
            if job := memory.waiting(row):
                found.append(job)
            else:
                self._quietly(self._interrupt, row)
        return found

    def _recall(self, ids: list[str]) -> list[Past]:
        sql = f"SELECT * FROM jobs WHERE {_LAST} AND NOT deleted AND ended IS NOT NULL"
        rows = [self._db.execute(sql, (id,)).fetchone() for id in ids]
        return [past for row in rows if row and (past := memory.past(row))]

    def _close(self) -> None:
        self._db.close()

    def _end_interrupted(self) -> None:
        """The job that ran when its daemon died."""
        sql = "SELECT * FROM jobs WHERE ended IS NULL AND state != 'queued' ORDER BY number"
        for row in self._db.execute(sql).fetchall():
            self._interrupt(row)

    def _interrupt(self, row: sqlite3.Row) -> None:
        failure = {"code": "interrupted", "message": INTERRUPTED}
        entries = {"id": row["id"], "state": "interrupted", "created": row["created"]}
        entries |= {"request": json.loads(row["request"]) | {"seed": row["seed"]}, "failure": failure}
        count = entries["request"].get("variations", 1)
        path, duration_s = None, 0.0
        if row["path"]:
            try:
                path, duration_s, entries = salvage(Path(row["path"]), entries, count)
            except OutputError as error:
                log.warning("job %s was interrupted, its file is lost: %s", row["id"], error)
        failure = entries.get("failure") or {}
        files = [file for file in paths.variation_paths(path, count) if file.exists()] if path else []
        pairs = json.dumps(others_of(files))
        end = (entries["state"], failure.get("code"), failure.get("message"), str(path or ""), duration_s, pairs, row["number"])
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
            size, mtime_ns = look(files)
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
                message = "results take %d bytes, more than the %d allowed: the rest is kept or in use"
                log.warning(message, self._taken, self._cap_bytes)
                return
            files = files_of(row)
            if wanted.intersection(map(str, files)):
                spared.append(row["number"])
                continue
            if is_ours(row, files):
                removal.remove(files, row["id"])
                log.info("removed %s: results take more than %d bytes", row["path"], self._cap_bytes)
            self._db.execute("UPDATE jobs SET bytes = 0 WHERE number = ?", (row["number"],))
            self._taken -= row["bytes"]

    def _search(self, query: History) -> list[Found | Entry]:
        condition, values = condition_of(query)
        (count,) = self._db.execute(f"SELECT count(*) FROM jobs WHERE {condition}", values).fetchone()
        sql = f"SELECT * FROM jobs WHERE {condition} ORDER BY number DESC LIMIT ? OFFSET ?"
        rows = self._db.execute(sql, (*values, query.limit, query.offset)).fetchall()
        return [Found(query.id, count, len(rows)), *(entry_of(query, n, row) for n, row in enumerate(rows, query.offset))]

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
        if row["bytes"] and is_ours(row, files_of(row)):
            path = str(removal.move_away(files_of(row), id))
        elif path and Path(path).exists():
            log.info("%s was changed by someone else: it stays", path)
        self._db.execute("UPDATE jobs SET deleted = 1, kept = 0, path = ? WHERE number = ?", (path, row["number"]))

    def _row(self, id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute(f"SELECT * FROM jobs WHERE {_LAST}", (id,)).fetchone()
        if row is None:
            raise JobError(f"no job has the id {id!r}")
        return row
