"""What outlives the daemon: interrupted jobs, the history, favourites, deleted results, the cap on space, broken journals."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.jobs.journal import Journal
from bridge.osc.commands import History, Submit
from bridge.osc.replies import Ack, Cancelled, Chunk, Done, Entry, Fail, Found
from bridge.results.recording import Recording
from engine.api import AudioChunk, GenerationRequest
from tests.bridge.conftest import RawClient, RunningDaemon, until_chunk, wait_for

DAY = "2026-11-21T10:00:00+00:00"


def submit(id: str, prompt: str = "dub techno", **values) -> Submit:
    return Submit(id, GenerationRequest(prompt, **values))


def record(folder: Path, id: str, prompt: str = "dub techno", seconds: float = 0.1) -> Path:
    """A result with its sidecar, as the daemon leaves it."""
    recording = Recording(folder, GenerationRequest(prompt))
    recording.open()
    recording.write(AudioChunk(0, 0, 48_000, np.zeros((round(seconds * 48_000), 1), np.float32)))
    return recording.finish({"id": id, "state": "done"})


def with_journal(file: Path | None, use, cap_bytes: int = 0):
    async def run():
        journal = Journal(file, cap_bytes)
        past = await journal.recall((await journal.open(100)).ended)
        try:
            return await use(journal, past)
        finally:
            await journal.close()

    return asyncio.run(run())


async def made(journal: Journal, folder: Path, id: str, prompt: str = "dub techno", created: str = DAY) -> Path:
    """A whole life, from the submit to the end."""
    journal.submitted(submit(id, prompt), "test", created, 7)
    path = await asyncio.to_thread(record, folder, id, prompt)
    await journal.started(id, path)
    journal.ended("done", Done(id, str(path), 0.1, {"seed": 7}), 0.1)
    await journal.search(History("q"))  # when this is answered, all of that is written
    return path


def test_a_killed_daemons_jobs_are_interrupted_and_playable(tmp_path):
    home = tmp_path / "home"
    first = RunningDaemon(home)
    raw = RawClient(first.port)
    try:
        raw.send("/inspire/generate", "whole", "tune", "duration_s", 0.5)
        whole = raw.until_end()[-1]
        with first.client() as client:
            events = client.generate("slow tune", id="cut", duration_s=60)
            chunk = until_chunk(events, 3)
            raw.send("/inspire/generate", "waiting", "another tune")
            assert raw.receive() == Ack("waiting")
            client.history()  # answered after what was reported before it is written
            first.process.kill()
        first.process.wait()
        first.state_file.unlink()
        second = RunningDaemon(home)
        try:
            again = RawClient(second.port)
            again.send("/inspire/generate", "cut", "slow tune", "duration_s", 60)
            ack, end = again.until_end()
            assert ack == Ack("cut") and isinstance(end, Fail) and end.code == "interrupted"
            path = Path(end.pairs["path"])
            assert path.name == "slow-tune.wav" and not list(second.folder.glob("*.part*")) and path == Path(chunk.path)
            assert soundfile.info(path).duration == pytest.approx(end.pairs["duration_s"])
            assert end.pairs["duration_s"] >= chunk.start_s + chunk.duration_s - 1e-6
            assert path.stat().st_size == 8 + int.from_bytes(path.read_bytes()[4:8], "little")  # nothing hangs on
            sidecar = json.loads(path.with_suffix(".json").read_text())
            assert (sidecar["id"], sidecar["state"], sidecar["audio"]["file"]) == ("cut", "interrupted", "slow-tune.wav")
            again.send("/inspire/status", "s", "job", "cut")
            state = again.receive()
            assert (state.state, state.pairs["path"]) == ("interrupted", str(path))
            again.send("/inspire/generate", "waiting", "another tune")
            assert isinstance(again.until_end()[-1], Done)  # it went on by itself
            again.send("/inspire/generate", "whole", "tune", "duration_s", 0.5)
            assert again.until_end()[-1] == whole
            again.send("/inspire/generate", "cut", "something else")
            assert again.receive().code == "id_taken"
            again.close()
            with second.client() as client:
                found, entries = client.history(state="interrupted")
                assert found.count == 1 and [entry.job for entry in entries] == ["cut"]
            assert second.serves_on()
        finally:
            second.stop()
    finally:
        raw.close()
        first.stop()


def test_keep_and_delete_over_osc(start_daemon):
    daemon = start_daemon()
    with daemon.client() as client:
        done = list(client.generate("dub techno", id="d", duration_s=0.5, seed=7))[-1]
        (entry,) = client.history(words="TECHNO dub")[1]
        assert (entry.job, entry.state, entry.pairs["prompt"], entry.pairs["seed"]) == ("d", "done", "dub techno", 7)
        assert client.keep("d") and [e.job for e in client.history(kept=1)[1]] == ["d"]
        assert isinstance(client.delete("d"), Ack) and isinstance(client.delete("d"), Ack)
        assert not Path(done.path).exists() and (daemon.folder / "Deleted" / "dub-techno.wav").exists()
        assert client.history()[0].count == 0
        assert client.status("d").code == client.keep("nobody").code == client.delete("nobody").code == "no_such_job"
        events = client.generate("slow tune", id="r", duration_s=60)
        while not isinstance(next(events), Chunk):
            pass
        assert client.delete("r").code == "not_ended"
        client.cancel("r")
        assert isinstance(list(events)[-1], Cancelled)
        assert client.history(since="yesterday").code == "bad_value"


def test_a_part_of_an_earlier_version_whose_job_had_ended_keeps_its_sidecar(tmp_path):
    """Killed between the sidecar and the last rename, when files had another name while they grew."""
    path = record(tmp_path, "j")
    part = path.with_suffix(".part.wav")
    path.rename(part)

    async def die(journal, _past):
        journal.submitted(submit("j"), "test", DAY, 7)
        await journal.started("j", part)

    async def look(_journal, past):
        return past

    with_journal(tmp_path / "j.sqlite", die)
    (one,) = with_journal(tmp_path / "j.sqlite", look)
    assert one.end == Done("j", str(path), pytest.approx(0.1)) and path.exists() and not part.exists()


def test_an_interrupted_part_of_an_earlier_version_overwrites_nothing(tmp_path):
    part = record(tmp_path, "j").rename(tmp_path / "dub-techno.part.wav")
    (tmp_path / "dub-techno.json").unlink()
    (tmp_path / "dub-techno.wav").write_text("the user's own")
    (tmp_path / "empty.part.wav").touch()

    async def die(journal, _past):
        for id, path in (("j", part), ("empty", tmp_path / "empty.part.wav"), ("gone", tmp_path / "gone.part.wav")):
            journal.submitted(submit(id), "test", DAY, 7)
            await journal.started(id, path)

    async def look(_journal, past):
        return past

    with_journal(tmp_path / "j.sqlite", die)
    ends = {one.end.id: one.end.pairs for one in with_journal(tmp_path / "j.sqlite", look)}
    assert ends["j"]["path"] == str(tmp_path / "dub-techno-2.wav") and ends["empty"] == ends["gone"] == {}
    assert (tmp_path / "dub-techno.wav").read_text() == "the user's own"
    assert not list(tmp_path.glob("*.part.wav"))


def test_the_history_is_searched_by_words_date_and_state(tmp_path):
    async def use(journal, _past):
        for n, (prompt, created) in enumerate(
            [("dub techno", "2026-10-01T09:00:00+00:00"), ("Dub reggae 100 %", DAY), ("Straßen-Jazz", DAY)]
        ):
            await made(journal, tmp_path, f"j{n}", prompt, created)
        journal.submitted(submit("waits", "dub"), "test", DAY, 7)
        jobs = {}
        for name, query in {
            "all": {},
            "dub": {"words": "DUB"},
            "both": {"words": "techno dub"},
            "percent": {"words": "%"},
            "strassen": {"words": "STRASSEN"},
            "october": {"until": "2026-10"},
            "november": {"since": "2026-11"},
            "a day": {"since": "2026-11-21", "until": "2026-11-21"},
            "waits": {"state": "queued"},
            "second": {"limit": 1, "offset": 1},
        }.items():
            found, *entries = await journal.search(History("q", **query))
            assert isinstance(found, Found) and found.shown == len(entries) and all(isinstance(e, Entry) for e in entries)
            jobs[name] = [entry.job for entry in entries]
        return jobs

    assert with_journal(None, use) == {
        "all": ["waits", "j2", "j1", "j0"],
        "dub": ["waits", "j1", "j0"],
        "both": ["j0"],
        "percent": ["j1"],
        "strassen": ["j2"],
        "october": ["j0"],
        "november": ["waits", "j2", "j1"],
        "a day": ["waits", "j2", "j1"],
        "waits": ["waits"],
        "second": ["j2"],
    }


def test_the_cap_removes_the_oldest_that_are_ours_and_not_kept(tmp_path):
    async def use(journal, _past):
        paths = [await made(journal, tmp_path, f"j{n}", f"tune {n}") for n in range(2)]
        await journal.keep("j0", True)
        mine = tmp_path / "tune-1.wav"
        mine.write_text("the user's own")  # in the place of a result
        paths += [await made(journal, tmp_path, f"j{n}", f"tune {n}") for n in range(2, 6)]
        return [path.exists() for path in paths], mine.read_text()

    size = record(tmp_path, "size", "size").stat().st_size
    there, mine = with_journal(None, use, cap_bytes=3 * size)
    assert there == [True, True, False, False, True, True] and mine == "the user's own"
    assert not (tmp_path / "tune-2.json").exists() and (tmp_path / "tune-0.json").exists()


def test_no_step_of_a_jobs_life_looks_through_the_whole_journal(tmp_path):
    """Not even the one that removes results."""

    async def use(journal, _past):
        await made(journal, tmp_path, "j0")
        statements: list[str] = []
        await journal._ask(lambda: journal._db.set_trace_callback(statements.append))
        journal.submitted(submit("j1"), "test", DAY, 7)
        await journal.started("j1", path := await asyncio.to_thread(record, tmp_path, "j1"))
        journal.grown("j1", 0.1)
        journal.ended("done", Done("j1", str(path), 0.1), 0.1)
        await journal.keep("j1", True)
        await journal.delete("j1")
        await journal.recall(["j1"])
        await journal._ask(lambda: journal._db.set_trace_callback(None))
        return {sql: await journal._ask(plan, journal._db, sql) for sql in statements}

    def plan(db, sql):
        return "; ".join(row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}"))

    plans = with_journal(tmp_path / "j.sqlite", use, cap_bytes=1)
    removing = [reported for sql, reported in plans.items() if "ORDER BY deleted" in sql]
    assert removing and all("jobs_with_results (kept=?)" in reported for reported in removing), plans
    slow = {sql: reported for sql, reported in plans.items() if re.search("SCAN jobs(?! USING)|B-TREE", reported)}
    assert len(plans) > 8 and slow == {}


def test_a_deleted_results_file_changed_by_the_user_stays(tmp_path):
    async def use(journal, _past):
        path = await made(journal, tmp_path, "j")
        path.write_text("the user's own")
        await journal.delete("j")
        return path

    assert with_journal(None, use).read_text() == "the user's own"
    assert not (tmp_path / "Deleted").exists()


def test_a_broken_journal_does_not_stop_the_daemon(start_daemon, tmp_path):
    state = tmp_path / "daemon0" / "state"  # where its state will be
    state.mkdir(parents=True)
    (state / "journal.sqlite").write_bytes(b"nonsense" * 1000)
    daemon = start_daemon()
    assert daemon.serves_on() and "set aside" in daemon.log
    with daemon.client() as client:
        wait_for(lambda: client.history()[0].count == 1)
