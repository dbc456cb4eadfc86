"""The daemon: composes server, clients, jobs, engine process and audio device; startup → main loop → shutdown.

One event loop, one thread that decides. The others only carry: the engine reader, disk work, PortAudio's callback. No torch here.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata

import mido

from bridge import limits, toml_file
from bridge.audio.device import AudioDevice
from bridge.config import state_file
from bridge.config.presets import NO_PRESET, Preset, Presets
from bridge.config.settings import AUTO, Settings, settings_file
from bridge.engine_host.supervisor import Patience, Supervisor
from bridge.errors import BridgeFault, JobError, JournalError, MessageError, OutputError, PortTaken, PresetError, SettingsError
from bridge.jobs.journal import Journal
from bridge.jobs.runner import Job, Jobs
from bridge.mailbox.door import MAILBOX, Mailbox
from bridge.midi import clip as midi_clip
from bridge.midi.bindings import Binding
from bridge.midi.controller import MidiControl
from bridge.midi.input import MidiIn
from bridge.midi.transport import Transport
from bridge.osc import commands, port_owner, replies, spec
from bridge.osc.announcement import Announcement
from bridge.osc.arguments import cut
from bridge.osc.server import OscServer, Received
from bridge.osc.sessions import Address, Clients
from engine.api import ClipError, resolve_clip
from engine.checkpoints.library import MODELS_FOLDER, ModelInfo, list_models

_QUIT_GRACE_S = 3.0  # for a running job to stop by itself
_MIDI: Address = ("midi", "in")  # a client like any other, but for where its answers go
_BEATS_PER_BAR = 4  # where nobody says

log = logging.getLogger(__name__)


def version() -> str:
    try:
        return metadata.version("inspire-daw")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "0"


def run(settings: Settings) -> None:
    """Serves until /inspire/quit or a signal. Raises PortTaken."""
    os.environ[MODELS_FOLDER] = str(settings.models_folder)  # the engine's process inherits it
    # On Windows the default loop cannot wait for a socket of ours.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(Daemon(settings).run())


class Daemon:
    """Used once: `run`, which ends after `quit` (from the loop's thread), /inspire/quit, SIGINT or SIGTERM."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._quit = asyncio.Event()
        patience = Patience(settings.silence_timeout_s, settings.stall_timeout_s, settings.cancel_timeout_s)
        self._engine = Supervisor(settings.engine, settings.model, patience)
        audio = (settings.gain_db, settings.device_channels, settings.audio_samplerate_hz)
        self._device = AudioDevice(settings.audio_device, settings.prebuffer_s, *audio)
        self._journal = Journal(settings.journal_file, round(settings.results_cap_gb * 1e9))
        self._transport = Transport(settings.midi_beats_per_bar)
        self._midi = MidiIn(settings.midi_in, self._hear)
        self._control = MidiControl(settings_file())
        self._jobs = Jobs(self._engine, self._device, self._transport, self._journal, settings.folder, self._tell)
        self._jobs.soundfont = settings.soundfont
        self._clients = Clients()
        self._mailbox: Mailbox | None = None
        self._announcement: Announcement | None = None
        self._answering: set[asyncio.Task] = set()  # the loop itself keeps no hold of its tasks
        self._presets = Presets(settings.presets_folder)

    async def run(self) -> None:
        await self._startup()
        try:
            working = asyncio.create_task(self._jobs.run())
            quitting = asyncio.create_task(self._quit.wait())
            await asyncio.wait({working, quitting}, return_when=asyncio.FIRST_COMPLETED)
            self._jobs.close()
            await asyncio.wait({working}, timeout=_QUIT_GRACE_S)
            await self._engine.stop()  # ends a job that did not heed
            await working
        finally:
            await self._shutdown()

    def quit(self) -> None:
        self._quit.set()

    async def _startup(self) -> None:
        self._server = self._bind()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(limits.MAX_BLOCKING, "blocking"))  # each thread has a heap of its own
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.quit))
        self._jobs.restore(*await self._journal.open(limits.MAX_REMEMBERED))
        await self._engine.start()
        await self._server.start()
        self._write_state_file()
        port = self._server.address[1]
        log.info("inspire %s serves OSC on %s:%d; results go to %s", version(), self._settings.host, port, self._settings.folder)
        if self._jobs.paused:
            log.info("the queue is paused, as it was left: no job begins until it is resumed")
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
            told = f"{error} by {port_owner.describe(port)}"
            if self._settings.port != AUTO:
                raise PortTaken(f"{told}: stop it, or choose another with --port ({AUTO} finds one)") from None
            log.warning("%s: this daemon takes another", told)
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

    def _hear(self, message: mido.Message, now: float) -> None:
        self._transport.hear(message, now)
        for command in self._control.hear(message):
            self._receive(command, _MIDI)

    def _receive(self, received: Received, source: Address) -> None:
        """Messages are answered in the order they came, but for those that wait for the journal."""
        if len(self._answering) == limits.MAX_UNANSWERED:
            received = MessageError("too many commands wait for the journal: try again in a second", "busy", received.id)
        answering = asyncio.create_task(self._answer(received, source))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    async def _answer(self, received: Received, source: Address) -> None:
        """Exactly one ack or fail (or what was asked for), then what follows from it."""
        to = self._clients.reply_address(source, received.reply_port)
        try:
            if isinstance(received, MessageError):
                raise received
            async for reply in self._serve(received, source, to):
                self._send(reply, to)
        except (MessageError, JobError, OutputError, PresetError, JournalError, SettingsError, ClipError) as error:
            self._send(replies.fail(error, received.id), to)
        except Exception:
            log.exception("a fault of the daemon's own at %r", received)
            self._send(replies.fail(BridgeFault(), received.id), to)

    def _send(self, reply: replies.Reply, to: Address) -> None:
        if to == _MIDI:
            self._control.told(reply)
        elif to[0] == MAILBOX:
            self._mailbox.send(reply, to)
        else:
            self._server.send(reply, to, self._clients.max_datagram(to))

    async def _serve(self, command: commands.Command, source: Address, to: Address) -> AsyncIterator[replies.Reply]:
        await self._jobs.recall(command.id, getattr(command, "job", None) or command.id)
        if isinstance(command, commands.Draft):
            command = self._jobs.drafted(command) or self._completed(command)
        elif isinstance(command, commands.Again):
            command = self._jobs.again(command)
        match command:
            case commands.Submit():
                job = self._jobs.submit(self._admitted(command), self._clients.turn_of(to), self._clients.name_of(to))
                told = self._jobs.story(job)
                await self._follow(job, to)
                yield replies.Ack(command.id)
                yield told
                if isinstance(told, replies.Queued) and (now := self._jobs.story(job)) != told:  # it moved while it was written
                    yield now
            case commands.Cancel():
                if self._control.stop_learning("it was cancelled", command.job):
                    yield replies.Ack(command.id)
                    return
                job = self._jobs.get(command.job)
                await self._follow(job, to)
                yield replies.Ack(command.id)
                if job.end or job.cancelled:  # it has one end, and that is told once
                    yield _job_state(command.id, job, self._jobs)
                self._jobs.cancel(job)
            case commands.SetPaused():
                await self._jobs.set_paused(command.paused)
                yield replies.Ack(command.id)
            case commands.SetGain():
                self._device.gain_db = command.gain_db
                yield replies.Ack(command.id)
            case commands.ListJobs():
                jobs = self._jobs.unended
                shown = jobs[command.offset :][: command.limit]
                yield replies.Found(command.id, len(jobs), len(shown))
                for index, job in enumerate(shown, command.offset):
                    yield _job_entry(command.id, index, job)
            case commands.History():
                for reply in await self._journal.search(command):
                    yield reply
            case commands.Keep():
                await self._journal.keep(command.job, bool(command.keep))
                yield replies.Ack(command.id)
            case commands.Delete():
                await self._journal.delete(command.job)
                self._jobs.forget(command.job)
                yield replies.Ack(command.id)
            case commands.Hello():
                if command.protocol != spec.PROTOCOL:
                    spoken = f"this daemon speaks protocol {spec.PROTOCOL}, not {command.protocol}"
                    raise MessageError(f"{spoken}: update the older of the two", "protocol")
                self._clients.register(command.name, source, to, command.events == "all", command.max_datagram)
                yield replies.Welcome(command.id, version(), spec.PROTOCOL, limits.LEASE_S)
            case commands.ListPresets():
                presets = self._presets.all(command.bank)
                for index, preset in enumerate(presets):
                    yield _preset_info(command.id, preset, index, len(presets))
            case commands.ListModels():
                models = list_models().values()
                for index, model in enumerate(models):
                    yield _model_info(command.id, model, index, len(models), self._engine.facts.get("model"))
            case commands.StepPreset():
                yield _preset_info(command.id, self._presets.step(command.by))
            case commands.SelectPreset():
                yield _preset_info(command.id, self._presets.select(command.preset))
            case commands.SelectBank():
                yield _preset_info(command.id, self._presets.select_bank(command.bank))
            case commands.SavePreset():
                request = self._jobs.get(command.job).request
                if request.model == self._settings.model:  # nobody named one: it goes with any
                    request = replace(request, model=None)
                yield _preset_info(command.id, self._presets.save(command.name, request))
            case commands.ListBindings():
                bindings = self._control.bindings
                yield replies.Found(command.id, len(bindings), len(bindings))
                for index, binding in enumerate(bindings):
                    yield _binding_info(command.id, index, binding)
            case commands.Learn():
                if self._settings.midi_in == "none":
                    raise MessageError("midi_in is not set: there is nothing to learn from", "no_midi")
                learnt = self._control.learn(command)
                yield replies.Ack(command.id)
                binding = await learnt
                yield _binding_info(command.id, self._control.bindings.index(binding), binding)
            case commands.Forget():
                self._control.forget(command)
                yield replies.Ack(command.id)
            case commands.Ping():
                yield replies.Pong(command.id, version(), spec.PROTOCOL)
            case commands.Status():
                yield self._state(command)
            case commands.Quit():
                yield replies.Ack(command.id)
                self.quit()

    def _admitted(self, command: commands.Submit) -> commands.Submit:
        """With its model named and its clip's file found. Raises ClipError and MessageError for what may not be read."""
        settings = self._settings
        request = replace(command.request, model=command.request.model or settings.model)
        if not settings.is_local and request.model != settings.model and os.path.basename(request.model) != request.model:
            told = "beyond loopback only models with a name, and the one in the settings, may be asked for"
            raise MessageError(f"model is a folder: {told}", "bad_value")
        if request.clip is not None:
            request = replace(request, clip=str(resolve_clip(request.clip, settings.clip_folders)))
        return replace(command, request=request)

    async def _follow(self, job: Job, to: Address) -> None:
        """From when the job is written on, `to` hears of it: the ack comes first, and stays true when this process is killed."""
        if job.written and job.written.done():
            await asyncio.sleep(0)  # whoever waited for it is woken, but may not have spoken yet: first come, first answered
        elif job.written:
            await job.written
        if not job.end:
            self._clients.follow(job.id, to)

    def _completed(self, draft: commands.Draft) -> commands.Submit:
        """With its MIDI clip's tempo and metre, or the MIDI clock's tempo, and its preset's values.

        Raises MessageError, ClipError and PresetError.
        """
        music = draft.music
        if commands.is_midi_clip(music.get("clip")):
            midi_clip.find_synth(self._settings.soundfont)  # known now, rather than when its turn comes
            clip = midi_clip.read(resolve_clip(music["clip"], self._settings.clip_folders))
            music = {"bpm": clip.bpm, "beats_per_bar": clip.beats_per_bar} | music
        if draft.ours.get("start") == "bar":
            now = time.monotonic()
            if not self._transport.playing(now):
                why = "no MIDI clock plays" if self._settings.midi_in != "none" else "midi_in is not set"
                raise MessageError(f"there is no next bar, {why}: start the host, or leave start away", "no_clock")
            metre = {"beats_per_bar": self._settings.midi_beats_per_bar} if self._settings.midi_beats_per_bar else {}
            music = {"bpm": self._transport.bpm(now)} | metre | music
        preset = self._presets.get(draft.preset) if draft.preset else NO_PRESET
        return draft.complete(preset.under(draft.above(preset.values, music)))

    def _tell(self, job: Job, reply: replies.Reply) -> None:
        for to in self._clients.audience(job.id):
            self._send(reply, to)
        if job.end:
            self._clients.forget_job(job.id)

    def _state(self, command: commands.Status) -> replies.State:
        if command.job is not None:
            return _job_state(command.id, self._jobs.get(command.job), self._jobs)
        engine, device, running = self._engine, self._device, self._jobs.running
        levels = device.levels
        pairs = {
            "version": version(),
            "protocol": spec.PROTOCOL,
            "pid": os.getpid(),
            "engine_pid": engine.pid,
            "model": engine.facts.get("model"),
            "engine_device": engine.facts.get("device"),
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
            **self._transport.state(time.monotonic(), running.request.beats_per_bar if running else _BEATS_PER_BAR),
            "gain_db": device.gain_db,
            "peak_db": levels.peak_db if levels else None,
            "rms_db": levels.rms_db if levels else None,
            "problem": engine.problem or None,
        }
        return replies.State(command.id, engine.state, pairs)

    def _write_state_file(self) -> None:
        """Tells clients of this user where the daemon is."""
        address = {"host": self._settings.near_host, "port": self._server.address[1], "pid": os.getpid()}
        about = {"version": version(), "protocol": spec.PROTOCOL, "started": datetime.now(UTC).isoformat()}
        try:
            state_file.write(self._settings, address | about)
        except OSError as error:
            file = self._settings.state_file
            log.warning("cannot write %s (%s): clients must be told the port", file, error.strerror)


