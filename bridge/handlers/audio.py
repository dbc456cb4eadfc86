"""The audio device: how loud it plays, and results that are played again."""

from __future__ import annotations

from pathlib import Path

from bridge.audio.device import AudioDevice
from bridge.audio.replay import Replay
from bridge.errors import JobError
from bridge.handlers import Caller, Replies, Table
from bridge.jobs.runner import Jobs
from bridge.osc.commands import Play, SetGain
from bridge.osc.replies import Ack, paths_of


class AudioHandlers:
    def __init__(self, device: AudioDevice, jobs: Jobs):
        self._device = device
        self._jobs = jobs
        self._replay: Replay | None = None  # the last

    @property
    def table(self) -> Table:
        return {SetGain: self.set_gain, Play: self.play}

    async def set_gain(self, command: SetGain, caller: Caller) -> Replies:
        self._device.gain_db = command.gain_db
        yield Ack(command.id)

    async def play(self, command: Play, caller: Caller) -> Replies:
        await self._jobs.recall(command.job)
        job = self._jobs.get(command.job)
        if not job.end:
            raise JobError(f"the job {job.id!r} has not ended: only a result that is there is played", "not_ended")
        paths = paths_of(job.end)
        if not paths:
            raise JobError(f"the job {job.id!r} made no audio: there is nothing to play", "no_audio")
        if command.variation > len(paths):
            message = f"variation is {command.variation}: the job {job.id!r} has {len(paths)}"
            raise JobError(message, "bad_value")
        await self._device.check()
        replay = await Replay.of(Path(paths[command.variation - 1]))
        if self._replay:
            self._replay.stop()
        if job.voice:
            job.voice.stop()  # it may still play from when it was made
        self._replay = replay
        job.voice = replay.begin(self._device)
        yield Ack(command.id)
