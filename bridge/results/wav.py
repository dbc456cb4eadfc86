"""A broadcast-wave file that grows: 24-bit PCM unless another format is asked for, its header true after every write.

Whoever opens it at any moment, or after the daemon was killed, finds a playable file that holds every finished write: samples
go first, and one write of the header then counts them in. Layout: RIFF WAVE, `bext` (EBU Tech 3285: where the file belongs on
a timeline, when and by what it was made), `fmt `, `acid` (until a tempo is known, JUNK of its size), `data`; once it is closed,
the chunks of `tags`.
"""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.results import tags
from bridge.results.tags import Tags
from bridge.results.tags import chunk as _chunk

_ACID_BYTES = 24
_ACID_ROOT_NOTE = 0x02  # its flag: the root note is known


@dataclass(frozen=True)
class SampleFormat:
    """How samples stand in a file: whole numbers, of 8 bits without a sign as WAV has them, or floating-point ones."""

    width: int  # bytes
    is_float: bool = False

    def encode(self, samples: NDArray[np.float32]) -> bytes:
        """float32 (frames, channels) → interleaved, little-endian; of whole numbers what is beyond ±1 is clipped."""
        if self.is_float:
            exact: bytes = samples.astype(f"<f{self.width}").tobytes()
            return exact
        full = 2 ** (8 * self.width - 1)
        octets: NDArray[np.uint8]
        scaled = np.clip(np.rint(samples.astype(np.float64) * full), -full, full - 1)
        if self.width == 1:
            octets = (scaled + full).astype(np.uint8)
        else:
            octets = scaled.astype("<i4").reshape(-1, 1).view(np.uint8)[:, : self.width]
        encoded: bytes = octets.tobytes()
        return encoded


PCM_24 = SampleFormat(3)


@dataclass(frozen=True)
class Shape:
    """Of a finished file."""

    samplerate: int
    channels: int
    frames: int

    @property
    def duration_s(self) -> float:
        return self.frames / self.samplerate


