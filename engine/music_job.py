"""Music from words or on from a clip: plan, tokens, chunks, report."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial

from engine.acceleration import Stopwatch
from engine.acceleration.side_by_side import in_turn, side_by_side
from engine.api import AudioChunk, Event, Finished, GenerationRequest, ModelReport, Progress
from engine.conditioning.plan import GenerationPlan, Planner
from engine.conditioning.prompt import asked_grid, excludes_drums
from engine.rendering.clip_track import ClipTrack
from engine.rendering.loudness import SECTION_LU, TARGET_LUFS, USUAL_DRUMLESS_LUFS, USUAL_LUFS
from engine.rendering.on_grid import FAULTLESS, ROLLS, MovableTrack, Take, roll_note
from engine.rendering.track import Source, Track, TrackOptions
from engine.rendering.windows import ChunkPlan, FastRenderer, renderer_for
from engine.reporting import generation_report, variation_report
from engine.sampler import TokenSampler

PIECE_FADE_S, LOOP_FADE_S = 0.25, 0.003  # at the end: a piece fades, bars must loop and only lose a click
PROGRESS_EVERY = 8  # tokens


class MusicJob:
    """One request, on one loaded model. watch: runs since the request came."""

    def __init__(
        self, planner: Planner, sampler: TokenSampler, chunks: ChunkPlan, watch: Stopwatch,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._prepared, self._planner, self._sampler, self._pace = sampler.prepared, planner, sampler, sampler.pace
        self._chunks, self._watch, self._cancelled = chunks, watch, cancelled

    def run(self, request: GenerationRequest, samplerate: int, model: ModelReport, loaded_s: float) -> Iterator[Event]:
        """request: settled, its clip's range in seconds. Raises ClipError, RequestError."""
        plan = self._planner.plan(request, samplerate)
        make = self._on_grid if plan.request.on_grid else self._as_it_comes
        takes, notes = yield from make(plan, samplerate)
        yield self._finished(replace(plan, notes=(*plan.notes, *notes)), takes, model, loaded_s)

    def _as_it_comes(self, plan: GenerationPlan, samplerate: int) -> Generator[Event, None, tuple[list[Take], tuple[str, ...]]]:
        request = plan.request
        tracks = [self.track(plan, number, samplerate) for number in range(1, request.variations + 1)]
        for track in tracks:
            yield from track.begin()
        for count, tokens in enumerate(self._sampler.tokens(plan, tracks[0].tokens, self._cancelled), 1):
            pushes = [partial(track.push, token) for track, token in zip(tracks, tokens, strict=True)]
            if any(track.is_due for track in tracks):
                yield from self._rendered(tracks, pushes)
            else:
                for push in pushes:
                    push()
            if count % PROGRESS_EVERY == 0:
                done_s = tracks[-1].new_frames / tracks[-1].samplerate
                yield Progress("generating", min(request.seconds, done_s), request.seconds)
        if self._cancelled():
            for track in tracks:
                yield from track.stop()
        else:
            yield from self._whole(tracks)
        grid = asked_grid(request, plan.grid)
        return [Take(track, request.seed_of(track.number), grid) for track in tracks], ()

    def _rendered(self, tracks: list[Track], calls: Sequence[Callable[[], AudioChunk | None]]) -> Iterator[AudioChunk]:
        """What the calls render, one of each track: side by side, and in the tracks' order."""
        cores = self._prepared.takes_at_once
        at_once = len(tracks) / math.ceil(len(tracks) / cores)

        def render(track: Track, call: Callable[[], AudioChunk | None]) -> AudioChunk | None:
            with self._pace.rendering(track.windows_s, at_once):
                return call()

        chunks = in_turn([partial(render, track, call) for track, call in zip(tracks, calls, strict=True)], cores)
        yield from (chunk for chunk in chunks if chunk is not None)

    def _whole(self, tracks: list[Track]) -> Iterator[AudioChunk]:
        """The rest of each, a chunk of each at a time."""
        rests = [track.finish() for track in tracks]
        has_more = True
        while has_more:
            has_more = False
            for chunk in self._rendered(tracks, [partial(next, rest, None) for rest in rests]):
                has_more = True
                yield chunk

    def _on_grid(self, plan: GenerationPlan, samplerate: int) -> Generator[Event, None, tuple[list[Take], tuple[str, ...]]]:
        """Each variation once it is whole and measured. What is off its grid, or a loop whose beginning stands out from its
        end, is made again, with the next seeds that are free.
        """
        request, notes = plan.request, []
        takes = yield from self._held(plan, samplerate)
        next_seed = request.seed_of(request.variations + 1)
        for place, first in enumerate(takes):
            best, rolls = first, 1
            while best.rank > FAULTLESS and rolls < ROLLS and not self._cancelled():
                again = replace(plan, request=replace(request, seed=next_seed, variations=1))
                next_seed, rolls = (next_seed + 1) % 2**31, rolls + 1
                (other,) = yield from self._held(again, samplerate)
                if not self._cancelled() and other.rank < best.rank:
                    best = other
            best.rolls, takes[place] = rolls, best
            if first.rank > FAULTLESS:
                notes.append(roll_note(first, best))
            yield from best.go(place + 1)
        return takes, tuple(notes)

    def _held(self, plan: GenerationPlan, samplerate: int) -> Generator[Event, None, list[Take]]:
        """Takes with all their chunks, measured. Only progress goes out."""
        chunks: list[AudioChunk] = []
        run = self._as_it_comes(plan, samplerate)
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

    def track(self, plan: GenerationPlan, number: int, samplerate: int) -> Track:
        """Of one variation, numbered from 1."""
        request, source = plan.request, None
        if plan.clip is not None:
            tokens, repeated = plan.context.clip_tokens, request.join == "append"
            source = Source(plan.clip.prefix, tokens, repeated, plan.gain_db, plan.looped)
        frames = request.frames(samplerate)
        how: TrackOptions = {
            "frames": frames, "number": number, "clock": self._watch,
            "fade_s": 0.0 if request.loop else PIECE_FADE_S if request.bars is None else LOOP_FADE_S,
            "lead_in": plan.lead_in, "width": request.width,
            "target_lufs": TARGET_LUFS + SECTION_LU.get(request.section, 0.0),
            "usual_lufs": USUAL_DRUMLESS_LUFS if excludes_drums(plan.words.text) else USUAL_LUFS,
            # Bars may be played as a loop, whose end is as loud as its beginning.
            "piece_s": request.seconds if request.bars is None else None,
            "dies_away": frames - round(request.bar_s(request.bars - 1) * samplerate)
            if request.bars and request.arrangement else 0,
            "loop_bar": frames // request.bars if request.loop and request.bars else 0,
        }  # fmt: skip
        if plan.timbre == "clip" and source is not None:  # what the model plays is compared, not played: the fast path is enough
            return ClipTrack(
                FastRenderer(self._prepared), self._chunks, source=source, grid=plan.grid, stretch=plan.stretch,
                samplerate=samplerate, **how
            )
        movable = request.on_grid and source is None
        renderer = renderer_for(self._prepared, request, request.seed_of(number), self._cancelled)
        return (MovableTrack if movable else Track)(renderer, self._chunks, source=source, stretch=plan.stretch, **how)

    def _finished(self, plan: GenerationPlan, takes: list[Take], model: ModelReport, loaded_s: float) -> Finished:
        reports = [partial(variation_report, plan, take) for take in takes]
        first, variations = takes[0].track, tuple(side_by_side(reports, self._prepared.runtime.threads))
        seconds = first.new_frames / first.samplerate
        report = generation_report(plan, variations, model, seconds, first.first_chunk_s, loaded_s, self._watch())
        first_s = max(0.0, first.first_chunk_s - loaded_s) if first.first_chunk_s else 0.0
        token_rate = first.tokens / first.made * first.samplerate
        report = replace(report, pace=self._pace.summary(first_s, seconds, token_rate, first.margins_s, len(takes)))
        stopped = any(take.track.new_frames < take.track.wanted for take in takes)
        return Finished(first.frames, first.samplerate, stopped, report)
