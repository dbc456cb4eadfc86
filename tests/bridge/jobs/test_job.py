"""A job: where it is, and the request that makes the same audio again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.jobs.job import Job
from bridge.osc.commands import Submit
from bridge.osc.replies import Cancelled, Done, Fail, ProgressReport
from bridge.results.recording import Kept, Recording
from engine.api import GenerationRequest


def test_a_job_reports_where_it_is(tmp_path):
    job = Job(Submit("j", GenerationRequest("dub", duration_s=4.0)), Recording(tmp_path, GenerationRequest("dub")), 7)
    assert job.state == "queued" and job.rtf == 0.0 and job.exact.seed == 7
    job.started, job.done_s, job.worked_s = time.monotonic(), 2.0, 1.0
    assert job.state == "running" and job.progress() == ProgressReport("j", 2.0, 4.0, 0.5)
    for end, state in [(Done("j", "", 0.0), "done"), (Fail("j", "engine", "x"), "failed"), (Cancelled("j", "", 0.0), "cancelled"),
                       (Fail("j", "interrupted", "x"), "interrupted")]:  # fmt: skip
        job.end = end
        assert job.state == state


def test_until_the_engine_says_how_long_it_gets_the_request_does():
    job = Job(Submit("j", GenerationRequest("dub", duration_s=4.0)), Kept(Path("x.wav"), 0.0), 7)
    assert job.progress() == ProgressReport("j", 0.0, 4.0, 0.0)
    job.total_s = 3.9
    assert job.progress().total_s == 3.9


def test_the_seed_that_was_drawn_makes_it_again_and_without_one_nothing_does():
    asked = GenerationRequest("dub")
    assert Job(Submit("j", asked), Kept(Path("x.wav"), 0.0), 7).exact == GenerationRequest("dub", seed=7)
    assert Job(Submit("j", asked), Kept(Path("x.wav"), 0.0), None).exact is asked


def test_a_job_that_has_ended_has_a_file_that_grows_no_more():
    with pytest.raises(AssertionError, match="has ended"):
        _ = Job(Submit("j", GenerationRequest("dub")), Kept(Path("x.wav"), 1.0), 7).growing
