"""A fill: candidates from what is before a region, judged by how they lead to what follows, the best joined at both ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np
import torch

from engine.api import CANDIDATES, GenerationRequest
from engine.arrays import Audio
from engine.conditioning.plan import Planner
from engine.conditioning.prompt import asked_beats, asked_bpm
from engine.continuation.clip import read_beginning, resampled
from engine.continuation.clip_encoder import ClipEncoder
from engine.continuation.region import Region, read_region
from engine.fill.edges import fitted
from engine.fill.exit import JUDGED_S, Exit, ExitJudge
from engine.fill.players import HEAD_S, ClipPlayer, ModelPlayer, Player, Rendering, Surroundings, rendered
from engine.models.generation import Generation
from engine.music.analysis import measure_bpm
from engine.music.channels import to_mono
from engine.music.grid import loop_bpm
from engine.rendering.track import LEAD_S
from engine.rendering.windows import ChunkPlan, FastRenderer, renderer_for
from engine.sampler import TokenSampler

FOLLOWING_S = 2.0  # of what follows, whose likelihood is asked
SHORT_S = 8.0  # of music before a region, in which a tempo may not be found
MARGIN_S = LEAD_S + HEAD_S  # that is rendered with a candidate
SAMPLING = 0.6  # of the work, about
PROGRESS_EVERY = 8  # tokens


@dataclass(frozen=True, eq=False)
class Filling:
    """A candidate: its number counts from 1, as its seed has it; exit: None where nothing follows that it could lead to.

    audio: (frames, channels) at the file's rate, as long as the region, joined at both ends; empty where another was better.
    """

    number: int
    tokens: Sequence[int]
    exit: Exit | None
    score: float  # more is better
    audio: Audio
    cuts: int | None


class Filler:
    """Fills regions with one model."""

    def __init__(
        self, planner: Planner, sampler: TokenSampler, chunks: ChunkPlan, cancelled: Callable[[], bool] = lambda: False
    ) -> None:  # fmt: skip
        self._prepared, self._planner, self._sampler, self._cancelled = sampler.prepared, planner, sampler, cancelled
        self._chunks = ChunkPlan(chunks.longest_s, chunks.longest_s)  # nothing goes out before all of it is there
        self._device = self._prepared.runtime.device
        self._clips = ClipEncoder(self._prepared.checkpoint, self._device)

    def plan(self, request: GenerationRequest) -> Surroundings:
        """request: settled, its region in seconds. Raises ClipError, RequestError."""
        config, views = self._prepared.checkpoint.config, self._prepared.checkpoint.wavtokenizer.views
        region = read_region(request)
        bpm = asked_bpm(request) or _tempo_around(region, request)
        clip, note = region.context(self._clips.samplerate, config.max_prompt_s, bpm and request.quarters_per_bar * 60 / bpm)
        asked = replace(
            request, from_s=clip.from_s, to_s=None, candidates=None, variations=1, join="new",
            duration_s=max(0.5, region.seconds), bpm=request.bpm if asked_bpm(request) else bpm,
        )  # fmt: skip
        plan = self._planner.plan(asked, region.samplerate, clip)
        count = max(1, math.ceil(region.seconds * plan.stretch * config.token_rate / views - 1e-6)) * views
        late_s = count / config.token_rate / plan.stretch - region.seconds
        after: Sequence[int] = []
        if region.has_after:
            mono = to_mono(region.after[round(late_s * region.samplerate) :])
            mono = resampled(mono, region.samplerate, self._clips.samplerate)
            after = self._clips.encode_begin(mono, config.max_prompt_s, stretch=plan.stretch, like=clip.context)
        plan = replace(
            plan,
            takes=request.candidates or CANDIDATES if after else request.variations,
            notes=(*plan.notes, *([note] if note else []), *_notes(region)),
            context=replace(plan.context, beyond=min(len(after), round(FOLLOWING_S * config.token_rate))),
        )
        return Surroundings(region, plan, count, after, late_s)

    def fill(self, around: Surroundings, wanted: int) -> Generator[float, None, list[Filling]]:
        """Yields how much is done, from 0 to 1. Returns all candidates, the best first, and the first `wanted` of them with their
        audio; none where cancelled.
        """
        drawn: list[list[int]] = []
        likely: list[float] = []
        following = torch.tensor(around.after[: around.plan.context.beyond], device=self._device)

        def judge(generation: Generation) -> None:
            if len(following):
                last = torch.tensor(drawn[-1], device=self._device)
                likely.extend(generation.likelihood_after(last, following).mean(1).tolist())

        for tokens in self._sampler.tokens(around.plan, around.count, self._cancelled, judge):
            drawn.append(tokens)
            if len(drawn) % PROGRESS_EVERY == 0:
                yield SAMPLING * len(drawn) / around.count
        if len(drawn) < around.count:
            return []
        candidates = list(zip(*drawn, strict=True))
        found: list[Filling] = []
        player, exit_judge = self._player(around), self._exit_judge(around.region) if likely else None
        for number, own in enumerate(candidates, 1):
            if self._cancelled():
                return []
            with self._sampler.pace.playing(around.region.seconds + MARGIN_S):
                audio = fitted(player.sound(self._rendered(around, own), around.plan.request.seed_of(number)), around.region)
                exit = exit_judge.judge(_end_of(around.region, audio), likely[number - 1]) if exit_judge else None
            found.append(Filling(number, own, exit, exit_judge.score(exit) if exit_judge and exit else 0.0, audio, player.cuts))
            found.sort(key=lambda one: -one.score)  # stable: among equals the first
            found[wanted:] = [replace(one, audio=one.audio[:0]) for one in found[wanted:]]
            yield SAMPLING + (1 - SAMPLING) * number / (len(candidates) + 1)
        if isinstance(player, ModelPlayer) and around.plan.request.decode == "full":
            found[:wanted] = [self._in_full(around, one) for one in found[:wanted]]
        return [] if self._cancelled() else found

    def _player(self, around: Surroundings) -> Player:
        """The clip's material is rendered as if the clip went round between its sides: with a candidate's tokens there, each
        would depend on which one it is.
        """
        renderer = FastRenderer(self._prepared)
        if around.plan.timbre == "clip":
            tokens = list(islice(cycle(around.plan.context.clip_tokens), around.count))
            return ClipPlayer(around, rendered(renderer, self._chunks, around, tokens, whole=True), renderer.samplerate)
        return ModelPlayer(around, renderer.samplerate)

    def _rendered(self, around: Surroundings, tokens: Sequence[int]) -> Rendering:
        return rendered(FastRenderer(self._prepared), self._chunks, around, tokens)

    def _exit_judge(self, region: Region) -> ExitJudge:
        return ExitJudge(to_mono(region.before), to_mono(region.after), region.samplerate)

    def _in_full(self, around: Surroundings, one: Filling) -> Filling:
        """Played by flow matching: candidates were compared as the token decoder plays them."""
        seed = around.plan.request.seed_of(one.number)
        renderer = renderer_for(self._prepared, around.plan.request, seed, self._cancelled)
        audio = ModelPlayer(around, renderer.samplerate).sound(rendered(renderer, self._chunks, around, one.tokens), seed)
        return replace(one, audio=fitted(audio, around.region))


def _end_of(region: Region, audio: Audio) -> Audio:
    """JUDGED_S that end where a region does, mono [frames]: of a short one with what is before it."""
    frames = round(JUDGED_S * region.samplerate)
    lacking = max(0, frames - len(audio))
    return to_mono(np.concatenate([region.before[-lacking:] if lacking else region.before[:0], audio])[-frames:])


def _tempo_around(region: Region, request: GenerationRequest) -> float | None:
    """Of a clip that has too little before the region to measure it in: of its beginning."""
    if len(region.before) >= SHORT_S * region.samplerate:
        return None
    mono, samplerate, duration_s = read_beginning(request)
    bpm = measure_bpm(mono, samplerate)
    return bpm and loop_bpm(bpm, duration_s, asked_beats(request))


def _notes(region: Region) -> list[str]:
    """What is unusual about a region, in sentences."""
    if region.end > region.total:
        return ["the region ends after the clip: the clip is continued to there"]
    if not region.has_after:
        return ["nothing sounds after the region: there is nothing to lead to, so that it is a continuation"]
    return []
