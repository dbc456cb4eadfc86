"""A copy of a clip with a part of it replaced: every sample around that part is copied as it is, whatever its format.

A result is a WAV, so a clip of another kind becomes one; what was decoded from a lossy format has 24 bits. Blocks on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.results import surround
from bridge.results.wav import PCM_24, GrowingWav, SampleFormat
from engine.api import ClipError

_BESIDE_S = 1.0  # on either side of a region, whose channels' levels are kept
_BLOCK = 2**16  # frames that are copied at once
_MOST_BYTES = 2**32 - 2**20  # of samples in a WAV, its header and tags beside them
# libsndfile's names of formats that lose nothing: how they stand in a WAV, and the numbers in which they are read.
_EXACT = {
    "PCM_U8": (SampleFormat(1), "int16"), "PCM_S8": (SampleFormat(1), "int16"), "PCM_16": (SampleFormat(2), "int16"),
    "PCM_24": (PCM_24, "int32"), "PCM_32": (SampleFormat(4), "int32"), "FLOAT": (SampleFormat(4, is_float=True), "float32"),
    "DOUBLE": (SampleFormat(8, is_float=True), "float64"), "ALAC_16": (SampleFormat(2), "int16"), "ALAC_24": (PCM_24, "int32"),
    "ALAC_20": (PCM_24, "int32"), "ALAC_32": (SampleFormat(4), "int32"),
}  # fmt: skip


def check(source: Path) -> None:
    """Raises ClipError where a part of `source` cannot be replaced, before there is anything to replace it by."""
    alone = "take join new to have the new part alone"
    try:
        with _opened(source) as file:
            sample_format, _ = _format(file)
            if file.frames * file.channels * sample_format.width > _MOST_BYTES:
                raise ClipError(f"{source.name} is too large to be copied as a WAV, which holds 4 GiB: {alone}")
    except (soundfile.LibsndfileError, OSError) as error:
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        raise ClipError(f"cannot copy {source.name}: {reason}; {alone}, or use a WAV, AIFF or FLAC file") from None


def sample_format(source: Path) -> SampleFormat:
    with _opened(source) as file:
        return _format(file)[0]


def channels(source: Path) -> int:
    with _opened(source) as file:
        return int(file.channels)


def copy(source: Path, begin: int, region: NDArray[np.float32], wav: GrowingWav) -> None:
    """Into the empty `wav`, which has the source's rate, channels and format: the source with `region`, float32 (frames,
    channels), from frame `begin` on. A region of one or two channels is spread over more, see `surround`. Raises OSError.
    """
    if wav.channels > 2:
        region = _spread(source, begin, region)
    for block in _blocks(source, 0, begin):
        wav.write_encoded(block)
    wav.write(region)
    for block in _blocks(source, begin + len(region), None):
        wav.write_encoded(block)


def _spread(source: Path, begin: int, region: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over the channels of `source`."""
    with _opened(source) as file:
        rate, total, form = file.samplerate, file.frames, file.format
    end, near = begin + len(region), round(_BESIDE_S * rate)
    edge = min(round(surround.EDGE_S * rate), len(region) // 2)
    before, after = _between(source, max(0, begin - near), begin + edge), _between(source, end - edge, end + near)
    opening, closing = before[begin - max(0, begin - near) :], after[:edge]
    beside = np.concatenate([before[: len(before) - len(opening)], after[edge:]])
    return surround.spread(region, beside, opening if begin else opening[:0], closing if end < total else closing[:0], rate, form)


def _between(source: Path, first: int, end: int) -> NDArray[np.float32]:
    none = np.zeros((0, channels(source)), np.float32)
    return np.concatenate([none, *_read(source, first, end, "float32")])


def _blocks(source: Path, first: int, end: int | None) -> Iterator[bytes]:
    """Encoded frames from `first` up to `end`."""
    with _opened(source) as file:
        form, kind = _format(file)
    for samples in _read(source, first, end, kind):
        yield _encoded(samples, form)


def _read(source: Path, first: int, end: int | None, kind: str) -> Iterator[NDArray[Any]]:
    """Frames from `first` up to `end`. Read from the beginning on: lengths and places of compressed files are guesses."""
    with _opened(source) as file:
        place = 0
        while len(samples := file.read(_BLOCK, dtype=kind, always_2d=True)):
            kept = samples[max(0, first - place) : None if end is None else max(0, end - place)]
            place += len(samples)
            if len(kept):
                yield kept
            if end is not None and place >= end:
                return


def _encoded(samples: NDArray[Any], form: SampleFormat) -> bytes:
    """Samples as they were read, in the width that they have in the file."""
    if form.is_float and samples.dtype.itemsize == form.width:
        return samples.astype(f"<f{form.width}").tobytes()
    if samples.dtype.kind == "f":
        return form.encode(samples)
    if form.width == 1:
        return ((samples >> 8) + 128).astype(np.uint8).tobytes()
    width = samples.dtype.itemsize
    octets = np.ascontiguousarray(samples.astype(f"<i{width}")).reshape(-1, 1).view(np.uint8)
    return octets[:, width - form.width :].tobytes()


def _format(file: soundfile.SoundFile) -> tuple[SampleFormat, str]:
    return _EXACT.get(file.subtype, (PCM_24, "float32"))


@contextmanager
def _opened(source: Path) -> Iterator[soundfile.SoundFile]:
    with open(source, "rb") as content, soundfile.SoundFile(content) as file:
        yield file
