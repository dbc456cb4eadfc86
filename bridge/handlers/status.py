"""The daemon itself: who is there, its state, its models, its end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from bridge.audio.device import AudioDevice
from bridge.config.settings import Settings
from bridge.engine_host.supervisor import Supervisor
from bridge.errors import MessageError
from bridge.handlers import Caller, Replies, Table
from bridge.handlers.jobs import job_state
from bridge.jobs.runner import Jobs
from bridge.limits import LEASE_S
from bridge.midi.input import MidiIn
from bridge.midi.transport import Transport
from bridge.osc.commands import Hello, ListModels, Ping, Quit, Status
from bridge.osc.replies import Ack, ModelReply, Pong, State, Welcome
from bridge.osc.sessions import Clients
from bridge.osc.spec import PROTOCOL
from bridge.version import version
from engine.checkpoints.library import list_models

_BEATS_PER_BAR = 4  # where nobody says


class StatusHandlers:
    """`quit` ends the daemon, with True also the jobs that wait."""

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        jobs: Jobs,
        engine: Supervisor,
        device: AudioDevice,
        midi: MidiIn,
        transport: Transport,
        quit: Callable[[bool], None],
    ):
        self._settings = settings
        self._clients = clients
        self._jobs = jobs
        self._engine = engine
        self._device = device
        self._midi = midi
        self._transport = transport
        self._quit = quit

    @property
    def table(self) -> Table:
        return {Hello: self.hello, Ping: self.ping, Status: self.status, ListModels: self.list_models, Quit: self.quit}

    async def hello(self, command: Hello, caller: Caller) -> Replies:
        if command.protocol != PROTOCOL:
            spoken = f"this daemon speaks protocol {PROTOCOL}, not {command.protocol}"
            raise MessageError(f"{spoken}: update the older of the two", "protocol")
        follows_all = command.events == "all"
        self._clients.register(command.name, caller.source, caller.reply_to, follows_all, command.max_datagram)
        yield Welcome(command.id, version(), PROTOCOL, LEASE_S)

    async def ping(self, command: Ping, caller: Caller) -> Replies:
        yield Pong(command.id, version(), PROTOCOL)

    async def status(self, command: Status, caller: Caller) -> Replies:
        if command.job is None:
            yield State(command.id, self._engine.state, self._of_daemon())
            return
        await self._jobs.recall(command.job)
        yield job_state(command.id, self._jobs.get(command.job), self._jobs)

    async def list_models(self, command: ListModels, caller: Caller) -> Replies:
        models, loaded = list_models().values(), self._engine.model.model if self._engine.model else None
        for index, model in enumerate(models):
            pairs = {"kind": model.kind, "megabytes": model.bytes / 1e6, "loaded": model.name == loaded, "path": model.path}
            yield ModelReply(command.id, index, len(models), model.name, pairs)

    async def quit(self, command: Quit, caller: Caller) -> Replies:
        yield Ack(command.id)
        self._quit(bool(command.drop))

    def _of_daemon(self) -> dict[str, Any]:
        engine, device, running = self._engine, self._device, self._jobs.running
        levels = device.levels
        return {
            "version": version(),
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "engine_pid": engine.pid,
            "model": engine.model.model if engine.model else None,
            "engine_device": engine.model.device if engine.model else None,
            "restarts": engine.restarts,
            "running": running.id if running else None,
            "queued": self._jobs.queued,
            "paused": self._jobs.paused,
            "clients": len(self._clients),
            "folder": self._settings.folder,
            "audio_device": device.description,
            "playing": device.playing,
            "underruns": device.underruns,
            "midi_in": self._midi.description or None,
            **self._transport.state(
                time.monotonic(), *((running.request.beats_per_bar, running.request.beat_unit) if running else (_BEATS_PER_BAR,))
            ),
            "gain_db": device.gain_db,
            "peak_db": levels.peak_db if levels else None,
            "rms_db": levels.rms_db if levels else None,
            "problem": engine.problem or None,
        }
