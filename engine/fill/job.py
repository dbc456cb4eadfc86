"""What takes the place of a region: the best of the candidates, whole, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.acceleration import Stopwatch
from engine.api import Event, Finished, GenerationRequest, ModelReport, Progress, VariationReport
from engine.conditioning.plan import Planner
from engine.fill.filler import MARGIN_S, Filler, Filling
from engine.fill.report import candidate_report, report_of
from engine.rendering.chunks import in_chunks
from engine.rendering.level import decay
from engine.rendering.windows import ChunkPlan
from engine.reporting import generation_report
from engine.sampler import TokenSampler


class FillJob:
    """One request for a fill, on one loaded model."""

    def __init__(
        self, planner: Planner, sampler: TokenSampler, chunks: ChunkPlan, cancelled: Callable[[], bool]
    ) -> None:  # fmt: skip
        self._filler, self._pace, self._cancelled = Filler(planner, sampler, chunks, cancelled), sampler.pace, cancelled

    def run(self, request: GenerationRequest, model: ModelReport, loaded_s: float, watch: Stopwatch) -> Iterator[Event]:
        """request: settled, its region in seconds. Raises ClipError, RequestError."""
        section = request.section_called(request.part) if request.part else None
        decay_s = request.bar_s(1) if section is not None and section == request.sections[-1] else 0.0  # its piece ends with it
        around = self._filler.plan(replace(request, **request.under(section)) if section else request)
        plan, region = around.plan, around.region
        filling = self._filler.fill(around, request.variations)
        while True:
            try:
                yield Progress("generating", next(filling) * request.seconds, request.seconds)
            except StopIteration as made:
                found: list[Filling] = made.value
                break
        first_chunk_s = watch()
        for number, one in enumerate(found[: request.variations], 1):
            audio = decay(one.audio, 0, round(decay_s * region.samplerate)) if decay_s else one.audio
            yield from in_chunks(audio, region.samplerate, number)
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
        yield Finished(len(found[0].audio) if found else 0, region.samplerate, not found, report)
