"""What came of a plan, as the reports of the engine's contract: made with what, how fast, and what was measured."""

from __future__ import annotations

from typing import TypedDict

from engine.api import GenerationReport, ModelReport, VariationReport
from engine.conditioning.plan import GenerationPlan
from engine.conditioning.prompt import asked_bpm, asked_key, kept_metre
from engine.music.analysis import key_name
from engine.music.grid import Grid
from engine.rendering.clip_track import ClipTrack
from engine.rendering.measurement import Meter
from engine.rendering.on_grid import SURE, Take


def generation_report(
    plan: GenerationPlan, variations: tuple[VariationReport, ...], model: ModelReport, new_s: float, first_chunk_s: float | None,
    loaded_s: float, elapsed_s: float,
) -> GenerationReport:  # fmt: skip
    """new_s: seconds of new audio. The others are seconds since the request: until the first new audio (None: there is none),
    until the model was loaded, until now.
    """
    request, sampling = plan.request, plan.sampling
    beats_per_bar, beat_unit = kept_metre(request, plan.grid)
    return GenerationReport(
        model=model,
        seed=sampling.seed,
        guidance=sampling.guidance,
        top_k=sampling.top_k,
        temperature=sampling.temperature,
        caption=plan.words.caption,
        decode=request.decode,
        width=request.width,
        new_s=round(new_s, 6),
        elapsed_s=round(elapsed_s, 3),
        first_chunk_s=round(first_chunk_s or elapsed_s, 3),
        rtf=round((elapsed_s - loaded_s) / new_s, 3) if new_s else 0.0,
        grid_bpm=round(plan.grid.bpm, 3) if plan.grid else None,
        beats_per_bar=beats_per_bar,
        beat_unit=beat_unit,
        notes=plan.notes,
        variations=variations,
    )


def variation_report(plan: GenerationPlan, take: Take) -> VariationReport:
    """What was made of one variation, and what was measured in it."""
    request, clip, track = plan.request, plan.clip, take.track
    stated_bpm, stated_key = asked_bpm(request), asked_key(request)
    bpm, key = track.meter.music(near_bpm=stated_bpm)
    if track.source is not None and not track.source.repeated:  # what is heard before it where it is placed behind its clip
        track.meter.add_source(track.source.samples)
    join = track.meter.join() if track.source is not None and track.new_frames else None
    check = track.meter.grid(take.grid) if take.grid and track.new_frames else None
    kept = check if check and check.confidence >= SURE else None
    return VariationReport(
        seed=take.seed,
        frames=track.frames,
        level_db=round(track.meter.level_db, 1),
        peak=round(track.meter.peak, 3),
        loudness_lufs=_rounded(track.meter.loudness_lufs),
        true_peak_db=_rounded(track.meter.true_peak_db),
        side_db=_rounded(track.meter.side_db),
        bpm=None if bpm is None else round(bpm, 2),
        key=None if key is None else key_name(key),
        bpm_measured=None if kept is None else round(kept.bpm, 2),
        downbeat_ms=None if kept is None else round(1000 * kept.late_s, 1),
        grid_confidence=None if check is None else round(check.confidence, 2),
        moved_ms=round(1000 * take.moved_s, 1) or None,
        rolls=take.rolls if request.on_grid else None,
        loop_gain_db=None if track.loop is None else round(track.loop.gain_db, 1),
        loop_step_db=None if take.round is None else round(take.round.step_db, 2),
        loop_change=None if take.round is None else round(take.round.change, 3),
        join_level_db=None if join is None else join.level_db,
        join_click_db=None if join is None else join.click_db,
        cuts=track.cuts if isinstance(track, ClipTrack) else None,
        timbre=None if clip is None else plan.timbre,
        from_s=None if clip is None else round(clip.from_s, 6),
        clip_s=None if clip is None else round(clip.duration_s, 6),
        clip_gain_db=round(clip.gain_db, 2) if clip is not None and clip.gain_db else None,
        asked_bpm=stated_bpm or None,
        drawn=plan.drawn(take.seed).text or None,
        asked_key=None if stated_key is None else key_name(stated_key),
        **(transcribed(track.meter, take.grid, stated_key) if request.midi and take.grid and track.new_frames else {}),
    )


class Transcription(TypedDict, total=False):
    """A variation's entries for the tracks of its MIDI file."""

    chords: tuple[str, ...] | None
    drums: tuple[str, ...] | None
    bass: tuple[str, ...] | None


def transcribed(meter: Meter, grid: Grid, key: tuple[int, str] | None) -> Transcription:
    """Of the new audio that a meter was given, which lies on `grid`. key: as asked for; as measured when None."""
    return {
        "chords": tuple(f"{start_s:.3f} {name}" for start_s, name in meter.chords(grid, key)) or None,
        "drums": tuple(f"{stroke.at_s:.3f} {'+'.join(stroke.drums)} {stroke.velocity}" for stroke in meter.drums()) or None,
        "bass": tuple(f"{note.start_s:.3f} {note.end_s:.3f} {note.pitch}" for note in meter.bass()) or None,
    }


def _rounded(measured: float | None) -> float | None:
    return None if measured is None else round(measured, 1)
