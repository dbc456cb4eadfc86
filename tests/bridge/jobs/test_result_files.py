"""A result is ours as long as its files are as they were written."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path

import pytest

from bridge.jobs.result_files import files_of, is_ours, look


def row(path: Path, size: int = 0, mtime_ns: int = 0, others: str | None = None) -> sqlite3.Row:
    pairs = json.dumps({} if others is None else {"others": others})
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        values = (str(path), pairs, size, mtime_ns)
        return db.execute("SELECT ? AS path, ? AS pairs, ? AS bytes, ? AS mtime_ns", values).fetchone()


def test_a_result_has_a_file_for_each_variation(tmp_path):
    assert files_of(row(tmp_path / "a.wav")) == [tmp_path / "a.wav"]
    assert files_of(row(tmp_path / "a.1.wav", others="a.2.wav/a.3.wav")) == [tmp_path / f"a.{n}.wav" for n in (1, 2, 3)]


def test_a_file_that_changed_in_size_or_time_or_is_gone_is_not_ours(tmp_path):
    files = [tmp_path / "a.wav", tmp_path / "a-2.wav"]
    for file in files:
        file.write_bytes(b"audio")
    size, mtime_ns = look(files)
    assert size == 10 and is_ours(row(files[0], size, mtime_ns), files)
    assert not is_ours(row(files[0], size + 1, mtime_ns), files)
    os.utime(files[1], ns=(mtime_ns, mtime_ns + 10**9))
    assert not is_ours(row(files[0], size, mtime_ns), files)
    files[1].unlink()
    assert not is_ours(row(files[0], size, mtime_ns), files)


def test_what_is_no_file_is_not_ours(tmp_path):
    with pytest.raises(OSError):
        look([tmp_path])
    assert not is_ours(row(tmp_path), [tmp_path])
