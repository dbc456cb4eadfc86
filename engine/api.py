"""The engine's contract: what goes in, what comes out, how it fails. No torch here.

A caller builds a `GenerationRequest`, hands it to `Engine.generate` and iterates over what comes back:
any number of `Progress` and `AudioChunk` events, then exactly one `Finished`. A request that cannot be
served raises a subclass of `EngineError` instead. The bridge imports of the engine this file only, so what
stands in others is named here too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from engine.arrangement import find_section, parse_arrangement
from engine.arrays import Audio
from engine.clip_file import MAX_CLIP_S, MAX_CLIP_SAMPLES, MIN_CLIP_S, clip_path, clip_text, resolve_clip
from engine.errors import ClipError, EngineError, ModelError, OutOfMemory, RequestError
from engine.limits import (
    ACCELERATIONS,
    CANDIDATES,
    DECODE_PATHS,
    DEFAULT_MODEL,
    JOINS,
    LOOP_BARS,
    MAX_BAR,
    MAX_CANDIDATES,
    MAX_DURATION_S,
    MAX_PROMPT_CHARS,
    MAX_VARIATIONS,
    MIN_REGION_S,
    SECTIONS,
    TIMBRES,
    parse_key,
)
from engine.report import CandidateReport, GenerationReport, ModelReport, Pace, VariationReport
from engine.request import GenerationRequest, draw_seed, request_from_mapping
from engine.words import BEAT_UNITS, DRUM_NOTES, LEAST_BPM, MAX_BEATS_PER_BAR, MOST_BPM, chord_notes

__all__ = [
    "ACCELERATIONS",
    "AudioChunk",
    "BEAT_UNITS",
    "CANDIDATES",
    "CandidateReport",
    "ClipError",
    "DECODE_PATHS",
    "DEFAULT_MODEL",
    "DRUM_NOTES",
    "Engine",
    "EngineError",
    "Event",
    "FIRST_CHUNK_S",
    "Finished",
    "GenerationReport",
    "GenerationRequest",
    "JOINS",
    "LEAST_BPM",
    "LONGEST_CHUNK_S",
    "LOOP_BARS",
    "MAX_BAR",
    "MAX_BEATS_PER_BAR",
    "MAX_CANDIDATES",
    "MAX_CLIP_S",
    "MAX_CLIP_SAMPLES",
    "MAX_DURATION_S",
    "MAX_PROMPT_CHARS",
    "MAX_VARIATIONS",
    "MIN_CLIP_S",
    "MIN_REGION_S",
    "MOST_BPM",
    "ModelError",
    "ModelReport",
    "OutOfMemory",
    "Pace",
    "Progress",
    "RequestError",
    "SECTIONS",
    "TIMBRES",
    "VariationReport",
    "chord_notes",
    "clip_path",
    "clip_text",
    "draw_seed",
    "find_section",
    "parse_arrangement",
    "parse_key",
    "request_from_mapping",
    "resolve_clip",
]

FIRST_CHUNK_S, LONGEST_CHUNK_S = 0.5, 4.0  # chunks of new audio double from the one to the other; the last may be shorter


@dataclass(frozen=True)
class Progress:
    """How far a job is. `phase` is "loading", "listening" (encoding the clip) or "generating".

    `at_s` is when, in seconds of `time.monotonic`, which all processes of a machine share: work is measured from there, however
    late a busy reader comes to it.
    """

    phase: str
    done_s: float
    total_s: float
    at_s: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """Consecutive audio of a variation: float32 (frames, channels) at `samplerate` Hz, from `start_frame` of the result.

    `index` counts each variation's chunks from 0.
    """

    index: int
    start_frame: int
    samplerate: int
    samples: Audio
    variation: int = 1

    @property
    def start_s(self) -> float:
        return self.start_frame / self.samplerate

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.samplerate


@dataclass(frozen=True)
class Finished:
    """The end of a generation. `cancelled` when it was stopped early: the chunks so far stand.

    Where there are several variations, `frames` are those of the first; the report holds each one's own.
    """

    frames: int
    samplerate: int
    cancelled: bool
    report: GenerationReport


Event = Progress | AudioChunk | Finished


class Engine(Protocol):
    """What the bridge needs of an engine. One generation at a time."""

    def load(self, model: str) -> ModelReport:
        """Loads `model` (a name or a directory) and warms it up. Raises ModelError."""

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Yields events while it works. `cancelled` is asked at every token and every solver step."""
