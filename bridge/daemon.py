"""The daemon: composes server, clients, jobs, engine process and audio device; startup → main loop → shutdown.

One event loop, one thread that decides. The others only carry: the engine reader, disk work, PortAudio's callback. No torch here.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime

import mido

from bridge import limits
from bridge.audio.device import AudioDevice
from bridge.audio.worker import DeviceError
from bridge.config import state_file
from bridge.config.presets import Presets
from bridge.config.settings import AUTO, Settings, settings_file
from bridge.engine_host.supervisor import Supervisor, Timeouts
from bridge.errors import BridgeFault, JobError, JournalError, MessageError, OutputError, PortTaken, PresetError, SettingsError
from bridge.handlers import Caller, Handlers
from bridge.handlers.audio import AudioHandlers
from bridge.handlers.completion import Completion
from bridge.handlers.estimate import EstimateHandlers
from bridge.handlers.jobs import JobHandlers
from bridge.handlers.midi import MidiHandlers
from bridge.handlers.presets import PresetHandlers
from bridge.handlers.status import StatusHandlers
from bridge.handlers.transport import TransportHandlers
from bridge.jobs.job import Job
from bridge.jobs.journal import Journal
from bridge.jobs.rates import Rates
from bridge.jobs.runner import Jobs
from bridge.mailbox.door import Mailbox
from bridge.midi.controller import MidiControl
from bridge.midi.input import MidiIn
from bridge.midi.transport import Transport
from bridge.osc import port_owner, replies, spec
from bridge.osc.announcement import Announcement
from bridge.osc.server import OscServer, Received
from bridge.osc.sessions import Clients, Peer
from bridge.version import version
from engine.api import ClipError

_QUIT_GRACE_S = 3.0  # for a running job to stop by itself

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Serves until /inspire/quit or a signal. Raises PortTaken and HomeTaken."""
    os.environ.update(settings.engine_environment)  # the engine's process inherits it
    # On Windows the default loop cannot wait for a socket of ours.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(Daemon(settings).run())


