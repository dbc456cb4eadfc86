"""The engine: request in, chunks of audio out while they are made.

`Pipeline.generate` reads top-down as the model works: plan the request, sample tokens, render chunks, report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import torch

from engine.acceleration import PaceMeter, Prepared, Stopwatch, choose_runtime, prepare, use_threads
from engine.acceleration.memory import shortage_named
from engine.api import (
    DECODE_PATHS,
    DEFAULT_MODEL,
    AudioChunk,
    EngineError,
    Event,
    Finished,
    GenerationRequest,
    ModelReport,
    Pace,
    Progress,
    RequestError,
    VariationReport,
    draw_seed,
)
from engine.baselines.baseline import Baseline, load_baseline
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.library import find_model
from engine.conditioning.plan import GenerationPlan, Planner, at
from engine.conditioning.prompt import asked_grid
from engine.conditioning.tempo import in_seconds
from engine.fill.filler import MARGIN_S, Filler, Filling
from engine.fill.report import candidate_report, in_chunks, report_of
from engine.models.generation import Generation, generate_tokens, start_variations
from engine.rendering.level import decay
from engine.rendering.loudness import SECTION_LU, TARGET_LUFS
from engine.rendering.on_grid import FAULTLESS, ROLLS, MovableTrack, Take, roll_note
from engine.rendering.track import ClipTrack, Source, Track, TrackOptions
from engine.rendering.windows import ChunkPlan, FastRenderer, FullRenderer
from engine.reporting import generation_report, variation_report
from engine.resynthesis.job import Resynthesis

PIECE_FADE_S, LOOP_FADE_S = 0.25, 0.003  # at the end: a piece fades, bars must loop and only lose a click
PROGRESS_EVERY = 8  # tokens
CALIBRATION_S = 3.5  # of audio from which the pace is estimated before there was a job: enough for chunks of three lengths
SLOW_S = 1.0  # work for a first half second of audio: where that takes longer, no more is rendered only to be measured


def create_engine(device: str | None = None) -> Pipeline:
    return Pipeline(device)


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A model under the name it was asked for by."""

    name: str
    prepared: Prepared
    planner: Planner


