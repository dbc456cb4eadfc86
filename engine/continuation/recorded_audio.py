"""Opens any file of recorded audio, knows how long it really is, and mixes surround to stereo.

What libsndfile cannot read goes through the program ffmpeg where it is installed. Lengths are those of the samples that are
there: a header may guess (MP3 without an index), or never have been finished (a recorder that still runs, or crashed).
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from engine.arrays import Audio
from engine.music.channels import surround_to_stereo

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIXES = {".wav", ".flac", ".aif", ".aiff", ".aifc", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".caf", ".w64", ".rf64", ".au"}
SUFFIXES_OF_FFMPEG = {".m4a", ".mp4", ".m4b", ".aac", ".wma", ".wv", ".ape", ".ac3", ".webm", ".mka"}
USABLE = "use a WAV, AIFF, FLAC, OGG or MP3 file, or install ffmpeg for others such as M4A"

_BLOCK = 4096  # frames that are decoded at once to count them
_PATIENCE_S = 300.0  # for ffmpeg
_FFMPEG_FORMATS = (  # files of audio only: no playlists, which name other files
    "mov,mp4,m4a,3gp,3g2,mj2:aac:asf:ac3:eac3:wv:ape:matroska,webm:mp3:wav:w64:aiff:caf:flac:ogg:amr:tta:dsf:au"
).replace(":", ",")
_SURROUND, _SURROUND_ELSE = {"OGG": (0, 2, 1, 3, 4)}, (0, 1, 2, 4, 5)  # `surround_to_stereo`'s order


class UnreadableError(Exception):
    """One sentence on why a file cannot be read as audio, without the file's name."""


@dataclass(frozen=True)
class RecordedAudio:
    """An open file. frames: that are there. channels: as `read` gives them, 5.1 already mixed to two."""

    samplerate: int
    channels: int
    frames: int
    _path: Path
    _format: str
    _sequential: bool

    def read(self, first: int, count: int) -> Audio:
        """float32 (frames, channels) from frame `first` on; fewer at the end. Raises UnreadableError."""
        with _explained(), _opened(self._path, self._sequential) as file:
            if self._sequential:
                left = first
                while left and (skipped := len(file.read(min(left, 16 * _BLOCK), dtype="float32"))):
                    left -= skipped
            else:
                file.seek(first)
            return self._mixed(file.read(max(0, min(count, self.frames - first)), dtype="float32", always_2d=True))

    def blocks(self, seconds: float) -> Iterator[Audio]:
        """All of it in pieces of `seconds`, float32 (frames, channels). Raises UnreadableError."""
        left, size = self.frames, round(seconds * self.samplerate)
        with _explained(), _opened(self._path, self._sequential) as file:
            while left > 0 and len(block := file.read(min(left, size), dtype="float32", always_2d=True)):
                left -= len(block)
                yield self._mixed(block)

    def _mixed(self, audio: Audio) -> Audio:
        return surround_to_stereo(audio, _SURROUND.get(self._format, _SURROUND_ELSE)) if audio.shape[1] == 6 else audio


@contextlib.contextmanager
def open_recording(path: Path) -> Iterator[RecordedAudio]:
    """Raises UnreadableError, here and where it is read."""
    with contextlib.ExitStack() as held:
        with _explained():
            try:
                recording = _examined(path)
            except soundfile.LibsndfileError as error:
                decoded = held.enter_context(_decoded_by_ffmpeg(path, error))
                recording = _examined(decoded)
        yield recording


def _examined(path: Path) -> RecordedAudio:
    """Raises what soundfile raises."""
    with _opened(path) as file:
        sequential, frames = file.subtype.startswith("MPEG"), file.frames
        complete = not sequential and _holds(file, frames)
    if not complete:
        with _opened(path, sequential) as file:
            frames = _count(file)
    return RecordedAudio(file.samplerate, 2 if file.channels == 6 else file.channels, frames, path, file.format, sequential)


