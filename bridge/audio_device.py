"""The audio device: plays results while they are generated, one after the other.

Runs on the event loop; only `Playout.fill` runs in PortAudio's thread, and opening and closing a stream in a worker thread.

The device never holds up generation: audio that is ahead of the loudspeaker waits here (a result is at most eight minutes).
A device that goes away in the middle is looked for until it is back, and the result goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr

from bridge.errors import BridgeError
from bridge.playout import RESUME_S, Meter, Playout
from engine.api import AudioChunk

_POLL_S = 0.02
_RETURN_DELAYS_S = (0.1, 0.2, 0.5, *(1.0,) * 30)  # between attempts to open a device that went away
_LINGER_S = 0.2  # beyond the stream's own latency, of which not all drivers know all

Due = Callable[[float], float | None]

log = logging.getLogger(__name__)


class DeviceError(BridgeError):
    """There is no audio device to play on, or it went away."""

    code = "no_device"


class AudioDevice:
    """`device` is "default", "none", an index, or a part of a name. Without a usable device results are just not heard.

    `channel` is the first of the pair that is played on, from 1; `samplerate` is in Hz, 0: the device's own.
    """

    def __init__(self, device: str, prebuffer_s: float, gain_db: float = 0.0, channel: int = 1, samplerate: int = 0):
        self._wanted = Wanted(device, channel, samplerate)
        self._gain_db = gain_db
        self._prebuffer_s = prebuffer_s
        self._voices: deque[Voice] = deque()
        self._playing: asyncio.Task | None = None
        self._output: _Output | None = None
        self._past_underruns = 0
        self.description = "looking for it"
        self._usable = False

    @property
    def underruns(self) -> int:
        return self._past_underruns + (self._output.playout.underruns if self._output else 0)

    @property
    def playing(self) -> bool:
        return self._playing is not None

    @property
    def meter(self) -> Meter | None:
        """None while the device is not open."""
        return self._output.playout.meter if self._output else None

    @property
    def gain_db(self) -> float:
        return self._gain_db

    @gain_db.setter
    def gain_db(self, gain_db: float) -> None:
        self._gain_db = gain_db
        if self._output:
            self._output.playout.gain = _amplitude(gain_db)

    def start(self) -> None:
        """Looks for the device, in the background, and says once what it found."""
        self._finding = asyncio.create_task(self._look())

    async def stop(self) -> None:
        for voice in self._voices:
            voice.stop()
        if self._playing:
            await self._playing

    def play(self, total_s: float, due: Due | None = None) -> Voice:
        """A place in line for a result of about `total_s` seconds. Without a device it stays silent.

        Once it could be heard, `due` is asked when it shall be: from the earliest moment to the chosen one, or None for at once
        (seconds of `time.monotonic`).
        """
        voice = Voice(total_s, due)
        self._voices.append(voice)
        if self._playing is None:
            self._playing = asyncio.create_task(self._play())
        return voice

    async def _look(self) -> None:
        try:
            name, samplerate, _ = await asyncio.to_thread(_find, self._wanted)
            self.description, self._usable = f"{name}, {samplerate / 1000:g} kHz", True
            log.info("audio device: %s", self.description)
        except DeviceError as error:
            self.description = f"none: {error}"
            log.warning("no audio device, results go to disk only: %s", error)

    async def _play(self) -> None:
        """Opens the device, plays the voices in line, closes it: it is held no longer than it sounds."""
        await self._finding
        try:
            while self._voices and self._usable:
                voice = self._voices[0]
                if await voice.has_lead(self._prebuffer_s):
                    if self._output is None:
                        self._output = await asyncio.to_thread(_Output, self._wanted, _amplitude(self._gain_db))
                        self.gain_db = self._gain_db  # it may have changed meanwhile
                    await self._play_voice(voice, self._output)
                self._voices.popleft()
                if not self._voices and self._output:
                    await self._let_go(self._output)
        except DeviceError as error:
            log.warning("%s: results go to disk only until the next one is played", error)
        self._past_underruns = self.underruns
        self._output = self._playing = None
        for voice in self._voices:
            voice.stop()
        self._voices.clear()

    async def _let_go(self, output: _Output) -> None:
        """Closes the device once all has sounded, unless another result has come meanwhile."""
        await asyncio.sleep(output.latency_s + _LINGER_S)
        if not self._voices:
            self._past_underruns, self._output = self.underruns, None
            await asyncio.to_thread(output.close)

    async def _play_voice(self, voice: Voice, output: _Output) -> None:
        playout, resampler = output.playout, None
        voice.enter(playout)
        if voice.due and (due := voice.due(time.monotonic() + output.latency_s + 2 * RESUME_S)) is not None:
            playout.start_at = output.on_its_clock(due)
        underruns = playout.underruns
        while await voice.has_audio():
            if playout.underruns > underruns:  # it ran dry: gather a lead before going on
                underruns = playout.underruns
                await voice.has_lead(self._prebuffer_s)
                continue
            block = voice.take()
            if resampler is None:
                resampler = _Resampler(block.samplerate, output.samplerate, output.channels)
            await self._write(voice, output, resampler.feed(block.samples))
        if resampler:
            await self._write(voice, output, resampler.finish())
        playout.final = True
        while playout.ring.readable:
            playout.stopping = voice.stopped
            await self._wait(voice, output)
        playout.stopping, playout.start_at = False, None
        voice.leave()

    async def _write(self, voice: Voice, output: _Output, samples: np.ndarray) -> None:
        while len(samples) and not voice.stopped:
            samples = samples[output.playout.ring.write(samples) :]
            output.playout.final = False
            if len(samples):
                await self._wait(voice, output)

    async def _wait(self, voice: Voice, output: _Output) -> None:
        """Lets some audio be played. Raises DeviceError when the device went away and does not come back."""
        await asyncio.sleep(_POLL_S)
        if not output.lost:
            return
        description = self.description
        self.description = f"went away, is looked for: {description}"
        log.warning("the audio device went away (%s): results go to disk, and are heard again once it is back", description)
        try:
            for delay_s in _RETURN_DELAYS_S:
                await asyncio.sleep(delay_s)
                if voice.stopped:
                    raise DeviceError("stopped while the audio device was away")
                with contextlib.suppress(DeviceError):  # said above, once
                    await asyncio.to_thread(output.reopen)
                    log.info("the audio device is back (%s)", description)
                    return
            raise DeviceError("the audio device did not come back")
        finally:
            self.description = description


class Voice:
    """One result on its way to the device. Used from the event loop's thread."""

    def __init__(self, total_s: float, due: Due | None = None):
        self.due = due
        self._blocks: deque[AudioChunk] = deque()
        self._changed = asyncio.Event()
        self._left_s = total_s  # not generated yet
        self._rtf = 0.0
        self._ended = False
        self._playout: Playout | None = None  # while it sounds
        self._underruns = 0  # the playout's before it sounded, then its own
        self.stopped = False

    @property
    def underruns(self) -> int:
        return self._playout.underruns - self._underruns if self._playout else self._underruns

    def feed(self, chunk: AudioChunk, rtf: float) -> None:
        """The next audio, and how many seconds a second of it takes to make."""
        if self.stopped:
            return
        self._blocks.append(chunk)
        self._left_s -= chunk.duration_s
        self._rtf = rtf
        self._changed.set()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._changed.set()

    def stop(self) -> None:
        """Fall silent soon."""
        self.stopped = True
        self._blocks.clear()
        self.end()

    def enter(self, playout: Playout) -> None:
        self._playout, self._underruns = playout, playout.underruns

    def leave(self) -> None:
        self._underruns, self._playout = self.underruns, None

    def take(self) -> AudioChunk:
        return self._blocks.popleft()

    async def has_audio(self) -> bool:
        """Waits for audio. False when there is no more."""
        while not self._ended and not self._blocks:
            await self._wait()
        return bool(self._blocks)

    async def has_lead(self, least_s: float) -> bool:
        """Waits until playing may start and should not run dry. False when there is nothing to play."""
        while await self.has_audio() and not self._ended:
            waiting_s = sum(block.duration_s for block in self._blocks)
            if waiting_s >= lead_s(self._rtf, self._blocks[-1].duration_s, max(0.0, self._left_s), least_s):
                break
            await self._wait()
        return bool(self._blocks)

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def lead_s(rtf: float, chunk_s: float, left_s: float, least_s: float) -> float:
    """How much audio must wait before playing starts, in seconds, so that it does not run dry.

    While one chunk of `chunk_s` is made, `rtf · chunk_s` is played; over the `left_s` not made yet, an engine slower than
    real time falls `(rtf − 1) · left_s` behind. Both with some margin, as `rtf` is a measurement.
    """
    return max(least_s, 1.25 * rtf * chunk_s, 1.1 * (rtf - 1) * left_s)


