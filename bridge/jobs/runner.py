"""The life of a job: queued → running → done, failed or cancelled. Who is next, `job_queue` says.

Idempotent by id: submitting a known id with the same request gives the job there is. Everything runs on the event loop's
thread, except disk work, which is awaited in a thread of its own: a slow disk holds up its job, not the daemon.

Every job tells its story as replies through `notify`: queued, progress, chunk, and exactly one end.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from bridge import limits
from bridge.audio.device import AudioDevice
from bridge.audio.voice import Due, Voice
from bridge.engine_host.supervisor import Supervisor
from bridge.errors import BridgeError, BridgeFault, EngineFailure, JobError, OutputError
from bridge.jobs.journal import Journal
from bridge.jobs.memory import INTERRUPTED, Memory, Waiting
from bridge.jobs.queue import JobQueue
from bridge.midi import clip as midi_clip
from bridge.midi.transport import Transport
from bridge.osc import spec
from bridge.osc.commands import Again, Draft, Submit, is_midi_clip
from bridge.osc.replies import Cancelled, Chunk, Done, End, Fail, ProgressReport, Queued, Reply, fail, others_of
from bridge.results import sidecar
from bridge.results.recording import Kept, Recording
from engine.api import AudioChunk, ClipError, Finished, GenerationRequest, Progress, clip_path, clip_text, draw_seed, resolve_clip

_NEXT = 8  # jobs that hear of it when the queue moves
_LONG_AWAY_S = 600.0  # without a daemon: then nobody waits for the jobs that did
_PROGRESS_EVERY_S = 1 / spec.MAX_PROGRESS_PER_S

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """One request and what became of it. Times are of `time.monotonic`.

    `seed` is the one used, drawn at once where the request has none: None only for jobs of daemons that did not.
    """

    command: Submit
    recording: Recording | Kept
    seed: int | None
    client: str = ""  # who asked
    written: asyncio.Future[None] | None = None  # in the journal: only then may its client rely on it
    acknowledging: asyncio.Lock = field(default_factory=asyncio.Lock)  # who asks for it waits for `written` in turn
    created: float = field(default_factory=time.monotonic)
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    started: float | None = None
    ended: float | None = None
    first_chunk_s: float | None = None
    work_at: float | None = None  # when work began, the model being loaded
    generating: bool = False  # what comes now is new audio, not the clip
    worked_s: float = 0.0  # for done_s
    done_s: float = 0.0  # of new audio
    total_s: float = 0.0  # as the engine tells it: of bars of a clip it knows when it has heard it
    audible: bool = True  # False: asked for while another daemon ran, so that nobody expects to hear it now
    cancelled: bool = False  # asked to stop
    interrupted: bool = False  # … because the daemon ends
    voice: Voice | None = None
    announced: Path | None = None  # where its audio is, as the journal was told
    reported_at: float = 0.0
    told: Queued | None = None  # where it waits, as it last heard
    end: End | None = None

    @property
    def id(self) -> str:
        return self.command.id

    @property
    def growing(self) -> Recording:
        """Its recording, of a job that has not ended."""
        assert isinstance(self.recording, Recording), f"the job {self.id} has ended"
        return self.recording

    @property
    def request(self) -> GenerationRequest:
        return self.command.request

    @property
    def exact(self) -> GenerationRequest:
        """The request with its seed: what makes the same audio again."""
        return self.request if self.seed is None else replace(self.request, seed=self.seed)

    @property
    def state(self) -> str:
        if self.end:
            if isinstance(self.end, Fail) and self.end.code == "interrupted":
                return "interrupted"
            return {Done: "done", Fail: "failed", Cancelled: "cancelled"}[type(self.end)]
        return "queued" if self.started is None else "running"

    @property
    def rtf(self) -> float:
        """Seconds of work for a second of new audio, 0 while unknown."""
        return self.worked_s / self.done_s if self.done_s else 0.0

    def progress(self) -> ProgressReport:
        return ProgressReport(self.id, self.done_s, self.total_s or self.request.seconds, self.rtf)


class Jobs:
    """Runs jobs one after the other. `run` is the main loop; it returns after `close`."""

    def __init__(
        self,
        engine: Supervisor,
        device: AudioDevice,
        transport: Transport,
        journal: Journal,
        folder: Path,
        notify: Callable[[Job, Reply], None],
    ):
        self._engine = engine
        self._device = device
        self._transport = transport
        self._journal = journal
        self._folder = folder
        self._notify = notify
        self._jobs: dict[str, Job] = {}
        self._queue: JobQueue[Job] = JobQueue(spec.MAX_LIVE_IN_A_ROW)
        self._ended: dict[str, None] = {}  # the ids that still answer, the oldest first
        self._at_hand: deque[str] = deque()  # those of them that are in `_jobs` too; the others are in the journal
        self._moved = asyncio.Event()  # there may be a job to begin
        self._closing = False
        self._rtf: float | None = None  # of the last job that was done
        self.soundfont = ""  # plays MIDI clips
        self.paused = False
        self.running: Job | None = None

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def unended(self) -> list[Job]:
        """The one that runs, then those that wait, in the order of their turns."""
        return [*([self.running] if self.running else ()), *self._queue]

    def get(self, id: str) -> Job:
        if id not in self._jobs:
            raise JobError(f"no job has the id {id!r}")
        return self._jobs[id]

    def drafted(self, draft: Draft) -> Submit | None:
        """What this draft became when it came before: by now its preset or the tempo may be another."""
        job = self._jobs.get(draft.id)
        return job.command if job and job.command.draft == draft else None

    def restore(self, memory: Memory) -> None:
        """What earlier daemons left: ids that still answer, and jobs that wait. A queue that was paused still is, and one that
        nobody looked after for long waits for `resume`.
        """
        self._ended = dict.fromkeys(memory.ended)
        self.paused = memory.paused
        for waiting in memory.waiting:
            self._restore(waiting)
        if self._queue and not self.paused and memory.away_s > _LONG_AWAY_S:
            log.warning("%d jobs have waited since the last daemon ended: they begin when the queue is resumed", len(self._queue))
            self.set_paused(True)
        elif self._queue:
            log.info("%d jobs wait from the last daemon", len(self._queue))

    def _restore(self, waiting: Waiting) -> None:
        command, request = waiting.command, waiting.command.request
        try:
            recording = Recording(self._folder, request, command.path)
        except OutputError as error:  # the output folder is another by now
            job = Job(command, Kept(Path(), 0.0), waiting.seed, waiting.client, created_at=waiting.created)
            self._conclude(job, fail(error, job.id))
            return
        job = Job(command, recording, waiting.seed, waiting.client, created_at=waiting.created, audible=False)
        self._jobs[job.id] = job
        self._queue.add(job, ("restored", waiting.client), first=request.clip is not None)

    async def recall(self, *ids: str) -> None:
        """What ended longer ago is read from the journal, so that `get` and `submit` know it. Raises JournalError."""
        for past in await self._journal.recall([id for id in ids if id in self._ended and id not in self._jobs]):
            job = Job(past.command, Kept(Path(past.path), past.duration_s), past.seed, created_at=past.created, end=past.end)
            if job.id in self._ended and job.id not in self._jobs:  # deleted or recalled meanwhile
                self._keep_at_hand(job)

    def forget(self, id: str) -> None:
        """An ended job's id may be used again."""
        if id in self._ended:
            del self._ended[id]
            if self._jobs.pop(id, None):
                self._at_hand.remove(id)

    def submit(self, command: Submit, client: Hashable = None, name: str = "") -> Job:
        """A new job, or the one there is with this id. Clients take turns; `name` says who asks.

        Raises JobError and OutputError.
        """
        known = self._jobs.get(command.id)
        if known:
            if (known.request, known.command.path) != (command.request, command.path):
                raise JobError(f"the id {command.id!r} belongs to another request: choose a new one", "id_taken")
            return known
        if self._closing:
            raise JobError("the daemon is ending", "shutting_down")
        if len(self._queue) >= limits.MAX_QUEUED:
            raise JobError(f"{limits.MAX_QUEUED} jobs wait already: try again when some are done", "busy")
        seed = draw_seed() if command.request.seed is None else command.request.seed
        job = Job(command, Recording(self._folder, command.request, command.path), seed, name)
        job.written = self._journal.submitted(command, name, job.created_at, seed)
        self._ended.pop(job.id, None)  # one that the journal lost
        self._jobs[job.id] = job
        self._queue.add(job, client, first=job.request.clip is not None)  # a continuation is waited for by someone who plays
        job.told = self._waiting(job, self.position(job))
        self._report_positions()  # it may have gone before others
        self._moved.set()
        return job

    def again(self, command: Again) -> Submit:
        """What a job asked for, as a new submit. Raises JobError."""
        job = self.get(command.job)
        request = job.exact if command.seed is None else replace(job.request, seed=command.seed)
        if command.decode is not None:  # the tokens stay the same, and with them the music
            request = replace(request, decode=command.decode)
        play = job.command.play if command.play is None else bool(command.play)
        weights = ""
        if command.seed is None and isinstance(job.end, Done):  # the same music
            weights = job.end.pairs.get("weights") or ""
        return Submit(command.id, request, play, command.path or job.command.path, weights, reply_port=command.reply_port)

    def set_paused(self, paused: bool) -> asyncio.Future[None]:
        """While paused no job begins; one that runs goes on. The future: it outlives the daemon."""
        self.paused = paused
        self._report_positions()
        self._moved.set()
        return self._journal.paused(paused)

    def story(self, job: Job) -> Reply:
        """Where a job is now, in one reply."""
        if job.end:
            return job.end
        return self._waiting(job, self.position(job)) if job.started is None else job.progress()

    def position(self, job: Job) -> int:
        """How many jobs are ahead of a queued one."""
        return self._queue.ahead_of(job) + (self.running is not None)

    def cancel(self, job: Job) -> None:
        """Stops a job: at once when it waits, within a token step when it runs. An ended one stays ended, but falls silent."""
        if job.voice:
            job.voice.stop()
        if job.state == "queued":
            self._queue.remove(job)
            self._conclude(job, Cancelled(job.id, "", 0.0))
            self._report_positions()
        elif job.state == "running":
            job.cancelled = True
            self._engine.cancel()

    def close(self, drop: bool = False) -> None:
        """Stops the running job, which keeps what it has; `run` returns when it has ended. Jobs that wait are left to the next
        daemon, or with `drop` cancelled.
        """
        self._closing = True
        if self.running:
            self.running.interrupted = not self.running.cancelled
            self.cancel(self.running)
        for position, job in enumerate([*self._queue]):
            if drop:
                self.cancel(job)
            else:
                self._notify(job, Queued(job.id, position, {"later": 1}))
        self._moved.set()

    async def run(self) -> None:
        while not self._closing:
            if self.paused or not self._queue:
                self._moved.clear()
                await self._moved.wait()
                continue
            self.running = job = self._queue.take()
            job.started = time.monotonic()
            self._notify(job, job.progress())
            self._report_positions()
            try:
                await self._perform(job)
            except Exception:
                log.exception("a fault of the daemon's own in job %s", job.id)
                self._conclude(job, fail(BridgeFault(), job.id))
            self.running = None

    async def _perform(self, job: Job) -> None:
        assert job.started is not None, "it runs"
        failure: BridgeError | ClipError | None = None
        finished: Finished | None = None
        if job.command.play and job.audible:
            due = self._next_bar(job) if job.command.start == "bar" else None
            job.voice = self._device.play(job.request.seconds, due, self._rtf)
        try:
            job.announced = await asyncio.to_thread(job.growing.likely_path)
            await self._journal.started(job.id, job.announced)
            await asyncio.to_thread(job.growing.open, _story(job))
            await self._announce(job)
            finished = await self._generate(job)
        except EngineFailure as error:
            failure = None if job.cancelled else error  # it was told to stop: how it stopped is the log's matter
        except (OutputError, ClipError) as error:
            failure = error
        if job.interrupted and failure is None and (finished is None or finished.cancelled):
            failure = JobError(INTERRUPTED, "interrupted")
        job.ended = time.monotonic()
        if finished and not finished.cancelled:
            job.done_s = finished.facts.get("new_s") or job.total_s or job.request.seconds
            job.worked_s = job.ended - (job.started if job.work_at is None else job.work_at)
            self._rtf = job.rtf
        if job.voice:
            job.voice.end()
        try:
            own = finished.variations if finished else ()
            await asyncio.to_thread(job.growing.finish, await self._told(job, finished, failure), own)
        except OutputError as error:
            failure = failure or error
        self._conclude(job, _end(job, finished, failure))

    async def _announce(self, job: Job) -> None:
        """Tells the journal the name, where it is not the one it was told."""
        if job.recording.path != job.announced:
            job.announced = job.recording.path
            await self._journal.started(job.id, job.announced)

    def _next_bar(self, job: Job) -> Due:
        def due(earliest_s: float) -> float | None:
            bar_s = self._transport.next_bar_s(time.monotonic(), job.request.quarters_per_bar, earliest_s)
            if bar_s is None:
                log.warning("job %s is heard at once: the host it should have waited for plays no more", job.id)
            return bar_s

        return due

    async def _generate(self, job: Job) -> Finished | None:
        if job.cancelled:  # while its name was being reserved
            return None
        with tempfile.TemporaryDirectory(prefix="inspire-") as folder:
            return await self._run_engine(job, await self._with_audio(job.exact, Path(folder)))

    async def _with_audio(self, request: GenerationRequest, folder: Path) -> GenerationRequest:
        """A MIDI clip as audio in `folder`. Raises ClipError."""
        if request.clip is None or not is_midi_clip(request.clip):
            return request
        wave = await asyncio.to_thread(midi_clip.render, resolve_clip(request.clip), self.soundfont, folder)
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
        """On disk first, then told, then heard."""
        await asyncio.to_thread(job.growing.write, chunk)
        await self._announce(job)
        self._journal.grown(job.id, job.recording.duration_s)
        now = time.monotonic()
        if job.generating and chunk.variation == 1:
            job.done_s += chunk.duration_s
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
            job.work_at = now
            if job.voice:
                job.voice.begin()
        if job.voice and event.total_s != job.total_s:
            job.voice.expect(event.total_s)
        job.generating = job.generating or event.phase == "generating"
        job.done_s, job.total_s = max(job.done_s, event.done_s), event.total_s
        if now - job.reported_at >= _PROGRESS_EVERY_S:
            job.reported_at = now
            self._notify(job, job.progress())

    def _report_positions(self) -> None:
        """Tells those who are next; who is far back may ask."""
        for position, job in enumerate(islice(self._queue, _NEXT), start=self.running is not None):
            told = self._waiting(job, position)
            if told != job.told:
                job.told = told
                self._notify(job, told)

    def _waiting(self, job: Job, position: int) -> Queued:
        return Queued(job.id, position, {"paused": 1} if self.paused else {})

    def _conclude(self, job: Job, end: End) -> None:
        job.end = end
        self._journal.ended(job.state, end, job.recording.duration_s)
        log.info("job %s %s: %s", job.id, job.state, end.message if isinstance(end, Fail) else end.path or "no audio")
        if job.voice:
            job.voice.end()  # again, for a job that ended by a fault
        self._notify(job, end)
        job.recording = Kept(job.recording.path, job.recording.duration_s)
        self._ended[job.id] = None
        self._keep_at_hand(job)
        if len(self._ended) > limits.MAX_REMEMBERED:
            self.forget(next(iter(self._ended)))

    def _keep_at_hand(self, job: Job) -> None:
        self._at_hand.append(job.id)
        self._jobs[job.id] = job
        if len(self._at_hand) > limits.MAX_AT_HAND:
            del self._jobs[self._at_hand.popleft()]

    async def _told(self, job: Job, finished: Finished | None, failure: BridgeError | ClipError | None) -> sidecar.Story:
        """The sidecar: what was asked, of what, what came of it."""
        assert job.started is not None and job.ended is not None, "it ran"
        state = "cancelled" if job.cancelled else "done"
        if failure:
            state = "interrupted" if failure.code == "interrupted" else "failed"
        story = _story(job) | {
            "state": state,
            "engine": finished.facts if finished else {},
            "timings": {
                "waited_s": round(job.started - job.created, 3),
                "first_chunk_s": round(job.first_chunk_s, 3) if job.first_chunk_s is not None else None,
                "total_s": round(job.ended - job.started, 3),
                "rtf": round(job.rtf, 4),
            },
        }
        if failure:
            story["failure"] = {"code": failure.code, "message": str(failure)}
        if job.request.clip is not None:
            clip = clip_path(job.request.clip)
            try:
                story["source"] = {"path": clip_text(clip), "sha256": await asyncio.to_thread(sidecar.sha256, clip)}
            except OSError as error:
                story["source"] = {"path": clip_text(clip), "sha256": None, "problem": error.strerror}
        return story


def _story(job: Job) -> sidecar.Story:
    """What is known before it begins."""
    return {"id": job.id, "state": sidecar.RUNNING, "created": job.created_at, "request": asdict(job.exact)}


def _end(job: Job, finished: Finished | None, failure: BridgeError | ClipError | None) -> End:
    duration_s = job.recording.duration_s
    path = str(job.recording.path) if duration_s else ""
    others = others_of(job.growing.paths)
    if failure:
        told = fail(failure, job.id)
        return Fail(told.id, told.code, told.message, {"path": path, "duration_s": duration_s} | others if path else {})
    if job.cancelled or finished is None or finished.cancelled:
        return Cancelled(job.id, path, duration_s, others)
    pairs = others | {
        "samplerate": finished.samplerate,
        "seed": finished.facts.get("seed"),
        "rtf": job.rtf,
        "first_chunk_s": job.first_chunk_s,
        "underruns": job.voice.underruns if job.voice else None,
        "bpm": finished.facts.get("bpm"),
        "note": "; ".join(finished.facts.get("notes", ())) or None,
        "weights": finished.facts.get("weights"),
    }
    return Done(job.id, path, duration_s, pairs)
