"""The life of a job: queued → running → done, failed or cancelled. Who is next, `queue` says; `performer` runs it.

Idempotent by id: submitting a known id with the same request gives the job there is. Everything runs on the event loop's
thread. What happens to a job is reported through `notify`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from bridge import limits
from bridge.audio.device import AudioDevice
from bridge.engine_host.supervisor import Supervisor
from bridge.errors import BridgeFault, JobError, MessageError, OutputError
from bridge.jobs.job import Job
from bridge.jobs.journal import Journal
from bridge.jobs.memory import Memory, Waiting
from bridge.jobs.performer import Performer
from bridge.jobs.queue import JobQueue
from bridge.jobs.rates import Rates
from bridge.jobs.section import section_again
from bridge.midi.transport import Transport
from bridge.osc import spec
from bridge.osc.commands import Again, Draft, Submit
from bridge.osc.replies import Cancelled, Done, End, Fail, Queued, Reply, fail
from bridge.results.recording import Kept, Recording
from engine.api import RequestError, draw_seed

_NEXT = 8  # jobs whose clients are notified when the queue moves
_LONG_AWAY_S = 600.0  # without a daemon: then nobody waits for the jobs that did

log = logging.getLogger(__name__)


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
        soundfont: str = "",
        rates: Rates | None = None,
    ):
        self.rates = rates or Rates()
        self._performer = Performer(engine, device, transport, journal, notify, self.rates, soundfont)
        self._engine = engine
        self._journal = journal
        self._folder = folder
        self._notify = notify
        self._jobs: dict[str, Job] = {}
        self._queue: JobQueue[Job] = JobQueue(spec.MAX_LIVE_IN_A_ROW)
        self._ended: dict[str, None] = {}  # the ids that still answer, the oldest first
        self._at_hand: deque[str] = deque()  # those of them that are in `_jobs` too; the others are in the journal
        self._moved = asyncio.Event()  # there may be a job to begin
        self._closing = False
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
        job.place_sent = self._waiting(job, self.position(job))
        self._report_positions()  # it may have gone before others
        self._moved.set()
        return job

    def again(self, command: Again) -> Submit:
        """What a job asked for, as a new submit. Raises JobError, and MessageError where its task takes no such value."""
        job = self.get(command.job)
        if command.section is not None:
            return section_again(job, command, command.section)
        if command.variation is not None:
            problem = "variation says in which of them a section is made anew: say which section, or leave variation away"
            raise JobError(problem, "bad_request")
        exact = job.exact
        try:
            request = replace(
                exact, seed=exact.seed if command.seed is None else command.seed,
                variations=exact.variations if command.variations is None else command.variations,
                decode=command.decode or exact.decode,  # the tokens stay the same, and with them the music
            )  # fmt: skip
        except RequestError as error:
            raise MessageError(str(error), error.code, command.id, command.reply_port) from None
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

    def state_reply(self, job: Job) -> Reply:
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
                end = await self._performer.perform(job)
            except Exception:
                log.exception("a fault of the daemon's own in job %s", job.id)
                end = fail(BridgeFault(), job.id)
            self._conclude(job, end)
            self.running = None

    def _report_positions(self) -> None:
        """Informs those who are next; who is far back may ask."""
        for position, job in enumerate(islice(self._queue, _NEXT), start=self.running is not None):
            place = self._waiting(job, position)
            if place != job.place_sent:
                job.place_sent = place
                self._notify(job, place)

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
