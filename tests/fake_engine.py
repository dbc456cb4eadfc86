"""A FAKE engine for the bridge's tests: no model, no music. Its model is called "fake …", and what it makes is a quiet tone.

The prompt's words steer it: "slow" (0.1 s of work for each chunk), "bursts" (0.95 of real time, four chunks at once), "waking"
(twice as long as real time for the first two seconds, then slow), "hiccup" (slow, but for a pause of three seconds after two),
"crash" (the process dies after two chunks), "hang" (it stops for ever after two chunks), "deaf" (like slow, but ignores cancels),
"fault" (an exception it did not mean), "refuse" (an EngineError), "unload" (the model does not load), "rolled" (made
twice to be on its grid, with the next seed), "24k", "stereo", "panned" (softer right), "noise" instead of the tone. A model that
is a file's name has that file's text as weights.

"paced" and a number: chunks as the engine ships them, 0.5 s and doubling to 4 s, each when so many seconds of work for a second
of audio are over. "heavy" takes a second to load before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.api import (
    CANDIDATES,
    FIRST_CHUNK_S,
    LONGEST_CHUNK_S,
    AudioChunk,
    Event,
    Finished,
    GenerationReport,
    GenerationRequest,
    ModelError,
    ModelReport,
    Progress,
    RequestError,
    VariationReport,
)

CHUNK_S = 0.25
TONE_HZ = 440.0
AMPLITUDE = 0.1
PANNED = 0.25  # of a right channel to its left


def create_engine() -> FakeEngine:
    return FakeEngine()


def create_broken_engine() -> FakeEngine:
    raise ImportError("the fake engine is asked not to start")


def tone(frames: int, samplerate: int, channels: int = 1) -> np.ndarray:
    """What it plays: float32 (frames, channels). Starts at a zero crossing."""
    wave = AMPLITUDE * np.sin(2 * np.pi * TONE_HZ * np.arange(frames) / samplerate)
    return np.repeat(wave.astype(np.float32)[:, None], channels, axis=1)


def noise(frames: int, channels: int) -> np.ndarray:
    """Where nothing comes back, no sample can be taken for another: float32 (frames, channels)."""
    return np.random.default_rng(0).random((frames, channels), np.float32) - np.float32(0.5)


def _work_s(words: set[str], index: int) -> float:
    """For a chunk."""
    if "bursts" in words:
        return 4 * 0.95 * CHUNK_S if index % 4 == 0 else 0.0
    if "waking" in words and index * CHUNK_S < 2.0:
        return 2 * CHUNK_S
    if "hiccup" in words and index * CHUNK_S == 2.0:
        return 3.0
    return 0.1 if words & {"slow", "deaf", "waking", "hiccup"} else 0.0


def _pace(words: set[str]) -> float | None:
    return next((float(word) for word in words if "paced" in words and word.replace(".", "").isdigit()), None)


def _shipped_chunks(total: int, samplerate: int) -> list[int]:
    """Frames of each."""
    sizes, size_s = [], FIRST_CHUNK_S
    while sum(sizes) < total:
        sizes.append(min(round(size_s * samplerate), total - sum(sizes)))
        size_s = min(2 * size_s, LONGEST_CHUNK_S)
    return sizes

# As if it took a second, and each of the candidates half as long as the region lasts.
PACE_OF_FILLS = {
    "variations": CANDIDATES, "first_s": 0.0, "prepare_s": 1.0, "step_s": 0.0, "steps_per_s": 50.0, "render_s": 0.0,
    "render_per_s": 0.5, "left_s": 0.0, "ahead_s": 0.0, "rest_per_s": 0.0,
}  # fmt: skip


class FakeEngine:
    def load(self, model: str) -> ModelReport:
        if model == "deadly":  # as where memory runs out
            os._exit(9)
        if model == "missing":
            raise ModelError("no model 'missing': there is only 'sketch', which is fake")
        self._weights = Path(model).read_text() if os.path.isfile(model) else "none"
        acceleration = os.environ.get("INSPIRE_ACCELERATION", "auto")
        device = "cpu" if acceleration == "auto" else f"cpu, {acceleration}"
        self._model = ModelReport(f"fake {model}", self._weights, 0, device, 48_000, 24_000)
        return self._model

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool]) -> Iterator[Event]:
        words = set(request.prompt.split())
        if "refuse" in words:
            raise RequestError("the fake engine is asked to reject")
        samplerate = 24_000 if "24k" in words or request.is_fill else 48_000  # the clips that tests have filled have 24 kHz
        total = request.frames(samplerate)
        channels = 2 if "stereo" in words else 1
        audio = noise(total, channels) if "noise" in words else tone(total, samplerate, channels)
        if words >= {"stereo", "panned"}:
            audio[:, 1] *= PANNED
        step = int(CHUNK_S * samplerate)
        done = 0
        if "heavy" in words:
            yield Progress("loading", 0.0, request.seconds)
            time.sleep(1.0)
            yield Progress("loading", 0.0, request.seconds)
        starts = range(0, total, step)
        if pace := _pace(words):
            starts, began_at = [0, *np.cumsum(_shipped_chunks(total, samplerate))[:-1].tolist()], time.monotonic()
        for index, start in enumerate(starts):
            step = ([*starts[1:], total][index] - start) if pace else step
            yield Progress("generating", start / samplerate, request.seconds)
            if pace:
                time.sleep(max(0.0, began_at + pace * (start + step) / samplerate - time.monotonic()))
            if cancelled() and "deaf" not in words:
                break
            time.sleep(_work_s(words, index))
            if index == 2:
                self._misbehave(words)
            samples = audio[start : start + step]
            for variation in range(1, request.variations + 1):
                yield AudioChunk(index, start, samplerate, samples / np.float32(variation), variation)
            done = start + len(samples)
        yield Progress("generating", done / samplerate, request.seconds)
        seeds = [request.seed_of(variation) if request.seed is not None else 1 for variation in range(1, request.variations + 1)]
        own: dict[str, Any] = {"from_s": request.from_s, "to_s": request.to_s} if request.is_fill else {}
        if "rolled" in words:
            seeds = [seed + request.variations for seed in seeds]
            own = {"bpm_measured": 124.0, "downbeat_ms": 3.2, "grid_confidence": 0.8, "rolls": 2}
            own |= {"key": "A minor", "join_click_db": -31.2}
        report = GenerationReport(
            self._model, seeds[0], guidance=1.0, top_k=1, temperature=1.0, caption=request.clip or request.prompt,
            decode=request.decode, new_s=done / samplerate, elapsed_s=0.0, first_chunk_s=0.0, rtf=0.0,
            beats_per_bar=request.beats_per_bar, beat_unit=request.beat_unit,
            variations=tuple(VariationReport(seed, done, **own) for seed in seeds),
            pace=PACE_OF_FILLS if request.is_fill else None,
        )  # fmt: skip
        yield Finished(done, samplerate, done < total, report)

    def _misbehave(self, words: set[str]) -> None:
        if "crash" in words:
            os._exit(3)
        if "hang" in words:
            time.sleep(3600)
        if "fault" in words:
            raise ZeroDivisionError("the fake engine is asked to crash")
