"""The engine: request in, chunks of audio out while they are made.

`Pipeline.generate` loads the model that a request names and gives the request to what plays it: a job for music, for the fill of
a region or for a clip's resynthesis, or one of the baselines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from engine.acceleration import Prepared, Stopwatch, choose_runtime, prepare
from engine.acceleration.memory import shortage_named
from engine.api import DEFAULT_MODEL, Event, GenerationRequest, ModelReport, Pace, Progress, draw_seed
from engine.baselines.baseline import Baseline, load_baseline
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.library import find_model
from engine.conditioning.plan import Planner
from engine.conditioning.tempo import in_seconds
from engine.fill.job import FillJob
from engine.music_job import MusicJob
from engine.rendering.windows import ChunkPlan, renderer_for
from engine.resynthesis.job import Resynthesis
from engine.sampler import TokenSampler
from engine.warm_up import warm_up


def create_engine(device: str | None = None) -> Pipeline:
    return Pipeline(device)


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A model under the name it was asked for by, and the paces of its decode paths once they are warm."""

    name: str
    prepared: Prepared
    planner: Planner
    paces: dict[str, Pace]

    @property
    def report(self) -> ModelReport:
        checkpoint = self.prepared.checkpoint
        config = checkpoint.config
        return ModelReport(
            model=config.name,
            weights=checkpoint.weights_sha256,
            bytes=checkpoint.bytes,
            device=self.prepared.description,
            samplerate_full=config.hifi_codec.sampling_rate if config.hifi_codec else 0,
            samplerate_fast=config.wavtokenizer.sample_rate,
            paces=dict(self.paces),
        )


class Pipeline:
    """`engine.api.Engine`. One generation at a time, from one thread."""

    def __init__(self, device: str | None = None, plan: ChunkPlan = ChunkPlan()) -> None:  # noqa: B008 - frozen
        self.runtime, self.chunks = choose_runtime(device), plan
        self._loaded: _Loaded | Baseline | None = None
        self.on_tokens: Callable[[list[int]], None] | None = None  # is given one token of each variation as they are drawn

    def load(self, model: str) -> ModelReport:
        return self._model(model).report

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        with shortage_named(self.runtime.device, "the request"):
            yield from self._generate(request, cancelled)

    def _generate(self, request: GenerationRequest, cancelled: Callable[[], bool]) -> Iterator[Event]:
        watch = Stopwatch()
        yield Progress("loading", 0.0, request.seconds)
        loaded = self._model(request.model or DEFAULT_MODEL)
        request, model, loaded_s = replace(request, model=loaded.name), loaded.report, watch()
        if not isinstance(loaded, _Loaded):
            yield from loaded.generate(_seeded(request), model, self.chunks, loaded_s, watch, cancelled)
            return
        if request.task != "music":
            yield from Resynthesis(loaded.prepared, _seeded(request), self.chunks, cancelled).run(model, loaded_s, watch)
            return
        planner, sampler = loaded.planner, TokenSampler(loaded.prepared, loaded.prepared.pace_meter(), self.on_tokens)
        request = planner.settle(request)
        samplerate = renderer_for(loaded.prepared, request, request.seed_of(1)).samplerate
        if request.clip is not None:
            yield Progress("listening", 0.0, request.seconds)
            request = in_seconds(request)
        if request.is_fill:
            yield from FillJob(planner, sampler, self.chunks, cancelled).run(request, model, loaded_s, watch)
        else:
            yield from MusicJob(planner, sampler, self.chunks, watch, cancelled).run(request, samplerate, model, loaded_s)

    def _model(self, name: str) -> _Loaded | Baseline:
        """Raises ModelError, and OutOfMemory where it does not fit."""
        if self._loaded is None or self._loaded.name != name:
            self._loaded = None  # two large models at once need not fit
            with shortage_named(self.runtime.device, f"model {name}"):
                self._loaded = load_baseline(name, find_model(name), self.runtime) or self._prepare(name)
        return self._loaded

    def _prepare(self, name: str) -> _Loaded:
        checkpoint = load_checkpoint(name)
        with ThreadPoolExecutor(1) as reader:  # the files are hashed for the report while the weights are packed
            hashed = reader.submit(lambda: checkpoint.weights_sha256)
            prepared = prepare(checkpoint, self.runtime)
            planner = Planner(checkpoint, self.runtime.device, prepared.decoder)
            paces = warm_up(prepared, planner, self.chunks)
            hashed.result()
        return _Loaded(name, prepared, planner, paces)


def _seeded(request: GenerationRequest) -> GenerationRequest:
    return replace(request, seed=draw_seed() if request.seed is None else request.seed)