class Daemon:
    """Used once: `run`, which ends after `quit` (from the loop's thread), /inspire/quit, SIGINT or SIGTERM."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._quit = asyncio.Event()
        self._drop = False
        timeouts = Timeouts(settings.silence_timeout_s, settings.stall_timeout_s, settings.cancel_timeout_s)
        self._engine = Supervisor(settings.engine, settings.model, timeouts)
        audio = (settings.gain_db, settings.device_channels, settings.audio_samplerate_hz)
        self._device = AudioDevice(settings.audio_device, settings.prebuffer_s, *audio)
        self._journal = Journal(settings.journal_file, round(settings.results_cap_gb * 1e9))
        self._transport = Transport(settings.midi_beats_per_bar)
        self._midi = MidiIn(settings.midi_in, self._receive_midi)
        self._control = MidiControl(settings_file())
        outlets = (self._journal, settings.folder, self._notify)
        self._rates = Rates(settings.state_folder / "rates.json")
        self._jobs = Jobs(self._engine, self._device, self._transport, *outlets, settings.soundfont, self._rates)
        self._clients = Clients()
        self._mailbox: Mailbox | None = None
        self._announcement: Announcement | None = None
        self._answering: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of its tasks
        self._handlers = self._compose_handlers()

    def _compose_handlers(self) -> Handlers:
        settings, jobs, control, transport = self._settings, self._jobs, self._control, self._transport
        presets = Presets(settings.presets_folder)
        completion = Completion(settings, presets, transport)
        return Handlers(
            JobHandlers(self._clients, jobs, self._journal, completion, control).table,
            EstimateHandlers(jobs, self._engine, completion).table,
            PresetHandlers(presets, jobs, settings.model).table,
            MidiHandlers(control, settings.midi_in != "none").table,
            TransportHandlers(transport).table,
            AudioHandlers(self._device, jobs).table,
            StatusHandlers(settings, self._clients, jobs, self._engine, self._device, self._midi, transport, self.quit).table,
        )

    async def run(self) -> None:
        await self._startup()
        try:
            working = asyncio.create_task(self._jobs.run())
            quitting = asyncio.create_task(self._quit.wait())
            await asyncio.wait({working, quitting}, return_when=asyncio.FIRST_COMPLETED)
            self._jobs.close(self._drop)
            await asyncio.wait({working}, timeout=_QUIT_GRACE_S)
            await self._engine.stop()  # ends a job that did not heed
            await working
        finally:
            await self._shutdown()

    def quit(self, drop: bool = False) -> None:
        """`drop`: jobs that wait are cancelled, rather than left to the next daemon."""
        self._drop = drop
        self._quit.set()

    async def _startup(self) -> None:
        self._server = self._bind()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(limits.MAX_BLOCKING, "blocking"))  # each thread has a heap of its own
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.quit))
        self._jobs.restore(await self._journal.open(limits.MAX_REMEMBERED))
        await self._engine.start()
        await self._server.start()
        self._write_state_file()
        port = self._server.address[1]
        log.info("inspire %s serves OSC on %s:%d; results go to %s", version(), self._settings.host, port, self._settings.folder)
        if self._jobs.paused:
            log.info("the queue is paused: no job begins until it is resumed")
        self._device.start()
        await self._midi.start()
        if folder := self._settings.mailbox_folder:
            about = {"version": version(), "protocol": spec.PROTOCOL, "port": port}
            self._mailbox = Mailbox(folder, self._receive, about)
            self._mailbox.start()
        if name := self._settings.service_name:
            self._announcement = Announcement(name, self._settings.host, port)
            await self._announcement.start()
        gc.collect()
        gc.freeze()  # what is there now stays: looking through all of it would hold up the loop again and again

    def _bind(self) -> OscServer:
        port, host, token = self._settings.usual_port, self._settings.host, self._settings.token
        try:
            return OscServer(host, port, self._receive, self._clients.forget, token)
        except PortTaken as error:
            taken = f"{error} by {port_owner.describe(port)}"
            if self._settings.port != AUTO:
                raise PortTaken(f"{taken}: stop it, or choose another with --port ({AUTO} finds one)") from None
            log.warning("%s: this daemon takes another", taken)
            return OscServer(host, 0, self._receive, self._clients.forget, token)

    async def _shutdown(self) -> None:
        if self._announcement:
            await self._announcement.close()
        await self._midi.close()
        self._control.stop_learning("the daemon is ending")
        await self._device.stop()
        await self._engine.stop()
        if self._answering:
            await asyncio.wait(self._answering, timeout=_QUIT_GRACE_S)
        self._server.close()
        if self._mailbox:
            self._mailbox.close()
        await self._journal.close()
        state_file.remove(self._settings)
        log.info("inspire has ended")

    def _receive_midi(self, message: mido.Message, now: float) -> None:
        self._transport.receive(message, now)
        for command in self._control.commands_of(message):
            self._receive(command, self._control)

    def _receive(self, received: Received, source: Peer) -> None:
        """Messages are answered in the order they came, but for those that wait for the journal."""
        if len(self._answering) == limits.MAX_UNANSWERED:
            received = MessageError("too many commands wait for the journal: try again in a second", "busy", received.id)
        answering = asyncio.create_task(self._answer(received, source))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    async def _answer(self, received: Received, source: Peer) -> None:
        to = self._clients.reply_address(source, received.reply_port)
        try:
            if isinstance(received, MessageError):
                raise received
            async with aclosing(self._handlers.serve(received, Caller(source, to))) as answers:
                async for reply in answers:
                    self._send(reply, to)
        except (MessageError, JobError, OutputError, PresetError, JournalError, SettingsError, DeviceError, ClipError) as error:
            self._send(replies.fail(error, received.id), to)
        except Exception:
            log.exception("a fault of the daemon's own at %r", received)
            self._send(replies.fail(BridgeFault(), received.id), to)

    def _notify(self, job: Job, reply: replies.Reply) -> None:
        """Sends what happens to a job to all who follow it."""
        for to in self._clients.audience(job.id):
            self._send(reply, to)
        if job.end:
            self._clients.forget_job(job.id)

    def _send(self, reply: replies.Reply, to: Peer) -> None:
        if isinstance(to, tuple):
            self._server.send(reply, to, self._clients.max_datagram(to))
        else:
            to.send(reply)

    def _write_state_file(self) -> None:
        """Publishes for clients of this user where the daemon is."""
        address = {"host": self._settings.near_host, "port": self._server.address[1], "pid": os.getpid()}
        about = {"version": version(), "protocol": spec.PROTOCOL, "started": datetime.now(UTC).isoformat()}
        try:
            state_file.write(self._settings, address | about)
        except OSError as error:
            file = self._settings.state_file
            log.warning("cannot write %s (%s): clients must be given the port", file, error.strerror)