def _holds(file: soundfile.SoundFile, frames: int) -> bool:
    """Whether a file is as long as it says."""
    try:
        return frames == 0 or (file.seek(frames - 1) == frames - 1 and len(file.read(1)) == 1)
    except soundfile.LibsndfileError:
        return False


def _count(file: soundfile.SoundFile) -> int:
    """Frames that can be decoded, from its beginning to its end or to where it is damaged."""
    frames, block = 0, np.empty((_BLOCK, file.channels), np.float32)
    try:
        while count := len(file.read(out=block)):
            frames += count
    except soundfile.LibsndfileError:
        pass
    return frames


def _opened(path: Path, sequential: bool = False) -> soundfile.SoundFile:
    """sequential: as a stream. libsndfile guesses the length of MPEG audio and reads no further, but of a stream it reads all."""
    if not sequential:
        place = _unfinished_data(path)
        if place is not None:
            return soundfile.SoundFile(_Mended(path, *place))
        return soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))  # a name may be in no encoding
    reading, writing = os.pipe()
    threading.Thread(target=_feed, args=(path, writing), daemon=True).start()
    return _Stream(reading)


class _Stream(soundfile.SoundFile):  # type: ignore[misc]  # the library has no types
    """Of a pipe, which libsndfile believes it can search when the file has an index."""

    def seekable(self) -> bool:
        return False


def _feed(path: Path, writing: int) -> None:
    with contextlib.suppress(OSError), open(path, "rb") as source, os.fdopen(writing, "wb") as pipe:
        shutil.copyfileobj(source, pipe)


def _unfinished_data(path: Path) -> tuple[int, bytes] | None:
    """Where the header of a WAV whose recorder never ended it says that there are no samples, and what is to be there instead."""
    with open(path, "rb") as file:
        if file.read(4) not in (b"RIFF", b"RF64") or file.read(8)[4:] != b"WAVE":
            return None
        while len(head := file.read(8)) == 8:
            name, size = head[:4], struct.unpack("<I", head[4:])[0]
            if name == b"data":
                left = os.fstat(file.fileno()).st_size - file.tell()
                return (file.tell() - 4, struct.pack("<I", min(left, 2**32 - 2))) if size == 0 < left else None
            file.seek(size + size % 2, os.SEEK_CUR)
    return None


class _Mended(io.RawIOBase):
    """A file with a few other bytes at `place`."""

    def __init__(self, path: Path, place: int, content: bytes) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed by `close`
        self._place, self._content = place, content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: WriteableBuffer) -> int:
        here = self._file.tell()
        count = self._file.readinto(buffer)
        for offset, byte in enumerate(self._content, self._place - here):
            if 0 <= offset < count:
                memoryview(buffer).cast("B")[offset] = byte
        return count

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


@contextlib.contextmanager
def _decoded_by_ffmpeg(path: Path, error: Exception) -> Iterator[Path]:
    """The audio of a file that libsndfile rejects with `error`, as a WAV. Raises UnreadableError."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise UnreadableError(f"{_reason(error)}; {USABLE}")
    with tempfile.TemporaryDirectory(prefix="inspire-") as folder:
        wave = Path(folder, "decoded.wav")
        command = [program, "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", _FFMPEG_FORMATS]
        command += ["-i", f"file:{path.absolute()}", "-map", "0:a:0", "-c:a", "pcm_f32le", "-rf64", "auto", str(wave)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise UnreadableError(f"ffmpeg has not decoded it in {_PATIENCE_S:.0f} s; {USABLE}") from None
        if done.returncode and not (wave.exists() and wave.stat().st_size > 1000):
            raise UnreadableError(f"{_reason(error)}, and ffmpeg cannot read it either; {USABLE}")
        yield wave


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except UnreadableError:
        raise
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise UnreadableError(_reason(error)) from None


def _reason(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason.split(": ", 1)[-1].rstrip(".") or type(error).__name__