class Pipeline:
    """`engine.api.Engine`. One generation at a time, from one thread."""

    def __init__(self, device: str | None = None, plan: ChunkPlan = ChunkPlan()) -> None:  # noqa: B008 - frozen
        self.runtime, self.chunks = choose_runtime(device), plan
        self._loaded: _Loaded | Baseline | None = None
        self._paces: dict[str, Pace] = {}  # that the warm-up measured
        self._pace = PaceMeter()  # of the generation that runs
        self.on_tokens: Callable[[list[int]], None] | None = None  # is given one token of each variation as they are drawn

    def load(self, model: str) -> ModelReport:
        if self._loaded is None or self._loaded.name != model:
            self._loaded = None  # two large models at once need not fit
            try:
                with shortage_named(self.runtime.device, f"model {model}"):
                    self._prepare(model)
            except EngineError:
                self._loaded = None
                raise
        if self._loaded is not None and not isinstance(self._loaded, _Loaded):
            return self._loaded.report
        checkpoint = self._prepared.checkpoint
        config = checkpoint.config
        return ModelReport(
            model=config.name,
            weights=checkpoint.weights_sha256,
            bytes=checkpoint.bytes,
            device=self._prepared.description,
            samplerate_full=config.hifi_codec.sampling_rate if config.hifi_codec else 0,
            samplerate_fast=config.wavtokenizer.sample_rate,
            paces=dict(self._paces),
        )

    def _prepare(self, model: str) -> None:
        self._loaded = load_baseline(model, find_model(model), self.runtime)
        if self._loaded is not None:
            return
        checkpoint = load_checkpoint(model)
        planner = Planner(checkpoint, self.runtime.device)
        self._loaded, self._paces = _Loaded(model, prepare(checkpoint, self.runtime), planner), {}
        self._warm_up()

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        with shortage_named(self.runtime.device, "the request"):
            yield from self._generate(request, cancelled)

    def _generate(self, request: GenerationRequest, cancelled: Callable[[], bool]) -> Iterator[Event]:
        watch = Stopwatch()
        yield Progress("loading", 0.0, request.seconds)
        name = request.model or DEFAULT_MODEL
        request, model = replace(request, model=name), self.load(name)
        loaded_s, self._pace = watch(), PaceMeter()
        if self._loaded is not None and not isinstance(self._loaded, _Loaded):
            request = replace(request, seed=draw_seed() if request.seed is None else request.seed)
            yield from self._loaded.generate(request, model, self.chunks, loaded_s, watch, cancelled)
            return
        if request.task != "music":
            request = replace(request, seed=draw_seed() if request.seed is None else request.seed)
            yield from Resynthesis(self._prepared, request, self.chunks, cancelled).run(model, loaded_s, watch)
            return
        request = self._planner.settle(request)
        samplerate = self._renderer(request, cancelled, request.seed_of(1)).samplerate
        if request.clip is not None:
            yield Progress("listening", 0.0, request.seconds)
            request = in_seconds(request)
        if request.is_fill:
            section = request.section_called(request.part) if request.part else None
            ends = section is not None and section == request.sections[-1]  # that its piece ends with it
            filled = replace(request, **request.under(section)) if section else request
            yield from self._fill(filled, request.bar_s(1) if ends else 0.0, model, loaded_s, watch, cancelled)
            return
        plan = self._planner.plan(request, samplerate)
        request = plan.request
        make = self._on_grid if request.on_grid else self._as_it_comes
        takes, notes = yield from make(plan, samplerate, cancelled, watch)
        yield self._finished(plan, takes, notes, model, loaded_s, watch)

    @property
    def _prepared(self) -> Prepared:
        assert isinstance(self._loaded, _Loaded), "a model is loaded first"
        return self._loaded.prepared

    @property
    def _planner(self) -> Planner:
        assert isinstance(self._loaded, _Loaded), "a model is loaded first"
        return self._loaded.planner

    def _as_it_comes(
        self, plan: GenerationPlan, samplerate: int, cancelled: Callable[[], bool], watch: Stopwatch
    ) -> Generator[Event, None, tuple[list[Take], tuple[str, ...]]]:
        request = plan.request
        tracks = [self._track(plan, number, samplerate, cancelled, watch) for number in range(1, request.variations + 1)]
        for track in tracks:
            yield from track.begin()
        for count, tokens in enumerate(self._tokens(plan, tracks[0].tokens, cancelled), 1):
            for track, token in zip(tracks, tokens, strict=True):
                with self._pace.rendering(track.windows_s):
                    chunk = track.push(token)
                if chunk is not None:
                    yield chunk
            if count % PROGRESS_EVERY == 0:
                done_s = tracks[-1].new_frames / tracks[-1].samplerate
                yield Progress("generating", min(request.seconds, done_s), request.seconds)
        for track in tracks:
            yield from track.stop() if cancelled() else self._pace.each(track.finish(), track.windows_s)
        grid = asked_grid(request, plan.grid)
        return [Take(track, request.seed_of(track.number), grid) for track in tracks], ()

    def _on_grid(
        self, plan: GenerationPlan, samplerate: int, cancelled: Callable[[], bool], watch: Stopwatch
    ) -> Generator[Event, None, tuple[list[Take], tuple[str, ...]]]:
        """Each variation once it is whole and measured. What is off its grid, or is a loop that is heard to begin again, is made
        again, with the next seeds that are free.
        """
        request, notes = plan.request, []
        takes = yield from self._held(plan, samplerate, cancelled, watch)
        next_seed = request.seed_of(request.variations + 1)
        for place, first in enumerate(takes):
            best, rolls = first, 1
            while best.rank > FAULTLESS and rolls < ROLLS and not cancelled():
                again = replace(plan, request=replace(request, seed=next_seed, variations=1))
                next_seed, rolls = (next_seed + 1) % 2**31, rolls + 1
                (other,) = yield from self._held(again, samplerate, cancelled, watch)
                if not cancelled() and other.rank < best.rank:
                    best = other
            best.rolls, takes[place] = rolls, best
            if first.rank > FAULTLESS:
                notes.append(roll_note(first, best))
            yield from best.go(place + 1)
        return takes, tuple(notes)

    def _held(
        self, plan: GenerationPlan, samplerate: int, cancelled: Callable[[], bool], watch: Stopwatch
    ) -> Generator[Event, None, list[Take]]:
        """Takes with all their chunks, measured. Only progress goes out."""
        chunks: list[AudioChunk] = []
        run = self._as_it_comes(plan, samplerate, cancelled, watch)
        while True:
            try:
                event = next(run)
            except StopIteration as end:
                takes, _ = end.value
                for take in takes:
                    take.held = [chunk for chunk in chunks if chunk.variation == take.track.number]
                return [take.measure() for take in takes]
            if isinstance(event, AudioChunk):
                chunks.append(event)
            else:
                yield event

    def _fill(
        self, request: GenerationRequest, decay_s: float, model: ModelReport, loaded_s: float, watch: Stopwatch,
        cancelled: Callable[[], bool],
    ) -> Iterator[Event]:  # fmt: skip
        """What takes the place of a region: the best of the candidates, which are there at once. It dies away in decay_s."""
        filler = Filler(
            self._prepared, self._planner, self.chunks, self._tokens, lambda seed: self._renderer(request, cancelled, seed),
            self._pace,
        )  # fmt: skip
        around = filler.plan(request)
        plan, region = around.plan, around.region
        rate = region.samplerate
        filling = filler.fill(around, request.variations, cancelled)
        while True:
            try:
                yield Progress("generating", next(filling) * request.seconds, request.seconds)
            except StopIteration as made:
                found: list[Filling] = made.value
                break
        first_chunk_s = watch()
        for number, one in enumerate(found[: request.variations], 1):
            audio = decay(one.audio, 0, round(decay_s * rate)) if decay_s else one.audio
            yield from in_chunks(audio, rate, number)
        reports = tuple(report_of(around, one) for one in found[: request.variations])
        report = generation_report(
            plan, reports or (VariationReport(request.seed_of(1), 0),), model, region.seconds if found else 0.0,
            first_chunk_s, loaded_s, watch(),
        )  # fmt: skip
        report = replace(report, candidates=tuple(candidate_report(plan.request, one) for one in found if one.exit is not None))
        if found:
            per_s = around.count / region.seconds
            pace = self._pace.of_whole(first_chunk_s - loaded_s, region.seconds, per_s, MARGIN_S, len(found))
            report = replace(report, pace=pace)
        yield Finished(len(found[0].audio) if found else 0, rate, not found, report)

    def _renderer(self, request: GenerationRequest, cancelled: Callable[[], bool], seed: int) -> FastRenderer | FullRenderer:
        if request.decode == "fast":
            return FastRenderer(self._prepared)
        if self._prepared.checkpoint.full is None:
            raise RequestError(f"model {request.model} has no flow matching, so no full path: set decode to fast")
        return FullRenderer(self._prepared, seed, cancelled)

    def _track(
        self, plan: GenerationPlan, number: int, samplerate: int, cancelled: Callable[[], bool], watch: Stopwatch
    ) -> Track:  # fmt: skip
        request, source = plan.request, None
        if plan.clip is not None:
            tokens, repeated = plan.context.clip_tokens, request.join == "append"
            source = Source(plan.clip.prefix, tokens, repeated, plan.gain_db, plan.looped)
        how: TrackOptions = {
            "frames": request.frames(samplerate), "number": number, "clock": watch,
            "fade_s": 0.0 if request.loop else PIECE_FADE_S if request.bars is None else LOOP_FADE_S,
            "lead_in": plan.lead_in, "width": request.width,
            "target_lufs": TARGET_LUFS + SECTION_LU.get(request.section, 0.0),
            "dies_away": request.frames(samplerate) - round(request.bar_s(request.bars - 1) * samplerate)
            if request.bars and request.arrangement else 0,
            "loop_bar": request.frames(samplerate) // request.bars if request.loop and request.bars else 0,
        }  # fmt: skip
        if plan.timbre == "clip" and source is not None:  # what the model plays is compared, not played: the fast path is enough
            return ClipTrack(
                FastRenderer(self._prepared), self.chunks, source=source, grid=plan.grid, stretch=plan.stretch,
                samplerate=samplerate, **how
            )
        movable = request.on_grid and source is None
        renderer = self._renderer(request, cancelled, request.seed_of(number))
        return (MovableTrack if movable else Track)(renderer, self.chunks, source=source, stretch=plan.stretch, **how)

    def _tokens(
        self, plan: GenerationPlan, wanted: int, cancelled: Callable[[], bool], judge: Callable[[Generation], None] | None = None
    ) -> Iterator[list[int]]:
        """`wanted` tokens of each variation, one of each at a time; window by window, as `plan.context` says. judge: is given
        what has read all of them but the last, once they are there.
        """
        sampling, device, decoder = plan.sampling, self.runtime.device, self._prepared.decoder
        generators = [torch.Generator(device).manual_seed(seed) for seed in plan.seeds]
        made: list[list[int]] = [[] for _ in generators]
        for conditions, window in plan.windows(wanted):
            if cancelled():
                return
            conditions = at(conditions, window, device)
            prompts = [window.prompt(plan.context.clip_tokens, own) for own in made]
            generation = start_variations(
                decoder, conditions, prompts, given=window.clip_count, max_tokens=window.count + plan.context.beyond,
                guidance=sampling.guidance, generators=generators,
            )  # fmt: skip
            tokens = generate_tokens(
                generation, min_tokens=window.count, max_tokens=window.count, top_k=sampling.top_k,
                temperature=sampling.temperature, views=self._prepared.checkpoint.wavtokenizer.views, generators=generators,
                cancelled=cancelled,
            )  # fmt: skip
            while (drawn := self._next(tokens)) is not None:
                for own, token in zip(made, drawn, strict=True):
                    own.append(token)
                if self.on_tokens is not None:
                    self.on_tokens(drawn)
                yield drawn
        if judge is not None and len(made[0]) == wanted:
            judge(generation)

    def _next(self, tokens: Iterator[list[int]]) -> list[int] | None:
        with use_threads(self._prepared.decoder_threads), self._pace.stepping():
            return next(tokens, None)

    def _finished(
        self, plan: GenerationPlan, takes: list[Take], notes: tuple[str, ...], model: ModelReport, loaded_s: float,
        watch: Stopwatch,
    ) -> Finished:  # fmt: skip
        first = takes[0].track
        plan, variations = replace(plan, notes=(*plan.notes, *notes)), tuple(variation_report(plan, take) for take in takes)
        seconds = first.new_frames / first.samplerate
        report = generation_report(plan, variations, model, seconds, first.first_chunk_s, loaded_s, watch())
        first_s = max(0.0, first.first_chunk_s - loaded_s) if first.first_chunk_s else 0.0
        token_rate = first.tokens / first.made * first.samplerate
        report = replace(report, pace=self._pace.summary(first_s, seconds, token_rate, first.margins_s, len(takes)))
        stopped = any(take.track.new_frames < take.track.wanted for take in takes)
        return Finished(first.frames, first.samplerate, stopped, report)

    def _warm_up(self) -> None:
        """A few tokens and a short window of each path: the first request shall not pay for allocation and kernel choice."""
        for decode in DECODE_PATHS:
            if decode == "full" and self._prepared.checkpoint.flow is None:
                continue
            request = GenerationRequest(prompt="warm up", duration_s=0.5, seed=0, guidance=3.0, decode=decode)
            request = self._planner.settle(request)
            renderer = self._renderer(request, lambda: False, request.seed_of(1))
            samplerate, wanted = renderer.samplerate, round(request.seconds * renderer.token_rate)
            plan = self._planner.plan(request, samplerate)
            tokens = [token for (token,) in self._tokens(plan, wanted, lambda: False)]
            begun = time.monotonic()
            self._rehearse(plan, samplerate, tokens)
            is_slow = time.monotonic() - begun > SLOW_S
            self._paces[decode] = self._calibrate(request, tokens, 2 * request.seconds if is_slow else CALIBRATION_S)

    def _calibrate(self, request: GenerationRequest, tokens: list[int], seconds: float) -> Pace:
        """The pace of a decode path once it is warm: a few tokens are made again, and so many seconds rendered of them."""
        self._pace = PaceMeter()
        samplerate = self._renderer(request, lambda: False, request.seed_of(1)).samplerate
        for _ in self._tokens(self._planner.plan(request, samplerate), len(tokens), lambda: False):
            pass
        track = self._rehearse(self._planner.plan(replace(request, duration_s=seconds), samplerate), samplerate, tokens)
        return self._pace.summary(0.0, seconds, len(tokens) / request.seconds, track.margins_s, 1)

    def _rehearse(self, plan: GenerationPlan, samplerate: int, tokens: list[int]) -> Track:
        """Does all that is done with tokens: renders, masters and measures these, over and over."""
        track = self._track(plan, 1, samplerate, lambda: False, Stopwatch())
        for place in range(track.tokens):
            with self._pace.rendering(track.windows_s):
                track.push(tokens[place % len(tokens)])
        for _ in self._pace.each(track.finish(), track.windows_s):
            pass
        variation_report(plan, Take(track, plan.request.seed_of(1), asked_grid(plan.request, plan.grid)))
        return track
