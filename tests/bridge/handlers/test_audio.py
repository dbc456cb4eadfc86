"""Gain and results played again: what cannot be played is one error that says why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import soundfile

from bridge.audio.device import AudioDevice
from bridge.errors import BridgeError
from bridge.handlers.audio import AudioHandlers
from bridge.jobs.journal import Journal
from bridge.jobs.runner import Jobs
from bridge.osc.commands import Play, SetGain, Submit
from bridge.osc.replies import Ack, Cancelled, Done
from engine.api import GenerationRequest
from tests.bridge.handlers.conftest import CALLER, all_of


def with_jobs(check) -> None:
    """Calls `check` with handlers, jobs that never run, and a device that is switched off."""

    async def run() -> None:
        journal, device = Journal(None), AudioDevice("none", 0.5)
        await journal.open(0)
        device.start()
        jobs = Jobs(None, device, None, journal, Path("/nowhere"), lambda job, reply: None)
        await check(AudioHandlers(device, jobs), jobs, device)
        await device.stop()
        await journal.close()

    asyncio.run(run())


def test_the_gain_is_set_at_once():
    async def check(handlers, jobs, device) -> None:
        assert await all_of(handlers.set_gain(SetGain("g", -6.0), CALLER)) == [Ack("g")]
        assert device.gain_db == -6.0

    with_jobs(check)


@pytest.mark.parametrize(
    ("job", "variation", "code", "reported"),
    [
        ("nobody", 1, "no_such_job", "nobody"),
        ("waits", 1, "not_ended", "has not ended"),
        ("silent", 1, "no_audio", "made no audio"),
        ("made", 3, "bad_value", "has 2"),
        ("made", 2, "no_device", "switched off in the settings"),
    ],
)
def test_what_cannot_be_played_says_why(tmp_path, job, variation, code, reported):
    for name in ("x.1.wav", "x.2.wav"):
        soundfile.write(tmp_path / name, [0.0] * 100, 48_000)

    async def check(handlers, jobs, device) -> None:
        for id in ("waits", "silent", "made"):
            jobs.submit(Submit(id, GenerationRequest("dub")))
        jobs.get("silent").end = Cancelled("silent", "", 0.0)
        jobs.get("made").end = Done("made", str(tmp_path / "x.1.wav"), 1.0, {"others": "x.2.wav"})
        with pytest.raises(BridgeError, match=reported) as caught:
            await all_of(handlers.play(Play("p", job, variation), CALLER))
        assert caught.value.code == code

    with_jobs(check)
