"""Stable Audio Open (arXiv 2407.14358) by way of diffusers: from words, stereo at 44.1 kHz, 47 s at most.

The directory is as published for diffusers: model_index.json and a folder for each of its parts. It is no autoregressive model: a
result is there at once, after the last step, so the first sound comes when the last does. A cancel is seen at every step.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.acceleration import Runtime, Stopwatch
from engine.api import (
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
from engine.arrays import Audio
from engine.baselines.reports import model_report, variation_report
from engine.baselines.words import prompt_words
from engine.rendering.chunks import in_chunks
from engine.rendering.measurement import Meter
from engine.rendering.windows import ChunkPlan

STEPS, GUIDANCE = 100, 7.0  # as published
FADE_S = 0.05  # at the end of what is cut from its 47 s


class _Stopped(Exception):
    """Raised inside of the solver by a cancel."""


class StableAudio:
    """One loaded model. One generation at a time."""

    def __init__(self, name: str, directory: Path, runtime: Runtime, steps: int = STEPS) -> None:
        """name: what it was asked for by. Raises ModelError."""
        self.name, self.directory, self._runtime, self._steps = name, directory, runtime, steps
        self._pipeline = _loaded(directory).to(runtime.device)
        self._pipeline.set_progress_bar_config(disable=True)
        vae = self._pipeline.vae
        self.samplerate = int(vae.config.sampling_rate)
        hop = int(np.prod(vae.config.downsampling_ratios))
        self.max_s = self._pipeline.transformer.config.sample_size * hop / self.samplerate

    @cached_property
    def report(self) -> ModelReport:
        return model_report(self.directory, self._runtime, self.samplerate)

    def generate(
        self, request: GenerationRequest, model: ModelReport, plan: ChunkPlan, loaded_s: float, watch: Stopwatch,
        cancelled: Callable[[], bool],
    ) -> Iterator[Event]:  # fmt: skip
        """request: with its seed. Raises RequestError."""
        asked = request.task if request.task != "music" else "loop" if request.loop else "a clip" if request.clip else ""
        if asked:
            raise RequestError(f"{asked} is not Stable Audio's, which plays from words: choose an InspireMusic model")
        frames = request.frames(self.samplerate)
        if frames > round(self.max_s * self.samplerate):
            raise RequestError(f"Stable Audio plays {self.max_s:.1f} s at most: ask for less")
        reports: list[VariationReport] = []
        first_s = 0.0
        for number in range(1, request.variations + 1):
            audio = yield from self._one(request, frames, number, cancelled)
            first_s = first_s or watch()
            yield from in_chunks(audio, self.samplerate, number)
            reports.append(_report(request, audio, self.samplerate, number))
        seconds = sum(one.frames for one in reports) / self.samplerate
        report = GenerationReport(
            model=model, seed=request.seed_of(1), guidance=self._guidance(request), top_k=0, temperature=0.0,
            caption=prompt_words(request), decode=request.decode, new_s=round(reports[0].frames / self.samplerate, 6),
            elapsed_s=round(watch(), 3),
            first_chunk_s=round(first_s, 3), rtf=round((watch() - loaded_s) / seconds, 3) if seconds else 0.0,
            beats_per_bar=request.beats_per_bar, beat_unit=request.beat_unit, variations=tuple(reports),
        )  # fmt: skip
        yield Finished(reports[0].frames, self.samplerate, any(one.frames < frames for one in reports), report)

    def _one(
        self, request: GenerationRequest, frames: int, number: int, cancelled: Callable[[], bool]
    ) -> Any:
        """A variation, (frames, channels), empty when it was cancelled. Yields progress; the solver has a thread of its own."""
        steps: queue.SimpleQueue[int | Audio | BaseException] = queue.SimpleQueue()
        threading.Thread(target=self._solve, args=(request, frames, number, cancelled, steps.put), daemon=True).start()
        while isinstance(found := steps.get(), int):
            done = (number - 1 + (found + 1) / self._steps) / request.variations
            yield Progress("generating", min(1.0, done) * request.seconds, request.seconds)
        if isinstance(found, BaseException):
            raise found
        return found

    def _solve(
        self, request: GenerationRequest, frames: int, number: int, cancelled: Callable[[], bool],
        put: Callable[[int | Audio | BaseException], None],
    ) -> None:  # fmt: skip
        def after_step(step: int, _time: Any, _latents: Any) -> None:
            if cancelled():
                raise _Stopped
            put(step)

        try:
            with torch.inference_mode():
                made = self._pipeline(
                    prompt_words(request), audio_end_in_s=min(self.max_s, (frames + 0.5) / self.samplerate),
                    num_inference_steps=self._steps, guidance_scale=self._guidance(request), callback=after_step,
                    generator=torch.Generator(self._runtime.device).manual_seed(request.seed_of(number)),
                )  # fmt: skip
            audio = np.zeros((frames, made.audios.shape[1]), np.float32)
            played = made.audios[0].float().cpu().numpy().T[:frames]
            audio[: len(played)] = played
            fade = min(round(FADE_S * self.samplerate), frames) if request.bars is None else 0
            audio[frames - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
            put(audio)
        except _Stopped:
            put(np.zeros((0, 2), np.float32))
        except BaseException as error:  # raised where it can be handled
            put(error)

    def _guidance(self, request: GenerationRequest) -> float:
        return GUIDANCE if request.guidance is None else request.guidance


def _report(request: GenerationRequest, audio: Audio, samplerate: int, number: int) -> VariationReport:
    if not len(audio):
        return VariationReport(seed=request.seed_of(number), frames=0)
    meter = Meter(samplerate)
    meter.add(audio)
    return variation_report(request, number, len(audio), meter)


def _loaded(directory: Path) -> Any:
    """diffusers' pipeline in float32. Raises ModelError."""
    try:
        from diffusers import StableAudioPipeline
        from diffusers.utils import logging
    except ImportError as error:
        raise ModelError(f"Stable Audio needs diffusers ({error}): pip install 'inspire-daw[baselines]'") from None
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        return StableAudioPipeline.from_pretrained(directory, local_files_only=True, use_safetensors=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged file can raise anything at all
        text = " ".join(str(error).split())[:200]
        raise ModelError(f"{directory} cannot be read as a Stable Audio ({type(error).__name__}: {text}); get it again") from None
