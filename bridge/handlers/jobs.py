"""Jobs: asked for, cancelled, listed; the queue paused; the history searched, kept, deleted."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bridge.config.presets import NO_PRESET, Presets
from bridge.config.settings import Settings
from bridge.errors import MessageError
from bridge.handlers import Caller, Replies, Table
from bridge.jobs.job import Job
from bridge.jobs.journal import Journal
from bridge.jobs.runner import Jobs
from bridge.midi import clip as midi_clip
from bridge.midi.controller import MidiControl
from bridge.midi.transport import Transport
from bridge.osc.arguments import cut
from bridge.osc.commands import Again, Cancel, Delete, Draft, History, Keep, ListJobs, SetPaused, Submit, is_midi_clip
from bridge.osc.replies import Ack, Entry, Found, Queued, State
from bridge.osc.sessions import Clients, Peer
from bridge.osc.spec import MAX_BEGINNING
from engine.api import clip_text, resolve_clip


class JobHandlers:
    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        jobs: Jobs,
        journal: Journal,
        presets: Presets,
        transport: Transport,
        control: MidiControl,
    ):
        self._settings = settings
        self._clients = clients
        self._jobs = jobs
        self._journal = journal
        self._presets = presets
        self._transport = transport
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
        job = self._jobs.submit(self._admitted(command), self._clients.turn_of(to), self._clients.name_of(to))
        first = self._jobs.story(job)
        async with self._following(job, to):
            yield Ack(command.id)
            yield first
            if isinstance(first, Queued) and (now := self._jobs.story(job)) != first:  # it moved while it was written
                yield now

    async def submit_draft(self, draft: Draft, caller: Caller) -> Replies:
        await self._jobs.recall(draft.id)
        async for reply in self.submit(self._jobs.drafted(draft) or self._completed(draft), caller):
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
        """From when the job is written on, `to` hears of it: the ack comes first, and stays true when this process is killed.

        Who asks for a job that is still being written waits in line: first come, first answered.
        """
        async with job.acknowledging:
            if job.written:
                await job.written
            if not job.end:
                self._clients.follow(job.id, to)
            yield

    def _admitted(self, command: Submit) -> Submit:
        """With its model named and its clip's file found. Raises ClipError and MessageError for what may not be read."""
        settings = self._settings
        model = command.request.model or settings.model
        request = replace(command.request, model=model)
        if not settings.is_local and model != settings.model and os.path.basename(model) != model:
            allowed = "beyond loopback only models with a name, and the one in the settings, may be asked for"
            raise MessageError(f"model is a folder: {allowed}", "bad_value")
        if request.clip is not None:
            request = replace(request, clip=clip_text(resolve_clip(request.clip, settings.clip_folders)))
        return replace(command, request=request)

    def _completed(self, draft: Draft) -> Submit:
        """With its MIDI clip's tempo and metre, or the host's, and its preset's values.

        Raises MessageError, ClipError and PresetError.
        """
        music = draft.music
        if is_midi_clip(music.get("clip")):
            midi_clip.find_synth(self._settings.soundfont)  # known now, rather than when its turn comes
            clip = midi_clip.read(resolve_clip(music["clip"], self._settings.clip_folders))
            music = {"bpm": clip.bpm, "beats_per_bar": clip.beats_per_bar, "beat_unit": clip.beat_unit} | music
        if draft.ours.get("start") == "bar":
            now = time.monotonic()
            if not self._transport.playing(now):
                why = self._why_no_bar(now)
                raise MessageError(f"there is no next bar, {why}: start the host, or leave start away", "no_clock")
            metre = self._transport.metre(now) if "beats_per_bar" not in music else {}
            music = {"bpm": self._transport.bpm(now)} | metre | music
        preset = self._presets.get(draft.preset) if draft.preset else NO_PRESET
        return draft.complete(preset.under(draft.above(preset.values, music)))

    def _why_no_bar(self, now: float) -> str:
        if self._transport.told(now):
            return "the host tells that it does not play"
        clock = "no MIDI clock plays" if self._settings.midi_in != "none" else "midi_in is not set"
        return f"no host tells its transport and {clock}"


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
        "total_s": job.request.seconds,
        "rtf": job.rtf,
        "path": job.recording.path if job.recording.duration_s else None,
        "duration_s": job.recording.duration_s,
    }
    return State(id, job.state, pairs)
