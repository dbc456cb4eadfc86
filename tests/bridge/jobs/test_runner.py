"""The queue alone, without an engine: no job here ever runs."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

import pytest

from bridge import limits
from bridge.errors import JobError
from bridge.jobs import runner
from bridge.jobs.journal import Journal
from bridge.jobs.runner import Jobs
from bridge.osc.commands import Submit
from bridge.osc.replies import Cancelled, Queued
from engine.api import GenerationRequest


def submit(id: str) -> Submit:
    return Submit(id, GenerationRequest("dub"))


def in_a_loop(check) -> None:
    async def run() -> None:
        reported = []
        journal = Journal(None)
        await journal.open(0)
        checking = check(Jobs(None, None, None, journal, Path("/nowhere"), lambda job, reply: reported.append(reply)), reported)
        if checking:
            await checking
        await journal.close()

    asyncio.run(run())


def test_ended_jobs_are_remembered_up_to_a_number(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REMEMBERED", 3)

    def check(queue: Jobs, reported: list) -> None:
        waiting = queue.submit(submit("waiting"))
        for n in range(10):
            queue.cancel(queue.submit(submit(f"job{n}")))
        assert reported.count(Cancelled("job0", "", 0.0)) == 1
        for n in range(7):
            with pytest.raises(JobError):
                queue.get(f"job{n}")
        assert [queue.get(f"job{n}").state for n in range(7, 10)] == ["cancelled"] * 3
        assert queue.get("waiting") is waiting and waiting.state == "queued"

    in_a_loop(check)


def test_no_table_grows_with_the_jobs_and_clients_it_has_seen(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REMEMBERED", 3)

    def check(queue: Jobs, _reported: list) -> None:
        for n in range(300):
            queue.cancel(queue.submit(submit(f"job{n}"), client=n))
        tables = [*vars(queue).values(), *vars(queue._queue).values()]
        sizes = [len(table) for table in tables if isinstance(table, (dict, set, list, deque))]
        assert len(sizes) >= 6 and max(sizes) == 3

    in_a_loop(check)


def test_what_ended_longer_ago_is_recalled_from_the_journal(monkeypatch):
    monkeypatch.setattr(limits, "MAX_AT_HAND", 2)

    async def check(queue: Jobs, _reported: list) -> None:
        for n in range(5):
            queue.cancel(queue.submit(submit(f"job{n}")))
        with pytest.raises(JobError):
            queue.get("job0")
        await asyncio.gather(queue.recall("job0", "job1"), queue.recall("job1", "nobody"))
        for id in ("job0", "job1"):
            job = queue.get(id)
            assert job.end == Cancelled(id, "", 0.0) and queue.submit(submit(id)) is job
            with pytest.raises(JobError, match="belongs to another request"):
                queue.submit(Submit(id, GenerationRequest("house")))
        await queue.recall("job4")  # takes the place of the first that was recalled
        with pytest.raises(JobError):
            queue.get("job0")
        queue.forget("job0")
        await queue.recall("job0")
        assert queue.submit(submit("job0")).state == "queued"

    in_a_loop(check)


def test_a_full_queue_says_so(monkeypatch):
    monkeypatch.setattr(limits, "MAX_QUEUED", 2)

    def check(queue: Jobs, _reported: list) -> None:
        queue.submit(submit("a"))
        queue.submit(submit("b"))
        with pytest.raises(JobError) as caught:
            queue.submit(submit("c"))
        assert caught.value.code == "busy"
        assert queue.submit(submit("a")) is queue.get("a")  # a known id still answers

    in_a_loop(check)


def test_when_the_queue_moves_those_who_are_next_are_informed():
    def check(queue: Jobs, reported: list) -> None:
        first = queue.submit(submit("first"))
        for n in range(20):
            queue.submit(submit(f"job{n}"))
        queue.cancel(first)
        assert reported == [Cancelled("first", "", 0.0), *(Queued(f"job{n}", n) for n in range(runner._NEXT))]

    in_a_loop(check)


@pytest.mark.parametrize("drop", [False, True])
def test_nothing_is_taken_while_ending(drop):
    def check(queue: Jobs, reported: list) -> None:
        queue.submit(submit("a"))
        queue.close(drop)
        assert reported == [Cancelled("a", "", 0.0) if drop else Queued("a", 0, {"later": 1})]
        with pytest.raises(JobError) as caught:
            queue.submit(submit("b"))
        assert caught.value.code == "shutting_down"

    in_a_loop(check)