@dataclass(frozen=True)
class Wanted:
    """Where to play: see AudioDevice."""

    device: str
    channel: int
    samplerate: int

    @property
    def selector(self) -> int | str | None:
        """The device as sounddevice takes it."""
        if self.device == "default":
            return None
        return int(self.device) if self.device.isdecimal() else self.device


class _Output:
    """An open stream. Opening and closing block; the rest does not."""

    def __init__(self, wanted: Wanted, gain: float):
        self._wanted = wanted
        self._name, self.samplerate, channels = _find(wanted)
        first = wanted.channel - 1
        self.channels = min(2, channels - first)
        self._ours = slice(first, first + self.channels)
        self.playout = Playout(self.samplerate, self.channels, gain)
        self._open()

    def reopen(self) -> None:
        """Once the device is lost. Raises DeviceError while it is not back."""
        import sounddevice

        self._stream.close()
        # PortAudio lists the devices when it starts, and only then.
        sounddevice._terminate()
        sounddevice._initialize()
        self.playout.interrupted()
        self._open()

    def _open(self) -> None:
        import sounddevice

        self.lost = self._closing = False
        try:
            self._stream = sounddevice.OutputStream(
                samplerate=self.samplerate,
                device=self._wanted.selector,
                channels=self._ours.stop,
                dtype="float32",
                latency="high",
                callback=self._fill,
                finished_callback=self._on_finished,
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"the audio device {self._name} does not open ({error.args[0]})") from None

    @property
    def latency_s(self) -> float:
        return self._stream.latency

    def on_its_clock(self, moment: float) -> float:
        """A moment of `time.monotonic` on the stream's own clock."""
        return moment - time.monotonic() + self._stream.time

    def close(self) -> None:
        """Drops what the system still holds."""
        self._closing = True
        self._stream.close()

    def _fill(self, out: np.ndarray, _frames, time, status) -> None:
        """PortAudio's thread."""
        out[:, : self._ours.start] = 0
        self.playout.fill(out[:, self._ours], status.output_underflow, time.outputBufferDacTime)

    def _on_finished(self) -> None:
        """PortAudio's thread: the stream ended; if not by us, the device is gone."""
        self.lost = not self._closing


