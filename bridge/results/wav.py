"""A broadcast-wave file that grows: 24-bit PCM, its header true after every write.

Whoever opens it at any moment, or after the daemon was killed, finds a playable file that holds every finished write: samples
go first, and one write of the header then counts them in. Layout: RIFF WAVE, `bext` (EBU Tech 3285: where the file belongs on
a timeline), `fmt `, `acid` where the tempo is known, `data`.
"""

from __future__ import annotations

import errno
import os
import struct
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BYTES_PER_SAMPLE = 3
_FULL_SCALE = 2 ** (8 * BYTES_PER_SAMPLE - 1)


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
        time_reference_frames: int = 0,
        bpm: float | None = None,
        beats_per_bar: int = 4,
        beat_unit: int = 4,
    ):
        self.samplerate = samplerate
        self.channels = channels
        self.frames = 0
        self._bpm = bpm
        self._metre = beat_unit, beats_per_bar
        self._bext = _bext(description, time_reference_frames)
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 (closed by `close`)
        self._data_start = len(self._header())
        self._write_at(0, self._header())

    @property
    def duration_s(self) -> float:
        return self.frames / self.samplerate

    def write(self, samples: np.ndarray) -> None:
        """Appends float32 (frames, channels); beyond ±1 is clipped."""
        assert samples.ndim == 2 and samples.shape[1] == self.channels
        data = _pcm24(samples)
        pad = b"\0" * ((self._data_bytes + len(data)) % 2)
        self._write_at(self._data_start + self._data_bytes, data + pad)
        self.frames += len(samples)
        self._write_at(0, self._header())

    def close(self) -> None:
        """Cuts off what a failed write left behind the counted samples. Closing once more does nothing."""
        if self._file.closed:
            return
        self._file.truncate(self._data_start + self._data_bytes + self._data_bytes % 2)
        self._file.close()

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
        return self.frames * self.channels * BYTES_PER_SAMPLE

    def _header(self) -> bytes:
        width = self.channels * BYTES_PER_SAMPLE
        pcm = struct.pack("<HHIIHH", 1, self.channels, self.samplerate, self.samplerate * width, width, 8 * BYTES_PER_SAMPLE)
        chunks = _chunk(b"bext", self._bext) + _chunk(b"fmt ", pcm)
        if self._bpm:
            beats = round(self.duration_s * self._bpm / 60)
            chunks += _chunk(b"acid", struct.pack("<IHHfIHHf", 0, 60, 0x8000, 0.0, beats, *self._metre, self._bpm))
        chunks += b"data" + struct.pack("<I", self._data_bytes)
        return b"RIFF" + struct.pack("<I", 4 + len(chunks) + self._data_bytes + self._data_bytes % 2) + b"WAVE" + chunks

    def _write_at(self, position: int, data: bytes) -> None:
        self._file.seek(position)
        left = memoryview(data)
        while left:  # a nearly full disk takes a part before it refuses
            left = left[self._file.write(left) :]


def mend(path: Path) -> Shape | None:
    """Ends the file of a writer that was killed: cuts off what its header does not count. None where no sample is counted."""
    try:
        with wave.open(str(path), "rb") as file:
            shape = Shape(file.getframerate(), file.getnchannels(), file.getnframes())
    except (EOFError, wave.Error):  # killed before the first header
        return None
    with open(path, "rb") as file:
        (counted,) = struct.unpack_from("<I", file.read(8), 4)
    os.truncate(path, 8 + counted)
    return shape if shape.frames else None


def _pcm24(samples: np.ndarray) -> bytes:
    """float32 (frames, channels) → interleaved little-endian 24-bit."""
    scaled = np.clip(np.rint(samples.astype(np.float64) * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return scaled.astype("<i4").reshape(-1, 1).view(np.uint8)[:, :BYTES_PER_SAMPLE].tobytes()


def _bext(description: str, time_reference_frames: int) -> bytes:
    text = description.encode("ascii", "replace")[:256]
    return struct.pack("<256s32s32s10s8sQH254x", text, b"inspire", b"", b"", b"", time_reference_frames, 1)


def _chunk(name: bytes, body: bytes) -> bytes:
    assert len(body) % 2 == 0
    return name + struct.pack("<I", len(body)) + body
