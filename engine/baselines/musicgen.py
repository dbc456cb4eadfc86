"""MusicGen (arXiv 2306.05284) by way of transformers: from words, and on from a clip, mono at 32 kHz, 30 s at most.

The directory is as published for transformers: config.json (model_type musicgen), generation_config.json, model.safetensors and
the text encoder's tokenizer. Sampling is a loop of ours, so that audio comes while it is made, a cancel is seen at every token,
and each variation has a seed of its own.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.acceleration import Runtime, Stopwatch
from engine.api import (
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
from engine.baselines.codes import EncodecRenderer
from engine.baselines.reports import model_report, variation_report
from engine.baselines.words import prompt_words
from engine.continuation.clip import Clip, read_clip
from engine.models import sampling
from engine.rendering.track import Source, Track
from engine.rendering.windows import ChunkPlan

MAX_S = 30.0  # of the clip it reads and what it plays together: what it was trained on
CONTEXT_S = 10.0
FADE_S = 0.25
PROGRESS_EVERY = 8  # frames
_GUIDANCE, _TOP_K, _TEMPERATURE = 3.0, 250, 1.0  # as published, where generation_config.json does not say


class MusicGen:
    """One loaded model. One generation at a time."""

    def __init__(self, name: str, directory: Path, runtime: Runtime) -> None:
        """name: what it was asked for by. Raises ModelError."""
        self.name, self.directory, self._runtime = name, directory, runtime
        self._model, self._tokenizer = _loaded(directory)
        self._model.to(runtime.device)
        decoder = self._model.config.decoder
        if decoder.audio_channels != 1:
            raise ModelError(f"{directory} is a stereo MusicGen, and only mono ones are played: choose another")
        self._codebooks, self._pad = int(decoder.num_codebooks), int(decoder.pad_token_id)
        self._published = self._model.generation_config
        self._takes_cache = "cache" if "cache" in inspect.signature(self._model.forward).parameters else "past_key_values"
        self.samplerate = self._renderer().samplerate

    @cached_property
    def report(self) -> ModelReport:
        return model_report(self.directory, self._runtime, self.samplerate)

    def generate(
        self, request: GenerationRequest, model: ModelReport, plan: ChunkPlan, loaded_s: float, watch: Stopwatch,
        cancelled: Callable[[], bool],
    ) -> Iterator[Event]:  # fmt: skip
        """request: with its seed. Raises RequestError, ClipError."""
        asked = request.task if request.task != "music" else "fill" if request.is_fill else "loop" if request.loop else ""
        if asked:
            raise RequestError(f"{asked} is not MusicGen's: choose an InspireMusic model")
        clip = None
        if request.clip is not None:
            yield Progress("listening", 0.0, request.seconds)
            rate = self.samplerate
            clip = read_clip(request, samplerate=rate, model_samplerate=rate, max_context_s=request.context_s or CONTEXT_S)
        tracks: list[Track] = []
        for number in range(1, request.variations + 1):
            track = self._track(request, clip, number, plan, watch)
            tracks.append(track)
            yield from self._one(request, clip, track, cancelled)
        yield self._finished(request, clip, tracks, model, loaded_s, watch)

    def _one(
        self, request: GenerationRequest, clip: Clip | None, track: Track, cancelled: Callable[[], bool]
    ) -> Iterator[AudioChunk | Progress]:
        """A variation from its beginning to its end."""
        yield from track.begin()
        prompt = [] if clip is None else self._renderer().encode(clip.context, self._codebooks)
        rate = self.samplerate / track.hop
        if (len(prompt) + track.tokens) / rate > MAX_S + 1e-6:
            given = f" with the {len(prompt) / rate:.0f} s of the clip that it reads" if prompt else ""
            raise RequestError(f"MusicGen plays {MAX_S:g} s at most{given}: ask for less")
        for count, frame in enumerate(self._frames(request, prompt, track.tokens, track.number, cancelled), 1):
            if (chunk := track.push(frame)) is not None:
                yield chunk
            if count % PROGRESS_EVERY == 0:
                done = (track.number - 1 + track.new_frames / track.wanted) / request.variations
                yield Progress("generating", min(1.0, done) * request.seconds, request.seconds)
        if not cancelled():
            yield from track.finish()

    @torch.inference_mode()
    def _frames(
        self, request: GenerationRequest, prompt: list[list[int]], wanted: int, number: int, cancelled: Callable[[], bool]
    ) -> Iterator[Any]:
        """`wanted` frames of one code a codebook, that follow `prompt`. Codebook k runs k steps behind the first."""
        generator = torch.Generator(self._runtime.device).manual_seed(request.seed_of(number))
        guidance, top_k, temperature = self._sampling(request)
        hidden, mask = self._text(prompt_words(request), with_null=guidance != 1.0)
        rows, codebooks = hidden.shape[0], self._codebooks
        frames = [list(frame) for frame in prompt] + [[self._pad] * codebooks for _ in range(wanted)]
        cache: Any = None
        column = [self._pad] * codebooks  # what the decoder reads at this step
        for step in range(len(frames) + codebooks - 1):
            if cancelled():
                return
            ids = torch.tensor(column, device=self._runtime.device).repeat(rows)[:, None]
            remembered = {self._takes_cache: cache, "use_cache": True}
            out = self._model(encoder_outputs=(hidden,), attention_mask=mask, decoder_input_ids=ids, **remembered)
            cache = getattr(out, self._takes_cache)
            logits = out.logits[:, -1].float()
            if rows == 2:
                conditional, null = logits.chunk(2)
                logits = sampling.guide(conditional, null, guidance)
            drawn = sampling.sample(logits, k=top_k, temperature=temperature, generators=[generator] * codebooks).tolist()
            column = [self._pad] * codebooks
            for book in range(codebooks):
                if not 0 <= (frame := step - book) < len(frames):
                    continue
                if frame >= len(prompt):
                    frames[frame][book] = drawn[book]
                column[book] = frames[frame][book]
            if (whole := step - codebooks + 1) >= len(prompt):
                yield frames[whole]

    def _text(self, words: str, *, with_null: bool) -> tuple[Tensor, Tensor]:
        """The text encoder's states and mask; a second row is the null that guidance leads away from."""
        ids = self._tokenizer([words]).input_ids[0] or [self._tokenizer.eos_token_id]  # no words are an end at once
        rows = torch.tensor([ids], device=self._runtime.device)
        mask = torch.ones_like(rows)
        hidden = self._model.text_encoder(input_ids=rows, attention_mask=mask)[0]
        if not with_null:
            return hidden, mask
        return torch.cat([hidden, torch.zeros_like(hidden)]), torch.cat([mask, torch.zeros_like(mask)])

    def _sampling(self, request: GenerationRequest) -> tuple[float, int, float]:
        def settled(asked: float | None, name: str, usual: float) -> float:
            published = getattr(self._published, name, None)
            return asked if asked is not None else published if published is not None else usual

        top_k = settled(request.top_k, "top_k", _TOP_K)
        guidance = settled(request.guidance, "guidance_scale", _GUIDANCE)
        return guidance, max(1, int(top_k)), settled(request.temperature, "temperature", _TEMPERATURE)

    def _renderer(self) -> EncodecRenderer:
        return EncodecRenderer(self._model.audio_encoder, self._runtime.device)

    def _track(self, request: GenerationRequest, clip: Clip | None, number: int, plan: ChunkPlan, watch: Stopwatch) -> Track:
        renderer, source = self._renderer(), None
        if clip is not None:
            source = Source(clip.prefix, renderer.encode(clip.context, self._codebooks), request.join == "append")
        frames, fade_s = request.frames(self.samplerate), FADE_S if request.bars is None else 0.003
        return Track(renderer, plan, frames=frames, fade_s=fade_s, source=source, number=number, clock=watch)

    def _finished(
        self, request: GenerationRequest, clip: Clip | None, tracks: list[Track], model: ModelReport, loaded_s: float,
        watch: Stopwatch,
    ) -> Finished:  # fmt: skip
        first, (guidance, top_k, temperature) = tracks[0], self._sampling(request)
        seconds = sum(track.new_frames for track in tracks) / self.samplerate
        report = GenerationReport(
            model=model, seed=request.seed_of(1), guidance=guidance, top_k=top_k, temperature=temperature,
            caption=prompt_words(request), decode=request.decode, new_s=round(first.new_frames / self.samplerate, 6),
            elapsed_s=round(watch(), 3), first_chunk_s=round(first.first_chunk_s or watch(), 3),
            rtf=round((watch() - loaded_s) / seconds, 3) if seconds else 0.0, beats_per_bar=request.beats_per_bar,
            beat_unit=request.beat_unit, variations=tuple(_report(request, clip, track) for track in tracks),
        )  # fmt: skip
        return Finished(first.frames, self.samplerate, any(track.new_frames < track.wanted for track in tracks), report)


def _report(request: GenerationRequest, clip: Clip | None, track: Track) -> VariationReport:
    report = variation_report(request, track.number, track.frames, track.meter)
    if clip is None:
        return report
    return replace(report, timbre="model", from_s=round(clip.from_s, 6), clip_s=round(clip.duration_s, 6))


def _loaded(directory: Path) -> tuple[Any, Any]:
    """transformers' model in float32 and its tokenizer. Raises ModelError."""
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration
    from transformers.utils import logging as transformers_logging

    if not list(directory.glob("*.safetensors")):
        raise ModelError(f"{directory} holds no .safetensors file: get the model in that format, others are not read")
    quiet: Any = transformers_logging
    quiet.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        model: Any = MusicgenForConditionalGeneration.from_pretrained(
            directory, local_files_only=True, use_safetensors=True, attn_implementation="eager"
        )
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged file can raise anything at all
        detail = " ".join(str(error).split())[:200]
        raise ModelError(f"{directory} cannot be read as a MusicGen ({type(error).__name__}: {detail}); get it again") from None
    return model.float().eval(), tokenizer