class _Resampler:
    """float32 (frames, any channels) at one rate → (frames, channels) at another; untouched where they agree."""

    def __init__(self, samplerate: int, target: int, channels: int):
        self._channels = channels
        self._stream = None if samplerate == target else soxr.ResampleStream(samplerate, target, channels, dtype="float32")

    def feed(self, samples: np.ndarray) -> np.ndarray:
        if samples.shape[1] != self._channels:
            mono = samples.mean(axis=1, keepdims=True)
            samples = np.repeat(mono, self._channels, axis=1)
        return samples if self._stream is None else self._stream.resample_chunk(np.ascontiguousarray(samples))

    def finish(self) -> np.ndarray:
        """What the filter still holds."""
        nothing = np.zeros((0, self._channels), np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)


def _find(wanted: Wanted) -> tuple[str, int, int]:
    """Name, rate in Hz and output channels of a device. Raises DeviceError. Blocks."""
    device = wanted.device
    if device == "none":
        raise DeviceError("switched off in the settings")
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(f"{error}: install PortAudio (Debian and Ubuntu: libportaudio2)") from None
    try:
        found = sounddevice.query_devices(wanted.selector, "output")
    except (ValueError, sounddevice.PortAudioError) as error:
        raise DeviceError(f"no output device {device!r} ({error.args[0]})") from None
    channels = found["max_output_channels"]
    if channels < wanted.channel:
        raise DeviceError(f"{found['name']} has {channels} output channels: audio_channel {wanted.channel} is not among them")
    return found["name"], wanted.samplerate or _samplerate(sounddevice, found), channels


def _samplerate(sounddevice, found: dict) -> int:
    """The rate a device runs at, in Hz. ALSA names 44.1 kHz for whatever can take it, but sound servers run at 48 kHz."""
    if sounddevice.query_hostapis(found["hostapi"])["name"] == "ALSA":
        try:
            sounddevice.check_output_settings(found["index"], samplerate=48_000)
            return 48_000
        except sounddevice.PortAudioError:
            log.info("%s does not take 48 kHz", found["name"])
    return int(found["default_samplerate"])


def _amplitude(gain_db: float) -> float:
    return 10 ** (gain_db / 20)
