"""Which of the baselines a directory holds, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from engine.acceleration import Runtime, Stopwatch
from engine.api import Event, GenerationRequest, ModelReport
from engine.baselines.musicgen import MusicGen
from engine.baselines.stable_audio import StableAudio
from engine.checkpoints.library import kind_of
from engine.rendering.windows import ChunkPlan


class Baseline(Protocol):
    """A loaded model under the name it was asked for by."""

    name: str

    @property
    def report(self) -> ModelReport: ...

    def generate(
        self, request: GenerationRequest, model: ModelReport, plan: ChunkPlan, loaded_s: float, watch: Stopwatch,
        cancelled: Callable[[], bool],
    ) -> Iterator[Event]: ...  # fmt: skip


def load_baseline(name: str, directory: Path, runtime: Runtime) -> Baseline | None:
    """None where the directory holds none of them. Raises ModelError."""
    match kind_of(directory):
        case "musicgen":
            return MusicGen(name, directory, runtime)
        case "stable-audio":
            return StableAudio(name, directory, runtime)
    return None
