"""Runs one job: the engine's chunks go to its file, then to its clients, then to the audio device.

Runs on the event loop's thread, except disk work, which is awaited in a thread of its own: a slow disk holds up its job, not the
daemon.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from bridge.audio.device import AudioDevice
from bridge.audio.voice import Cue, Due
from bridge.engine_host.supervisor import Supervisor
from bridge.errors import EngineFailure, JobError, OutputError
from bridge.jobs import outcome
from bridge.jobs.job import Job
from bridge.jobs.journal import Journal
from bridge.jobs.memory import INTERRUPTED
from bridge.jobs.outcome import Failure
from bridge.jobs.rates import Rates, measured_outside
from bridge.midi import clip as midi_clip
from bridge.midi.transport import Transport
from bridge.osc import spec
from bridge.osc.commands import is_midi_clip
from bridge.osc.replies import Chunk, End, Reply
from bridge.results import splice
from engine.api import AudioChunk, ClipError, Finished, GenerationRequest, Progress, clip_text, resolve_clip

_PROGRESS_EVERY_S = 1 / spec.MAX_PROGRESS_PER_S

_CUE_PATIENCE_S = 1.0  # for the audio device, once the whole result is there

log = logging.getLogger(__name__)


class Performer:
    """`soundfont` plays MIDI clips."""

    def __init__(
        self,
        engine: Supervisor,
        device: AudioDevice,
        transport: Transport,
        journal: Journal,
        notify: Callable[[Job, Reply], None],
        rates: Rates,
        soundfont: str = "",
    ):
        self._engine = engine
        self._device = device
        self._transport = transport
        self._journal = journal
        self._notify = notify
        self._rates = rates
        self._soundfont = soundfont
        self._rtf: float | None = None  # of the last job that was done

    async def perform(self, job: Job) -> End:
        """Runs it to its end. Its recording is finished then."""
        assert job.started is not None, "it runs"
        was_loaded = self._engine.loaded
        failure: Failure | None = None
        finished: Finished | None = None
        if job.command.play and job.audible:
            due = None if job.command.start == "now" else self._due(job)
            job.voice = self._device.play(job.request.seconds, due, self._rtf)
        try:
            job.announced = await asyncio.to_thread(job.growing.likely_path)
            await self._journal.started(job.id, job.announced)
            await asyncio.to_thread(job.growing.open, outcome.before(job))
            await self._announce(job)
            finished = await self._generate(job)
        except EngineFailure as error:
            failure = None if job.cancelled else error  # it was asked to stop: how it stopped is the log's matter
        except (OutputError, ClipError) as error:
            failure = error
        if job.interrupted and failure is None and (finished is None or finished.cancelled):
            failure = JobError(INTERRUPTED, "interrupted")
        job.ended = time.monotonic()
        if finished and not finished.cancelled:
            job.done_s = finished.report.new_s or job.expected_s
            job.worked_s = job.ended - (job.started if job.work_at is None else job.work_at)
            self._rtf = job.rtf
            self._measure(job, finished, was_loaded)
        if job.voice:
            job.voice.end()
            if job.command.start != "now" and finished and not job.cancelled:
                await job.voice.is_cued(_CUE_PATIENCE_S)  # its end says where it plays
        try:
            reports = [finished.report.as_entries(number) for number in range(1, job.request.variations + 1)] if finished else ()
            await asyncio.to_thread(job.growing.finish, await outcome.in_sidecar(job, finished, failure), reports)
        except OutputError as error:
            failure = failure or error
        await asyncio.to_thread(self._rates.save)
        return outcome.end_of(job, finished, failure)

    def _measure(self, job: Job, finished: Finished, was_loaded: str) -> None:
        """For the next estimate."""
        assert job.started is not None and job.ended is not None, "it ran"
        if job.request.task != "music" or (job.request.is_fill and not finished.report.pace):
            return  # nothing else takes as long
        begun = job.started if job.work_at is None else job.work_at
        if self._engine.model:
            self._rates.warmed_up(self._engine.loaded, self._engine.model)
        if self._engine.loaded != was_loaded:
            self._rates.loaded(self._engine.loaded, begun - job.started)
        first_s = (job.first_chunk_s or 0.0) - (begun - job.started)
        outside = measured_outside(max(0.0, first_s), job.worked_s, job.done_s, job.request.variations)
        self._rates.done(job.request, finished.report.pace or outside)

    async def _announce(self, job: Job) -> None:
        """Gives the journal the name, where it is not the one that it has."""
        if job.recording.path != job.announced:
            job.announced = job.recording.path
            await self._journal.started(job.id, job.announced)

    def _due(self, job: Job) -> Due:
        """When the host's next bar, or its loop, begins. Asked once the result could be played."""

        def due(earliest_s: float) -> Cue | None:
            now, quarters = time.monotonic(), job.request.quarters_per_bar
            if job.command.start == "next_loop":
                at_s = self._transport.next_loop_s(now, earliest_s)
                quarters_until_again = self._transport.loop_quarters(now)
            else:
                at_s = self._transport.next_bar_s(now, quarters, earliest_s)
                quarters_until_again = self._transport.quarters_per_bar(now, quarters)
            bpm = self._transport.bpm(now)
            if at_s is None or bpm is None or quarters_until_again is None:
                log.warning("job %s plays at once: the host it should have waited for plays no more", job.id)
                return None
            job.cued_bar = self._transport.bar_at(now, at_s, quarters)
            job.bars_until_again = 0 if job.command.start == "next_loop" else 1
            return Cue(at_s, quarters_until_again * 60 / bpm)

        return due

    async def _generate(self, job: Job) -> Finished | None:
        if job.cancelled:  # while its name was being reserved
            return None
        with tempfile.TemporaryDirectory(prefix="inspire-") as folder:
            request = await self._with_audio(job.exact, Path(folder))
            in_place = resolve_clip(request.clip) if request.is_fill and request.join == "append" and request.clip else None
            if in_place:
                await asyncio.to_thread(splice.check, in_place)
            finished = await self._run_engine(job, request)
            if in_place and not finished.cancelled:
                await asyncio.to_thread(job.growing.splice, in_place, finished.report.variations[0].from_s or 0.0)
            return finished

    async def _with_audio(self, request: GenerationRequest, folder: Path) -> GenerationRequest:
        """A MIDI clip as audio in `folder`. Raises ClipError."""
        if request.clip is None or not is_midi_clip(request.clip):
            return request
        wave = await asyncio.to_thread(midi_clip.render, resolve_clip(request.clip), self._soundfont, folder)
        return replace(request, clip=clip_text(wave))

    async def _run_engine(self, job: Job, request: GenerationRequest) -> Finished:
        async with aclosing(self._engine.run(request, job.command.weights)) as events:
            async for event in events:
                match event:
                    case Progress():
                        self._report_progress(job, event)
                    case AudioChunk():
                        await self._keep(job, event)
                    case Finished():
                        return event
        raise AssertionError("an engine's run ended without an end")

    async def _keep(self, job: Job, chunk: AudioChunk) -> None:
        """On disk first, then reported, then played."""
        await asyncio.to_thread(job.growing.write, chunk)
        await self._announce(job)
        self._journal.grown(job.id, job.recording.duration_s)
        now = time.monotonic()
        if job.generating and chunk.variation == 1:
            job.kept_s += chunk.duration_s
            job.done_s = max(job.done_s, job.kept_s)
        if job.generating:
            assert job.work_at is not None and job.started is not None, "new audio comes after progress"
            job.worked_s = now - job.work_at
            job.first_chunk_s = now - job.started if job.first_chunk_s is None else job.first_chunk_s
        path, pairs = str(job.growing.path_of(chunk.variation)), {}
        if job.request.variations > 1:
            pairs = {"variation": chunk.variation}
        self._notify(job, Chunk(job.id, chunk.index, chunk.start_s, chunk.duration_s, path, pairs))
        if job.voice and chunk.variation == 1 and not job.cancelled:
            job.voice.feed(chunk, job.generating)

    def _report_progress(self, job: Job, event: Progress) -> None:
        now = time.monotonic()
        if event.phase == "loading" or job.work_at is None:
            job.work_at = event.at_s
            if job.voice:
                job.voice.begin()
        if job.voice and event.total_s != job.total_s:
            job.voice.expect(event.total_s)
        job.generating = job.generating or event.phase == "generating"
        job.total_s = event.total_s
        if event.phase == "generating":  # before, what is done is the clip's
            job.done_s = max(job.done_s, event.done_s)
        if now - job.reported_at >= _PROGRESS_EVERY_S:
            job.reported_at = now
            self._notify(job, job.progress())
