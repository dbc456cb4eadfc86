"""The journal's file: a SQLite database that is made, brought up to date or set aside, so that there always is one.

A broken file, or one of a newer version, is set aside; where none can be kept, the database lives in memory. Only one daemon
keeps a file: the lock goes with its process, and makes the file's folder that daemon's home.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from pathlib import Path

from bridge.errors import HomeTaken

_STEPS = [  # each makes a database of the next version; those that were released stay as they are
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,           -- the client's; one that was forgotten may come again
        client TEXT NOT NULL,       -- who asked
        created TEXT NOT NULL,      -- ISO 8601, UTC
        started TEXT,
        ended TEXT,
        state TEXT NOT NULL,        -- queued, running, done, failed, cancelled, interrupted
        request TEXT NOT NULL,      -- JSON
        play INTEGER NOT NULL,
        name TEXT,                  -- the result's, where the client gave one
        words TEXT NOT NULL,        -- prompt and clip in lower case, to be searched
        clip TEXT,
        path TEXT NOT NULL DEFAULT '',      -- the part, then the result
        duration_s REAL NOT NULL DEFAULT 0, -- on disk
        code TEXT,                  -- of a failure
        message TEXT,
        pairs TEXT NOT NULL DEFAULT '{}',
        bytes INTEGER NOT NULL DEFAULT 0,   -- of the result as we wrote it; 0: no longer ours
        mtime_ns INTEGER,
        kept INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX jobs_by_id ON jobs (id, number);
    """,
    """
    ALTER TABLE jobs ADD COLUMN seed INTEGER; -- the one used
    UPDATE jobs SET seed = coalesce(json_extract(pairs, '$.seed'), json_extract(request, '$.seed'));
    CREATE TABLE queue (paused INTEGER NOT NULL);
    INSERT INTO queue VALUES (0);
    """,
    """
    CREATE INDEX jobs_with_results ON jobs (kept, deleted DESC, number, bytes) WHERE bytes > 0;
    CREATE INDEX jobs_unended ON jobs (number) WHERE ended IS NULL;
    """,
    """
    ALTER TABLE jobs ADD COLUMN rest TEXT; -- JSON: what else must be known to run it, while it waits
    ALTER TABLE queue ADD COLUMN seen REAL; -- Unix time, while jobs wait: when a daemon was there
    """,
]
VERSION = len(_STEPS)
_NOT_THE_FILES_FAULT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}

_ENDING_S = 2.0  # for the daemon before, which may still be ending

log = logging.getLogger(__name__)


def open_database(file: Path | None) -> sqlite3.Connection:
    """The journal's database, made where there is none; at the worst, one in memory. Raises HomeTaken where another daemon's."""
    for attempt in range(2):
        if file is None:
            break
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # prompts and paths are for its user
            return _prepared(file)
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            unusable = isinstance(error, sqlite3.Error) and code not in _NOT_THE_FILES_FAULT
            if not attempt and unusable and _set_aside(file, error):
                continue
            if code == sqlite3.SQLITE_BUSY:
                problem = f"another daemon keeps its state and journal in {file.parent}"
                raise HomeTaken(f"{problem}: stop it, or give this one a home of its own with --home FOLDER") from None
            log.warning("cannot keep the journal %s (%s): jobs will be forgotten when this daemon ends", file, error)
            break
    return _prepared(":memory:")


def _prepared(file: Path | str) -> sqlite3.Connection:
    """Raises sqlite3.Error: NotSupportedError for a newer version."""
    db = sqlite3.connect(file, timeout=_ENDING_S, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")  # survives the process; with the machine the last moments may go
        db.execute("BEGIN IMMEDIATE")  # takes the lock, and keeps it
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute("COMMIT")
        if version > VERSION:
            raise sqlite3.NotSupportedError(f"it is of version {version}, this daemon knows {VERSION}")
        for number, step in enumerate(_STEPS[version:], version + 1):
            db.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        db.execute("SELECT * FROM jobs LIMIT 1")
        return db
    except BaseException:
        db.close()
        raise


def _set_aside(file: Path, reason: Exception) -> bool:
    aside = file.with_name(f"{file.name}.{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    log.warning("the journal cannot be used (%s): it is set aside as %s and a new one begun", reason, aside)
    try:
        for ending in ("-wal", "-shm", ""):
            old = file.with_name(file.name + ending)
            if old.exists():
                os.replace(old, aside.with_name(aside.name + ending))
    except OSError as error:
        log.warning("the journal cannot be set aside: %s", error)
        return False
    return True
