"""The queue alone, without an engine: no job here ever runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge import jobs, limits
from bridge.commands import Submit
from bridge.errors import JobError
from bridge.jobs import Jobs
from bridge.journal import Journal
from bridge.replies import Cancelled, Queued
from engine.api import GenerationRequest


def submit(id: str) -> Submit:
    return Submit(id, GenerationRequest("dub"))


def in_a_loop(check) -> None:
    async def run() -> None:
        told = []
        journal = Journal(None)
        await journal.open(0)
        check(Jobs(None, None, None, journal, Path("/nowhere"), lambda job, reply: told.append(reply)), told)
        await journal.close()

    asyncio.run(run())


def test_ended_jobs_are_remembered_up_to_a_number(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REMEMBERED", 3)

    def check(queue: Jobs, told: list) -> None:
        waiting = queue.submit(submit("waiting"))
        for n in range(10):
            queue.cancel(queue.submit(submit(f"job{n}")))
        assert told.count(Cancelled("job0", "", 0.0)) == 1
        for n in range(7):
            with pytest.raises(JobError):
                queue.get(f"job{n}")
        assert [queue.get(f"job{n}").state for n in range(7, 10)] == ["cancelled"] * 3
        assert queue.get("waiting") is waiting and waiting.state == "queued"

    in_a_loop(check)


def test_a_full_queue_says_so(monkeypatch):
    monkeypatch.setattr(limits, "MAX_QUEUED", 2)

    def check(queue: Jobs, _told: list) -> None:
        queue.submit(submit("a"))
        queue.submit(submit("b"))
        with pytest.raises(JobError) as caught:
            queue.submit(submit("c"))
        assert caught.value.code == "busy"
        assert queue.submit(submit("a")) is queue.get("a")  # a known id still answers

    in_a_loop(check)


def test_when_the_queue_moves_those_who_are_next_hear_of_it():
    def check(queue: Jobs, told: list) -> None:
        first = queue.submit(submit("first"))
        for n in range(20):
            queue.submit(submit(f"job{n}"))
        queue.cancel(first)
        assert told == [Cancelled("first", "", 0.0), *(Queued(f"job{n}", n) for n in range(jobs._NEXT))]

    in_a_loop(check)


def test_nothing_is_taken_while_ending():
    def check(queue: Jobs, told: list) -> None:
        queue.submit(submit("a"))
        queue.close()
        assert told == [Cancelled("a", "", 0.0)]
        with pytest.raises(JobError) as caught:
            queue.submit(submit("b"))
        assert caught.value.code == "shutting_down"

    in_a_loop(check)
