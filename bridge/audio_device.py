"""The audio device: plays results while they are generated, one after the other.

Runs on the event loop; only `Playout.fill` runs in PortAudio's thread, and opening and closing a stream in a worker thread.

The device never holds up generation: audio that is ahead of the loudspeaker waits here (a result is at most eight minutes).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

import numpy as np
import soxr

from bridge.errors import BridgeError
from bridge.playout import RESUME_S, Playout
from engine.api import AudioChunk

_POLL_S = 0.02
_LINGER_S = 0.2  # beyond the stream's own latency, of which not all drivers know all

Due = Callable[[float], float | None]

log = logging.getLogger(__name__)


class DeviceError(BridgeError):
    """There is no audio device to play on, or it went away."""

    code = "no_device"


class AudioDevice:
    """`device` is "default", "none", an index, or a part of a name. Without a usable device results are just not heard."""

    def __init__(self, device: str, prebuffer_s: float):
        self._device = device
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
            name, samplerate, _ = await asyncio.to_thread(_find, self._device)
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
                        self._output = await asyncio.to_thread(_Output, self._device)
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
            await output.wait()
        playout.stopping, playout.start_at = False, None
        voice.leave()

    async def _write(self, voice: Voice, output: _Output, samples: np.ndarray) -> None:
        while len(samples) and not voice.stopped:
            samples = samples[output.playout.ring.write(samples) :]
            output.playout.final = False
            if len(samples):
                await output.wait()


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


class _Output:
    """An open stream. Opening and closing block; the rest does not."""

    def __init__(self, device: str):
        import sounddevice

        name, self.samplerate, channels = _find(device)
        self.channels = min(2, channels)
        self.playout = Playout(self.samplerate, self.channels)
        self._lost = self._closing = False
        try:
            self._stream = sounddevice.OutputStream(
                samplerate=self.samplerate,
                device=_selector(device),
                channels=self.channels,
                dtype="float32",
                latency="high",
                callback=lambda out, _frames, time, status: self.playout.fill(
                    out, status.output_underflow, time.outputBufferDacTime
                ),
                finished_callback=self._on_finished,
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"the audio device {name} does not open ({error.args[0]})") from None

    @property
    def latency_s(self) -> float:
        return self._stream.latency

    def on_its_clock(self, moment: float) -> float:
        """A moment of `time.monotonic` on the stream's own clock."""
        return moment - time.monotonic() + self._stream.time

    async def wait(self) -> None:
        """Lets some audio be played. Raises DeviceError when the device is gone."""
        await asyncio.sleep(_POLL_S)
        if self._lost:
            self._stream.close(ignore_errors=True)
            raise DeviceError("the audio device went away")

    def close(self) -> None:
        """Drops what the system still holds."""
        self._closing = True
        self._stream.close()

    def _on_finished(self) -> None:
        """PortAudio's thread: the stream ended; if not by us, the device is gone."""
        self._lost = not self._closing


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


def _find(device: str) -> tuple[str, int, int]:
    """Name, rate in Hz and output channels of a device. Raises DeviceError. Blocks."""
    if device == "none":
        raise DeviceError("switched off in the settings")
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(f"{error}: install PortAudio (Debian and Ubuntu: libportaudio2)") from None
    try:
        found = sounddevice.query_devices(_selector(device), "output")
    except (ValueError, sounddevice.PortAudioError) as error:
        raise DeviceError(f"no output device {device!r} ({error.args[0]})") from None
    return found["name"], _samplerate(sounddevice, found), found["max_output_channels"]


def _samplerate(sounddevice, found: dict) -> int:
    """The rate a device runs at, in Hz. ALSA names 44.1 kHz for whatever can take it, but sound servers run at 48 kHz."""
    if sounddevice.query_hostapis(found["hostapi"])["name"] == "ALSA":
        try:
            sounddevice.check_output_settings(found["index"], samplerate=48_000)
            return 48_000
        except sounddevice.PortAudioError:
            log.info("%s does not take 48 kHz", found["name"])
    return int(found["default_samplerate"])


def _selector(device: str) -> int | str | None:
    """A setting as sounddevice takes it."""
    if device == "default":
        return None
    return int(device) if device.isdecimal() else device
