"""One job run to its end: what is on disk, what is reported, what it ends with. The fake engine runs in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import soundfile

from bridge.audio.device import AudioDevice
from bridge.errors import EngineFailure
from bridge.handlers.jobs import job_state
from bridge.jobs.job import Job
from bridge.jobs.journal import Journal
from bridge.jobs.performer import Performer
from bridge.jobs.rates import Rates
from bridge.midi.transport import Transport
from bridge.osc.commands import Submit
from bridge.osc.replies import Cancelled, Chunk, Done, End, Fail, ProgressReport, Reply
from bridge.results.recording import Recording
from bridge.results.sidecar import read
from engine.api import AudioChunk, EngineError, Event, GenerationRequest, Progress
from tests.fake_engine import FakeEngine


class EngineHere:
    """As the supervisor: the engine's events, and its errors as failures."""

    def __init__(self) -> None:
        self._engine = FakeEngine()
        self.loaded, self.model = "sketch", self._engine.load("sketch")
        self.cancelled = False
        self.dies_after: int | None = None  # chunks
        self.victim: Job | None = None  # cancelled just before

    async def run(self, request: GenerationRequest, weights: str = "") -> AsyncGenerator[Event]:
        chunks = 0
        try:
            for event in self._engine.generate(request, lambda: self.cancelled):
                yield event
                chunks += isinstance(event, AudioChunk)
                if chunks == self.dies_after:
                    if self.victim:
                        self.victim.cancelled = True
                    raise EngineFailure("the engine process was killed", EngineFailure.DIED)
        except EngineError as error:
            raise EngineFailure(str(error), error.code) from None


def perform(folder: Path, engine: EngineHere | None = None, prepare=lambda job: None, **request) -> tuple[End, list[Reply], Job]:
    """The end, what was reported on the way, and the job."""
    asked = GenerationRequest(**{"prompt": "tune", "duration_s": 1.0, **request})
    reported: list[Reply] = []

    async def run() -> tuple[End, Job]:
        journal, device = Journal(None), AudioDevice("none", 0.5)
        await journal.open(0)
        device.start()
        job = Job(Submit("j", asked), Recording(folder, asked), 7)
        job.started = job.created
        prepare(job)
        notify = lambda job, reply: reported.append(reply)  # noqa: E731
        end = await Performer(engine or EngineHere(), device, Transport(), journal, notify, Rates()).perform(job)
        await device.stop()
        await journal.close()
        return end, job

    end, job = asyncio.run(run())
    return end, reported, job


def test_a_chunk_is_on_disk_before_it_is_reported_and_the_end_says_what_was_made(tmp_path):
    end, reported, job = perform(tmp_path)
    chunks = [reply for reply in reported if isinstance(reply, Chunk)]
    assert [chunk.start_s for chunk in chunks] == [0.0, 0.25, 0.5, 0.75] and {chunk.path for chunk in chunks} == {end.path}
    assert isinstance(end, Done) and end.duration_s == 1.0 and end.pairs["seed"] == 7
    assert soundfile.info(end.path).frames == 48_000 and read(Path(end.path))["state"] == "done"
    assert job.done_s == 1.0 and job.ended is not None and job.first_chunk_s is not None


def test_progress_is_reported_at_most_ten_times_a_second(tmp_path):
    _, reported, _ = perform(tmp_path, duration_s=60.0)
    assert 1 <= len([reply for reply in reported if isinstance(reply, ProgressReport)]) < 100  # of 241 of the engine's


@pytest.mark.parametrize("chunks", [1, 3])
def test_an_engine_that_dies_leaves_what_was_made(tmp_path, chunks):
    engine = EngineHere()
    engine.dies_after = chunks
    end, _, _ = perform(tmp_path, engine)
    assert isinstance(end, Fail) and (end.code, end.pairs["duration_s"]) == ("engine_died", 0.25 * chunks)
    assert soundfile.info(end.pairs["path"]).frames == 12_000 * chunks and read(Path(end.pairs["path"]))["state"] == "failed"


def test_what_is_done_is_new_audio_once_and_no_more_than_there_will_be(tmp_path):
    """Neither the clip that was encoded, nor twice what was held back until it was measured."""

    class HeldBack(EngineHere):
        async def run(self, request: GenerationRequest, weights: str = "") -> AsyncGenerator[Event]:
            yield Progress("listening", 0.8, 0.8)
            progress = Progress("generating", 0.8, 0.8)
            async for event in super().run(request, weights):
                yield progress
                if isinstance(event, AudioChunk):
                    yield event

    engine = HeldBack()
    engine.dies_after = 3
    _, reported, job = perform(tmp_path, engine)
    before, *after = [reply.done_s for reply in reported if isinstance(reply, ProgressReport)]
    assert before == 0.0 and set(after) <= {0.8} and job.done_s == 0.8
    assert job_state("s", job, None).pairs["total_s"] == 0.8  # of a request for 1 s


def test_a_rejected_request_leaves_nothing(tmp_path):
    end, _, _ = perform(tmp_path, prompt="refuse this")
    assert end == Fail("j", "bad_request", "the fake engine is asked to reject") and not [*tmp_path.glob("*.wav")]


def test_a_job_cancelled_before_it_began_asks_no_engine(tmp_path):
    def cancel(job: Job) -> None:
        job.cancelled = True

    end, reported, _ = perform(tmp_path, prepare=cancel)
    assert end == Cancelled("j", "", 0.0) and reported == [] and not [*tmp_path.iterdir()]


def test_a_cancelled_job_whose_engine_dies_is_cancelled_and_keeps_its_audio(tmp_path):
    engine = EngineHere()
    engine.dies_after = 2

    def cancelled_late(job: Job) -> None:
        engine.victim = job

    end, _, _ = perform(tmp_path, engine, cancelled_late)
    assert isinstance(end, Cancelled) and end.duration_s == 0.5 and soundfile.info(end.path).frames == 24_000


def test_a_daemon_that_ends_interrupts_its_job(tmp_path):
    engine = EngineHere()

    def interrupt(job: Job) -> None:
        job.interrupted = engine.cancelled = True

    end, _, _ = perform(tmp_path, engine, interrupt)
    assert isinstance(end, Fail) and end.code == "interrupted"


def test_a_folder_that_cannot_be_is_a_fail_before_the_engine_works(tmp_path):
    (tmp_path / "taken").write_text("a file")
    end, reported, _ = perform(tmp_path / "taken")
    assert isinstance(end, Fail) and end.code == "output" and reported == []


def test_a_clip_that_is_no_midi_is_one_fail(tmp_path):
    (tmp_path / "riff.mid").write_bytes(b"no MIDI at all")
    end, _, _ = perform(tmp_path, prompt="", clip=str(tmp_path / "riff.mid"))
    assert isinstance(end, Fail) and end.code == "bad_clip"
