"""A result on disk, played again: its file is read in pieces, a little ahead of the loudspeaker.

Used from the event loop's thread; the disk is read in another.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import soundfile

from bridge.audio.device import AudioDevice
from bridge.audio.voice import Voice
from bridge.errors import JobError
from engine.api import AudioChunk

_PIECE_S = 1.0
_AHEAD_S = 8.0  # read and not yet given to the device

log = logging.getLogger(__name__)


class Replay:
    """Of one file. `begin` once; it ends by itself, or with `stop`."""

    def __init__(self, file: soundfile.SoundFile):
        self._file = file
        self._voice: Voice | None = None

    @classmethod
    async def of(cls, path: Path) -> Replay:
        """Raises JobError where the file cannot be read."""
        try:
            return cls(await asyncio.to_thread(soundfile.SoundFile, path))
        except soundfile.LibsndfileError as error:
            why = f"cannot be read ({error.error_string.rstrip('.')})" if path.exists() else "is gone"
            raise JobError(f"{path} {why}: it cannot be played", "no_audio") from None

    def begin(self, device: AudioDevice) -> Voice:
        self._voice = device.play(self._file.frames / self._file.samplerate, is_made=True)
        self._reading = asyncio.create_task(self._read(self._voice))  # the loop itself keeps no hold of its tasks
        return self._voice

    def stop(self) -> None:
        if self._voice:
            self._voice.stop()

    async def _read(self, voice: Voice) -> None:
        file = self._file
        step, start = round(_PIECE_S * file.samplerate), 0
        try:
            while not voice.stopped:
                samples = await asyncio.to_thread(file.read, step, "float32", True)
                if not len(samples):
                    break
                voice.feed(AudioChunk(start // step, start, file.samplerate, samples))
                start += len(samples)
                await voice.has_room(_AHEAD_S)
        except soundfile.LibsndfileError as error:
            log.warning("%s is played no further: %s", file.name, error)
        finally:
            voice.end()
            file.close()
