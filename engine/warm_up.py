"""Warms a loaded model up and measures its pace: the first request shall not pay for allocation and kernel choice."""

from __future__ import annotations

import time
from dataclasses import replace

from engine.acceleration import PaceMeter, Prepared, Stopwatch
from engine.api import DECODE_PATHS, GenerationRequest, Pace
from engine.conditioning.plan import GenerationPlan, Planner
from engine.conditioning.prompt import asked_grid
from engine.music_job import MusicJob
from engine.rendering.on_grid import Take
from engine.rendering.track import Track
from engine.rendering.windows import ChunkPlan, renderer_for
from engine.reporting import variation_report
from engine.sampler import TokenSampler

CALIBRATION_S = 3.5  # of audio from which the pace is estimated before there was a job: enough for chunks of three lengths
SLOW_S = 1.0  # work for a first half second of audio: where that takes longer, no more is rendered only to be measured


def warm_up(prepared: Prepared, planner: Planner, chunks: ChunkPlan) -> dict[str, Pace]:
    """A few tokens and a short window of each decode path. Returns the paths' paces once they are warm."""
    paces: dict[str, Pace] = {}
    for decode in DECODE_PATHS:
        if decode == "full" and prepared.checkpoint.flow is None:
            continue
        request = planner.settle(GenerationRequest(prompt="warm up", duration_s=0.5, seed=0, guidance=3.0, decode=decode))
        renderer = renderer_for(prepared, request, request.seed_of(1))
        plan = planner.plan(request, renderer.samplerate)
        sampler = TokenSampler(prepared, PaceMeter())
        tokens = [token for (token,) in sampler.tokens(plan, round(request.seconds * renderer.token_rate))]
        begun = time.monotonic()
        _rehearse(planner, sampler, chunks, plan, renderer.samplerate, tokens)
        seconds = 2 * request.seconds if time.monotonic() - begun > SLOW_S else CALIBRATION_S
        paces[decode] = _calibrate(prepared, planner, chunks, request, renderer.samplerate, tokens, seconds)
    return paces


def _calibrate(
    prepared: Prepared, planner: Planner, chunks: ChunkPlan, request: GenerationRequest, samplerate: int, tokens: list[int],
    seconds: float,
) -> Pace:  # fmt: skip
    """The pace of a decode path once it is warm: a few tokens are made again, and so many seconds rendered of them."""
    sampler = TokenSampler(prepared, PaceMeter())
    for _ in sampler.tokens(planner.plan(request, samplerate), len(tokens)):
        pass
    longer = planner.plan(replace(request, duration_s=seconds), samplerate)
    track = _rehearse(planner, sampler, chunks, longer, samplerate, tokens)
    return sampler.pace.summary(0.0, seconds, len(tokens) / request.seconds, track.margins_s, 1)


def _rehearse(
    planner: Planner, sampler: TokenSampler, chunks: ChunkPlan, plan: GenerationPlan, samplerate: int, tokens: list[int]
) -> Track:  # fmt: skip
    """Does all that is done with tokens: renders, masters and measures these, over and over."""
    track = MusicJob(planner, sampler, chunks, Stopwatch()).track(plan, 1, samplerate)
    for place in range(track.tokens):
        with sampler.pace.rendering(track.windows_s):
            track.push(tokens[place % len(tokens)])
    for _ in sampler.pace.each(track.finish(), track.windows_s):
        pass
    variation_report(plan, Take(track, plan.request.seed_of(1), asked_grid(plan.request, plan.grid)))
    return track