class GrowingWav:
    """Writes to `path`, an existing empty file or a new one. Every OSError leaves what the header counts playable.

    `time_reference_frames` is where the file begins on its timeline, `bpm` (quarter notes), `beats_per_bar` and `beat_unit`
    its musical time. Not thread-safe.
    """

    def __init__(
        self,
        path: Path,
        samplerate: int,
        channels: int,
        *,
        description: str = "",
        history: str = "",
        time_reference_frames: int = 0,
        bpm: float | None = None,
        beats_per_bar: int = 4,
        beat_unit: int = 4,
        sample_format: SampleFormat = PCM_24,
    ):
        self.samplerate = samplerate
        self.sample_format = sample_format
        self.channels = channels
        self.frames = 0
        self._bpm = bpm
        self._metre = beat_unit, beats_per_bar
        self._root_note: int | None = None
        self._tags = b""
        self._bext = _bext(description, time_reference_frames, _coding_history(samplerate, channels, sample_format, history))
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 (closed by `close`)
        self._data_start = len(self._header())
        try:
            self._write_at(0, self._header())
        except OSError:
            self._file.close()
            path.unlink(missing_ok=True)
            raise

    @property
    def duration_s(self) -> float:
        return self.frames / self.samplerate

    def write(self, samples: NDArray[np.float32]) -> None:
        """Appends float32 (frames, channels); beyond ±1 is clipped."""
        assert samples.ndim == 2 and samples.shape[1] == self.channels
        self.write_encoded(self.sample_format.encode(samples))

    def write_encoded(self, data: bytes) -> None:
        """Appends whole frames that have the file's own format already."""
        pad = b"\0" * ((self._data_bytes + len(data)) % 2)
        self._write_at(self._data_start + self._data_bytes, data + pad)
        self.frames += len(data) // (self.channels * self.sample_format.width)
        self._write_at(0, self._header())

    def close(self, about: Tags | None = None) -> None:
        """Cuts off what a failed write left behind the counted samples, and writes what the file is `about`. Closing once more
        does nothing.
        """
        if self._file.closed:
            return
        end = self._data_start + self._data_bytes + self._data_bytes % 2
        self._file.truncate(end)
        if about:
            self._write_tags(about, end)
        self._file.close()

    def _write_tags(self, about: Tags, end: int) -> None:
        """After the samples first, where the header does not count them yet. What finds no room is left out."""
        chunks = tags.encode(about, self.samplerate, self.frames)
        try:
            self._write_at(end, chunks)
        except OSError:
            self._file.truncate(end)
            return
        self._tags = chunks
        self._bpm, self._root_note = about.exact_bpm(self.samplerate, self.frames) or self._bpm, about.root_note
        self._metre = about.beat_unit, about.beats_per_bar
        self._write_at(0, self._header())

    def take_over(self, path: Path) -> None:
        """Gives the file the name of one that it replaces."""
        self._file.close()
        os.replace(self._file.name, path)
        self._file = open(path, "r+b", buffering=0)  # noqa: SIM115

    def move_to(self, path: Path) -> None:
        """Gives the file another name; raises FileExistsError where that is taken."""
        self._file.close()
        old = Path(self._file.name)
        try:
            os.link(old, path)
            old.unlink()
        except FileExistsError:
            raise
        except OSError:  # a disk without links, such as FAT
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            os.rename(old, path)
        self._file = open(path, "r+b", buffering=0)  # noqa: SIM115

    @property
    def _data_bytes(self) -> int:
        return self.frames * self.channels * self.sample_format.width

    def _header(self) -> bytes:
        size, tag = self.sample_format.width, 3 if self.sample_format.is_float else 1
        width = self.channels * size
        pcm = struct.pack("<HHIIHH", tag, self.channels, self.samplerate, self.samplerate * width, width, 8 * size)
        chunks = _chunk(b"bext", self._bext) + _chunk(b"fmt ", pcm)
        chunks += self._acid()
        chunks += b"data" + struct.pack("<I", self._data_bytes)
        size = 4 + len(chunks) + self._data_bytes + self._data_bytes % 2 + len(self._tags)
        return b"RIFF" + struct.pack("<I", size) + b"WAVE" + chunks

    def _acid(self) -> bytes:
        if not self._bpm:
            return _chunk(b"JUNK", bytes(_ACID_BYTES))
        beats = round(self.duration_s * self._bpm / 60)
        has_root, note = (0, tags.MIDDLE_C) if self._root_note is None else (_ACID_ROOT_NOTE, self._root_note)
        return _chunk(b"acid", struct.pack("<IHHfIHHf", has_root, note, 0x8000, 0.0, beats, *self._metre, self._bpm))

    def _write_at(self, position: int, data: bytes) -> None:
        self._file.seek(position)
        left = memoryview(data)
        while left:  # a nearly full disk takes a part before it fails
            left = left[self._file.write(left) :]


def mend(path: Path) -> Shape | None:
    """Ends the file of a writer that was killed: cuts off what its header does not count. None where no sample is counted."""
    try:
        with open(path, "rb") as content, soundfile.SoundFile(content) as file:
            shape = Shape(file.samplerate, file.channels, file.frames)
    except soundfile.LibsndfileError:  # killed before the first header
        return None
    with open(path, "rb") as file:
        (counted,) = struct.unpack_from("<I", file.read(8), 4)
    os.truncate(path, 8 + counted)
    return shape if shape.frames else None


def _bext(description: str, time_reference_frames: int, history: bytes) -> bytes:
    text, software = description.encode("ascii", "replace")[:256], tags.SOFTWARE.encode()
    now = datetime.now()  # of whoever works with it, as the format has no time zone
    date, time = now.strftime("%Y-%m-%d").encode(), now.strftime("%H:%M:%S").encode()
    body = struct.pack("<256s32s32s10s8sQH254x", text, software, b"", date, time, time_reference_frames, 1) + history
    return body + b"\0" * (len(body) % 2)


def _coding_history(samplerate: int, channels: int, sample_format: SampleFormat, history: str) -> bytes:
    """How EBU R98 has it: the format, and in T what made it."""
    mode = {1: "mono", 2: "stereo"}.get(channels, "multi")
    text = history.encode("ascii", "replace").decode().replace(",", " ")
    return f"A=PCM,F={samplerate},W={8 * sample_format.width},M={mode},T={tags.SOFTWARE}; {text}\r\n".encode()
