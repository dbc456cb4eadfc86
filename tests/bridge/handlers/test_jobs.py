"""Who asks for a job that is being written to the journal waits in line."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.config.presets import Presets
from bridge.config.settings import Settings
from bridge.handlers.completion import Completion
from bridge.handlers.jobs import JobHandlers
from bridge.jobs.job import Job
from bridge.midi.controller import MidiControl
from bridge.midi.transport import Transport
from bridge.osc.commands import Submit
from bridge.osc.sessions import Clients
from bridge.results.recording import Kept
from engine.api import GenerationRequest


def test_who_asked_first_is_answered_first(tmp_path):
    settings = Settings(folder=tmp_path, state_folder=tmp_path / "state")
    control, presets = MidiControl(tmp_path / "settings.toml"), Presets(tmp_path)
    handlers = JobHandlers(Clients(), None, None, Completion(settings, presets, Transport(0)), control)
    answered = []

    async def ask(job: Job, port: int) -> None:
        async with handlers._following(job, ("127.0.0.1", port)):
            answered.append(port)

    async def run() -> None:
        job = Job(Submit("j", GenerationRequest("dub")), Kept(Path("x.wav"), 0.0), 7)
        job.written = asyncio.get_running_loop().create_future()
        first = asyncio.create_task(ask(job, 1))
        await asyncio.sleep(0)  # it waits for the journal
        second = asyncio.create_task(ask(job, 2))
        job.written.set_result(None)  # the second has its turn in the loop before the first is woken
        await asyncio.gather(first, second)

    asyncio.run(run())
    assert answered == [1, 2]
