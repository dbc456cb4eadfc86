"""The one reply that ends a job, and its sidecar, of each way in which it can end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import EngineFailure, JobError
from bridge.jobs import outcome
from bridge.jobs.job import Job
from bridge.osc.commands import Submit
from bridge.osc.replies import Cancelled, Done, Fail
from bridge.results.recording import Recording
from engine.api import AudioChunk, Finished, GenerationRequest
from tests.reports import REPORT


def job_of(folder: Path, frames: int = 24_000, **request) -> Job:
    """One that ran, with so many frames of audio."""
    job = Job(Submit("j", GenerationRequest("dub", **request)), Recording(folder, GenerationRequest("dub", **request)), 7)
    job.started, job.ended = time.monotonic() - 2, time.monotonic()
    job.growing.open(outcome.before(job))
    if frames:
        job.growing.write(AudioChunk(0, 0, 48_000, np.zeros((frames, 1), np.float32)))
    job.growing.finish(outcome.before(job))
    return job


def finished(cancelled: bool = False) -> Finished:
    return Finished(24_000, 48_000, cancelled, REPORT)


def test_a_job_that_was_made_is_done(tmp_path):
    job = job_of(tmp_path)
    end = outcome.end_of(job, finished(), None)
    assert isinstance(end, Done) and (end.duration_s, end.pairs["seed"]) == (0.5, 7) and Path(end.path).exists()


def test_a_failure_names_what_is_kept_and_nothing_where_nothing_is(tmp_path):
    failure = EngineFailure("it died", "engine_died")
    kept, lost = outcome.end_of(job_of(tmp_path), None, failure), outcome.end_of(job_of(tmp_path, 0), None, failure)
    assert isinstance(kept, Fail) and kept.code == "engine_died" and kept.pairs["duration_s"] == 0.5
    assert isinstance(lost, Fail) and lost.pairs == {}


@pytest.mark.parametrize("asked", [True, False])
def test_what_was_stopped_is_cancelled(tmp_path, asked):
    job = job_of(tmp_path)
    job.cancelled = asked
    assert isinstance(outcome.end_of(job, finished(cancelled=not asked), None), Cancelled)


@pytest.mark.parametrize(
    ("failure", "state"),
    [(None, "done"), (EngineFailure("it died"), "failed"), (JobError("the daemon ended", "interrupted"), "interrupted")],
)
def test_the_sidecar_says_what_became_of_it(tmp_path, failure, state):
    sidecar = asyncio.run(outcome.in_sidecar(job_of(tmp_path), None if failure else finished(), failure))
    assert (sidecar["id"], sidecar["state"], sidecar["request"]["seed"]) == ("j", state, 7)
    assert ("failure" in sidecar) == bool(failure) and sidecar["timings"]["total_s"] == pytest.approx(2, abs=0.5)


def test_a_clip_that_is_gone_is_said_and_nothing_fails(tmp_path):
    sidecar = asyncio.run(outcome.in_sidecar(job_of(tmp_path, clip=str(tmp_path / "gone.wav")), finished(), None))
    assert sidecar["source"]["sha256"] is None and sidecar["source"]["problem"]
