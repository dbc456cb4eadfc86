"""What is reported of a filled region and of its candidates."""

from __future__ import annotations

from dataclasses import asdict

from engine.api import CandidateReport, GenerationRequest, VariationReport
from engine.conditioning.prompt import asked_bpm, asked_key
from engine.fill.filler import Filling
from engine.fill.players import Surroundings
from engine.music.analysis import key_name
from engine.rendering.measurement import JOIN_WINDOW_S, Meter
from engine.reporting import transcribed


def report_of(around: Surroundings, one: Filling) -> VariationReport:
    """What was measured of it, and of both its joins."""
    region, plan = around.region, around.plan
    window, rate = round(JOIN_WINDOW_S * region.samplerate), region.samplerate
    meter, exit_meter = Meter(rate), Meter(rate)
    if len(region.before):
        meter.add_source(region.before[-window:])
    meter.add(one.audio)
    exit_meter.add_source(one.audio[-window:])
    exit_meter.add(region.after[:window])
    bpm, key = meter.music(near_bpm=asked_bpm(plan.request))
    entry = meter.join() if len(region.before) else None
    leaving = exit_meter.join() if len(region.after) else None
    stated_key = asked_key(plan.request)
    return VariationReport(
        seed=plan.request.seed_of(one.number),
        frames=len(one.audio),
        level_db=round(meter.level_db, 1),
        peak=round(meter.peak, 3),
        bpm=None if bpm is None else round(bpm, 2),
        key=None if key is None else key_name(key),
        join_level_db=None if entry is None else entry.level_db,
        join_click_db=None if entry is None else entry.click_db,
        exit_level_db=None if leaving is None else leaving.level_db,
        exit_click_db=None if leaving is None else leaving.click_db,
        cuts=one.cuts,
        timbre=plan.timbre,
        from_s=round(region.begin / rate, 9),
        to_s=round(region.end / rate, 9),
        clip_s=round(region.total / rate, 6),
        asked_bpm=asked_bpm(plan.request) or None,
        asked_key=None if stated_key is None else key_name(stated_key),
        **(transcribed(meter, plan.grid, stated_key) if plan.request.midi and plan.grid and len(one.audio) else {}),
    )


def candidate_report(request: GenerationRequest, one: Filling) -> CandidateReport:
    assert one.exit is not None
    measured = {name: round(value, 4) for name, value in asdict(one.exit).items()}
    return CandidateReport(seed=request.seed_of(one.number), score=round(one.score, 4), **measured)
