"""A result's files as the journal remembers them, and whether they are still the ones that were written."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

from bridge.results import paths


def files_of(row: sqlite3.Row) -> list[Path]:
    """A result's, one for each variation of which there was audio."""
    others = json.loads(row["pairs"]).get("others")
    return paths.variation_paths(Path(row["path"]), 1 + len(others.split("/") if others else ()))


def look(files: list[Path]) -> tuple[int, int]:
    """Bytes of all, and when the last was changed. Raises OSError."""
    found = [os.lstat(file) for file in files]
    if not all(stat.S_ISREG(one.st_mode) for one in found):
        raise OSError("not a file")
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def is_ours(row: sqlite3.Row, files: list[Path]) -> bool:
    """Whether a result is the very files that were written."""
    try:
        return look(files) == (row["bytes"], row["mtime_ns"])
    except OSError:
        return False