def _preset_info(id: str, preset: Preset, index: int = 0, count: int = 1) -> replies.PresetInfo:
    values = {name: preset.values.get(name) for name in ("prompt", "bpm", "key", "bars")}
    values["prompt"] = cut(values["prompt"] or "", spec.MAX_BEGINNING) or None
    pairs = {"description": preset.description or None, **values}
    return replies.PresetInfo(id, index, count, preset.name, preset.bank, pairs)


def _binding_info(id: str, index: int, binding: Binding) -> replies.BindingInfo:
    values = ", ".join(f"{name} = {toml_file.literal(value)}" for name, value in binding.values.items())
    pairs = {name: getattr(binding, name) for name in ("number", "channel", "low", "high")}
    pairs["values"] = cut(values, spec.MAX_BEGINNING) or None
    return replies.BindingInfo(id, index, binding.action, binding.kind, pairs)


def _model_info(id: str, model: ModelInfo, index: int, count: int, loaded: str | None) -> replies.ModelReply:
    pairs = {"kind": model.kind, "megabytes": model.bytes / 1e6, "loaded": model.name == loaded, "path": model.path}
    return replies.ModelReply(id, index, count, model.name, pairs)


def _job_entry(id: str, index: int, job: Job) -> replies.Entry:
    request, has_audio = job.request, bool(job.recording.duration_s)
    pairs = {
        "created": job.created_at,
        "client": job.client or None,
        "prompt": cut(request.prompt, spec.MAX_BEGINNING) or None,
        "clip": os.path.basename(request.clip) if request.clip else None,
        "seed": job.seed,
        "path": job.recording.path if has_audio else None,
        "duration_s": job.recording.duration_s if has_audio else None,
    }
    return replies.Entry(id, index, job.id, job.state, pairs)


def _job_state(id: str, job: Job, jobs: Jobs) -> replies.State:
    pairs = {
        "job": job.id,
        "position": jobs.position(job) if job.state == "queued" else None,
        "done_s": job.done_s,
        "total_s": job.request.seconds,
        "rtf": job.rtf,
        "path": job.recording.path if job.recording.duration_s else None,
        "duration_s": job.recording.duration_s,
    }
    return replies.State(id, job.state, pairs)
