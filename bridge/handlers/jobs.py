"""Jobs: asked for, cancelled, listed; the queue paused; the history searched, kept, deleted."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.handlers import Caller, Replies, Table
from bridge.handlers.completion import Completion
from bridge.jobs.job import Job
from bridge.jobs.journal import Journal
from bridge.jobs.runner import Jobs
from bridge.midi.controller import MidiControl
from bridge.osc.arguments import cut
from bridge.osc.commands import Again, Cancel, Delete, Draft, History, Keep, ListJobs, SetPaused, Submit
from bridge.osc.replies import Ack, Entry, Found, Queued, State
from bridge.osc.sessions import Clients, Peer
from bridge.osc.spec import MAX_BEGINNING


class JobHandlers:
    def __init__(self, clients: Clients, jobs: Jobs, journal: Journal, completion: Completion, control: MidiControl):
        self._clients = clients
        self._jobs = jobs
        self._journal = journal
        self._completion = completion
        self._control = control

    @property
    def table(self) -> Table:
        return {
            Submit: self.submit,
            Draft: self.submit_draft,
            Again: self.submit_again,
            Cancel: self.cancel,
            SetPaused: self.set_paused,
            ListJobs: self.list,
            History: self.search,
            Keep: self.keep,
            Delete: self.delete,
        }

    async def submit(self, command: Submit, caller: Caller) -> Replies:
        await self._jobs.recall(command.id)
        to = caller.reply_to
        job = self._jobs.submit(self._completion.admit(command), self._clients.turn_of(to), self._clients.name_of(to))
        first = self._jobs.state_reply(job)
        async with self._following(job, to):
            yield Ack(command.id)
            yield first
            if isinstance(first, Queued) and (now := self._jobs.state_reply(job)) != first:  # it moved while it was written
                yield now

    async def submit_draft(self, draft: Draft, caller: Caller) -> Replies:
        await self._jobs.recall(draft.id)
        async for reply in self.submit(self._jobs.drafted(draft) or self._completion.complete(draft), caller):
            yield reply

    async def submit_again(self, command: Again, caller: Caller) -> Replies:
        await self._jobs.recall(command.id, command.job)
        async for reply in self.submit(self._jobs.again(command), caller):
            yield reply

    async def cancel(self, command: Cancel, caller: Caller) -> Replies:
        if self._control.stop_learning("it was cancelled", command.job):
            yield Ack(command.id)
            return
        await self._jobs.recall(command.job)
        job = self._jobs.get(command.job)
        async with self._following(job, caller.reply_to):
            yield Ack(command.id)
            if job.end or job.cancelled:  # it has one end, and that is sent once
                yield job_state(command.id, job, self._jobs)
            self._jobs.cancel(job)

    async def set_paused(self, command: SetPaused, caller: Caller) -> Replies:
        await self._jobs.set_paused(command.paused)
        yield Ack(command.id)

    async def list(self, command: ListJobs, caller: Caller) -> Replies:
        jobs = self._jobs.unended
        shown = jobs[command.offset :][: command.limit]
        yield Found(command.id, len(jobs), len(shown))
        for index, job in enumerate(shown, command.offset):
            yield _entry(command.id, index, job)

    async def search(self, command: History, caller: Caller) -> Replies:
        for reply in await self._journal.search(command):
            yield reply

    async def keep(self, command: Keep, caller: Caller) -> Replies:
        await self._journal.keep(command.job, bool(command.keep))
        yield Ack(command.id)

    async def delete(self, command: Delete, caller: Caller) -> Replies:
        await self._journal.delete(command.job)
        self._jobs.forget(command.job)
        yield Ack(command.id)

    @asynccontextmanager
    async def _following(self, job: Job, to: Peer) -> AsyncIterator[None]:
        """From when the job is written on, `to` follows it: the ack comes first, and stays true when this process is killed.

        Who asks for a job that is still being written waits in line: first come, first answered.
        """
        async with job.acknowledging:
            if job.written:
                await job.written
            if not job.end:
                self._clients.follow(job.id, to)
            yield


def _entry(id: str, index: int, job: Job) -> Entry:
    request, has_audio = job.request, bool(job.recording.duration_s)
    pairs = {
        "created": job.created_at,
        "client": job.client or None,
        "prompt": cut(request.prompt, MAX_BEGINNING) or None,
        "clip": os.path.basename(request.clip) if request.clip else None,
        "seed": job.seed,
        "path": job.recording.path if has_audio else None,
        "duration_s": job.recording.duration_s if has_audio else None,
    }
    return Entry(id, index, job.id, job.state, pairs)


def job_state(id: str, job: Job, jobs: Jobs) -> State:
    """Where a job is, in answer to the command `id`."""
    pairs = {
        "job": job.id,
        "position": jobs.position(job) if job.state == "queued" else None,
        "done_s": job.done_s,
        "total_s": job.expected_s,
        "rtf": job.rtf,
        "path": job.recording.path if job.recording.duration_s else None,
        "others": job.end.pairs.get("others") if job.end else None,
        "duration_s": job.recording.duration_s,
    }
    return State(id, job.state, pairs)
