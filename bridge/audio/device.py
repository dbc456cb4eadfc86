"""The audio device: plays results while they are generated, one after the other.

Runs on the event loop; the device itself is `audio_output`'s, in a process of its own.

The device never holds up generation: audio that is ahead of the loudspeaker waits here (a result is at most eight minutes).
A device that goes away in the middle is looked for, for half a minute, as whatever it is then: another rate or index is well.
The result goes on where it broke off.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from bridge.audio.callback import RESUME_S
from bridge.audio.process import Output
from bridge.audio.protocol import State
from bridge.audio.resampler import Resampler
from bridge.audio.voice import Due, Voice
from bridge.audio.worker import DeviceError, Wanted

_POLL_S = 0.02
_RETURN_DELAYS_S = (0.1, 0.2, 0.5, *(1.0,) * 30)  # between attempts to open a device that went away
_NONE = "none"
_LINGER_S = 0.2  # beyond the stream's own latency, of which not all drivers know all

log = logging.getLogger(__name__)


class AudioDevice:
    """`device` is "default", "none", an index, or a part of a name. Without a usable device results are just not played.

    `channels` are those that play left and right, from 1, or one for both; `samplerate` is in Hz, 0: the device's own.
    """

    def __init__(
        self, device: str, prebuffer_s: float, gain_db: float = 0.0, channels: tuple[int, ...] = (1, 2), samplerate: int = 0
    ):
        self._wanted = Wanted(device, channels, samplerate)
        self._gain_db = gain_db
        self._prebuffer_s = prebuffer_s
        self._voices: deque[Voice] = deque()
        self._playing: asyncio.Task[None] | None = None
        self._output: Output | None = None  # None: not found, or gone
        self._away = False  # it went while a result was played, and is not back
        self.underruns = 0
        self.description = "looking for it"

    @property
    def playing(self) -> bool:
        return self._playing is not None

    @property
    def levels(self) -> State | None:
        """None while the device is not open."""
        return self._output.state if self._output and self._output.is_open else None

    @property
    def gain_db(self) -> float:
        return self._gain_db

    @gain_db.setter
    def gain_db(self, gain_db: float) -> None:
        self._gain_db = gain_db
        if self._output and self._output.is_open:
            self._output.set_gain(_amplitude(gain_db))

    def start(self) -> None:
        """Looks for the device, in the background, and says once what it found."""
        self._finding = asyncio.create_task(self._look())

    async def stop(self) -> None:
        for voice in self._voices:
            voice.stop()
        await self._finding
        if self._playing:
            await self._playing
        await self._drop()

    def play(self, total_s: float, due: Due | None = None, prior_rtf: float | None = None, is_made: bool = False) -> Voice:
        """A place in line for a result with about `total_s` seconds of new audio. Without a device it stays silent. One that
        `is_made` is read from disk: no lead is waited for.

        Once it could be played, `due` is asked when it shall be: from the earliest moment to the chosen one, or None for at once
        (seconds of `time.monotonic`). `prior_rtf`: what a second of audio took to make in the job before.
        """
        voice = Voice(total_s, due, prior_rtf, is_made)
        self._voices.append(voice)
        if self._playing is None:
            self._playing = asyncio.create_task(self._play())
        return voice

    async def check(self) -> None:
        """Waits until the device was looked for. Raises DeviceError where there is none."""
        await self._finding
        if self._output is None and not self._away and self.description.startswith(_NONE):
            raise DeviceError(f"nothing can be played, the audio device is {self.description}; see the setting audio_device")

    async def _look(self) -> None:
        try:
            await self._find()
            log.info("audio device: %s", self.description)
        except DeviceError as error:
            await self._drop()
            self._say_none(error)

    async def _find(self) -> Output:
        if self._wanted.device == "none":
            raise DeviceError("switched off in the settings")
        self._output = output = Output(self._wanted, self._on_underruns, self._on_missed)
        self.description = str(await output.find())
        return output

    def _say_none(self, error: DeviceError) -> None:
        """Once: without a device every result has none."""
        description = f"{_NONE}: {error}"
        if description != self.description:
            self.description = description
            log.warning("no audio device, results go to disk only: %s", error)

    def _on_underruns(self, count: int) -> None:
        self.underruns += count
        if self._voices:
            self._voices[0].underruns += count

    def _on_missed(self, times: int) -> None:
        if self._voices:
            self._voices[0].missed += times
            log.warning("a result was not ready when it was due: it starts at the next bar line, or round of the loop")

    async def _drop(self) -> None:
        """The next look at devices is a new one."""
        output, self._output = self._output, None
        if output:
            await output.end()

    async def _play(self) -> None:
        """Opens the device, plays the voices in line, closes it: it is held no longer than it sounds."""
        await self._finding
        try:
            while self._voices:
                voice = self._voices[0]
                if await voice.has_lead(self._prebuffer_s):
                    await self._play_voice(voice)
                self._voices.popleft()
                if not self._voices and self._output and self._output.is_open:
                    await self._linger(self._output)
        except DeviceError as error:
            await self._drop()
            self._say_none(error)
        self._playing = None
        for voice in self._voices:
            voice.stop()
        self._voices.clear()

    async def _linger(self, output: Output) -> None:
        """Closes the device once all has sounded, unless another result has come meanwhile."""
        await asyncio.sleep(output.latency_s + _LINGER_S)
        if self._voices:
            return
        if output.lost:
            await self._drop()
            return
        try:
            await output.close()
        except DeviceError as error:
            log.warning("the audio device does not close (%s)", error)
            await self._drop()

    async def _play_voice(self, voice: Voice) -> None:
        """All of it, also over a device that goes away and comes back. Raises DeviceError where there is none."""
        played_s = 0.0
        while output := await self._opened(voice):
            before = output.state.frames_read
            cue = None if played_s else voice.cue(time.monotonic() + output.latency_s + 2 * RESUME_S)
            output.begin(cue and cue.at_s, played_s > 0, cue.every_s if cue else 0.0)
            try:
                await self._feed(voice, output)
                return
            except _Lost:
                log.warning("the audio device went away (%s): results are played again once it is back", output.found)
                self.description = f"went away, is looked for while results play: {output.found}"
                self._away = True
                played_s += (output.state.frames_read - before) / output.found.samplerate
                voice.rewind(played_s)
                await self._drop()

    async def _opened(self, voice: Voice) -> Output | None:
        """None where the voice is stopped while the device is away. Raises DeviceError where there is none."""
        if self._output and self._output.is_open:
            return self._output
        at_once = (0, 0) if self._output else (0,)  # where one was found before, it may be another by now
        problem: DeviceError | None = None
        for delay_s in _RETURN_DELAYS_S if self._away else at_once:
            await asyncio.sleep(delay_s)
            if voice.stopped:
                return None
            try:
                output = self._output or await self._find()
                await output.open(_amplitude(self._gain_db))
            except DeviceError as error:
                problem = error
                await self._drop()
                continue
            if self._away:
                log.info("the audio device is back (%s)", self.description)
                self._away = False
            self.gain_db = self._gain_db  # it may have changed meanwhile
            return output
        self._away = False
        assert problem is not None, "each attempt that failed had a problem"
        raise problem

    async def _feed(self, voice: Voice, output: Output) -> None:
        """Raises _Lost."""
        resampler, underruns = None, voice.underruns
        while await voice.has_audio():
            if voice.underruns > underruns:  # it ran dry: gather a lead before going on
                underruns = voice.underruns
                await voice.has_lead(self._prebuffer_s)
                continue
            chunk = voice.take()
            if resampler is None:
                resampler = Resampler(chunk.samplerate, output.found.samplerate, len(output.found.channels))
            await self._write(voice, output, resampler.feed(chunk.samples))
        if resampler:
            await self._write(voice, output, resampler.finish())
        output.final()
        stopping = False
        while output.unplayed:
            if voice.stopped and not stopping:
                output.stop()
                stopping = True
            await self._wait(output)

    async def _write(self, voice: Voice, output: Output, samples: NDArray[np.float32]) -> None:
        while len(samples) and not voice.stopped:
            samples = samples[output.write(samples) :]
            if len(samples):
                await self._wait(output)

    async def _wait(self, output: Output) -> None:
        """Lets some audio be played."""
        await asyncio.sleep(_POLL_S)
        if output.lost:
            raise _Lost


class _Lost(Exception):
    """The device went away while it played."""


def _amplitude(gain_db: float) -> float:
    return 10 ** (gain_db / 20)
