"""Warms a loaded model up and measures its pace: the first request shall not pay for allocation and kernel choice."""

from __future__ import annotations

import time
from dataclasses import replace

from engine.acceleration import Prepared, Stopwatch
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
SLOW_S = 1.0  # work for a first half second of audio: where that takes longer, it is the measurement too
STEPS_S = 0.3  # of steps from which their pace is estimated, or as many as the first half second has


def warm_up(prepared: Prepared, planner: Planner, chunks: ChunkPlan) -> dict[str, Pace]:
    """A few tokens, and a short window of each decode path. Returns the paths' paces once they are warm.

    The paths play the same tokens, which are drawn once.
    """
    paces: dict[str, Pace] = {}
    tokens: list[int] = []
    for decode in DECODE_PATHS:
        if decode == "full" and prepared.checkpoint.flow is None:
            continue
        request = planner.settle(GenerationRequest(prompt="warm up", duration_s=0.5, seed=0, guidance=3.0, decode=decode))
        renderer = renderer_for(prepared, request, request.seed_of(1))
        plan, count = planner.plan(request, renderer.samplerate), round(request.seconds * renderer.token_rate)
        sampler = TokenSampler(prepared, prepared.pace_meter())
        tokens = tokens or [token for (token,) in sampler.tokens(plan, count)]
        begun = time.monotonic()
        track = _rehearse(planner, sampler, chunks, plan, renderer.samplerate, tokens)
        if time.monotonic() - begun > SLOW_S:
            if not sampler.pace.steps:
                _step(sampler, plan, count)
            paces[decode] = sampler.pace.summary(0.0, request.seconds, count / request.seconds, track.margins_s, 1)
        else:
            paces[decode] = _calibrate(prepared, planner, chunks, request, renderer.samplerate, tokens)
    return paces


def _calibrate(
    prepared: Prepared, planner: Planner, chunks: ChunkPlan, request: GenerationRequest, samplerate: int, tokens: list[int]
) -> Pace:
    """The pace of a decode path once it is warm: a few tokens are drawn again, and CALIBRATION_S rendered of them."""
    sampler = TokenSampler(prepared, prepared.pace_meter())
    _step(sampler, planner.plan(request, samplerate), len(tokens))
    longer = planner.plan(replace(request, duration_s=CALIBRATION_S), samplerate)
    track = _rehearse(planner, sampler, chunks, longer, samplerate, tokens)
    return sampler.pace.summary(0.0, CALIBRATION_S, len(tokens) / request.seconds, track.margins_s, 1)


def _step(sampler: TokenSampler, plan: GenerationPlan, count: int) -> None:
    """Draws tokens, `count` at most, for the pace of it."""
    for _ in sampler.tokens(plan, count):
        if sampler.pace.steps_s > STEPS_S:
            break


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
