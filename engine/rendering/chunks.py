"""Audio that is there already, in pieces that a pipe likes."""

from __future__ import annotations

from collections.abc import Iterator

from engine.api import AudioChunk
from engine.arrays import Audio

LONGEST_S = 10.0


def pieces(audio: Audio, samplerate: int) -> Iterator[Audio]:
    """audio: (frames, channels)."""
    size = round(LONGEST_S * samplerate)
    for start in range(0, len(audio), size):
        yield audio[start : start + size]


def in_chunks(audio: Audio, samplerate: int, variation: int) -> Iterator[AudioChunk]:
    """A whole variation, (frames, channels)."""
    start = 0
    for index, piece in enumerate(pieces(audio, samplerate)):
        yield AudioChunk(index, start, samplerate, piece, variation)
        start += len(piece)
