"""The journal's file: stepped up, set aside where it cannot be used, and kept by one daemon."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest

from bridge.errors import HomeTaken, JobError
from bridge.jobs import database
from bridge.jobs.journal import Journal
from bridge.osc.commands import History
from bridge.osc.replies import Found
from tests.bridge.jobs.test_journal import DAY, made, submit, with_journal


@pytest.mark.parametrize("how", ["noise", "newer", "another program's", "cut short"])
def test_a_journal_that_cannot_be_used_is_set_aside(tmp_path, caplog, how):
    file = tmp_path / "j.sqlite"
    if how == "noise":
        file.write_bytes(b"no database" * 500)
    else:

        async def fill(journal, _past):
            for n in range(300):
                journal.submitted(submit(f"j{n}", f"tune {n}"), "test", DAY, 7)

        if how != "another program's":
            with_journal(file, fill)
        db = sqlite3.connect(file)
        if how == "newer":
            db.execute(f"PRAGMA user_version = {database.VERSION + 1}")
        elif how == "another program's":
            db.executescript(f"CREATE TABLE songs (title TEXT); PRAGMA user_version = {database.VERSION}")
        db.close()
        if how == "cut short":
            data = file.read_bytes()
            file.write_bytes(data[: len(data) // 2])

    async def use(journal, past):
        await made(journal, tmp_path, "after")
        return past

    assert with_journal(file, use) == []
    assert "set aside" in caplog.text and len(list(tmp_path.glob("j.sqlite.2*"))) == 1
    assert [one.end.id for one in with_journal(file, lambda _journal, past: asyncio.sleep(0, past))] == ["after"]


@pytest.mark.parametrize("version", range(1, database.VERSION))
def test_a_journal_of_an_earlier_version_is_stepped_up(tmp_path, version):
    file = tmp_path / "j.sqlite"
    db = sqlite3.connect(file)
    db.executescript(f"{''.join(database._STEPS[:version])} PRAGMA user_version = {version};")
    columns = "id, client, created, ended, state, request, play, words, pairs" + (", seed" if version > 1 else "")
    request = json.dumps({"prompt": "dub"})
    values = ("old", "test", DAY, DAY, "done", request, 0, "dub", json.dumps({"seed": 7})) + ((7,) if version > 1 else ())
    db.execute(f"INSERT INTO jobs ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    db.commit()
    db.close()
    (one,) = with_journal(file, lambda _journal, past: asyncio.sleep(0, past))
    assert (one.end.id, one.seed) == ("old", 7) and not list(tmp_path.glob("j.sqlite.2*"))


def test_two_daemons_do_not_share_a_journal(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_ENDING_S", 0.1)
    file = tmp_path / "j.sqlite"

    async def outer(journal, _past):
        journal.submitted(submit("running"), "test", DAY, 7)

        async def inner():
            second = Journal(file)
            with pytest.raises(HomeTaken, match="--home"):
                await second.open(100)
            return await journal.search(History("q"))

        return await inner()

    found, entry = with_journal(file, outer)
    assert (found.count, entry.job) == (1, "running")


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path, caplog):
    (tmp_path / "file").touch()

    async def use(journal, _past):
        await made(journal, tmp_path, "j")
        with pytest.raises(JobError):
            await journal.keep("nobody", True)
        return await journal.search(History("q"))

    assert with_journal(tmp_path / "file" / "j.sqlite", use)[0] == Found("q", 1, 1)
    assert "will be forgotten" in caplog.text
