"""What is reported of a generation: its metre, its speed without the loading of the model, and measurements or nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import soxr

from engine.api import GenerationRequest, VariationReport
from engine.conditioning.drawn import Drawn
from engine.conditioning.plan import Sampling
from engine.evaluation.note_scores import score_times
from engine.music.drums import RATE, detect_drums
from engine.music.grid import Grid
from engine.rendering.track import Track
from engine.reporting import generation_report, variation_report
from tests.engine.conftest import run
from tests.reports import MODEL


def plan(grid=None, **request):
    request = GenerationRequest("dub, A minor", seed=7, **request)
    words = SimpleNamespace(caption="dub, A minor")
    return SimpleNamespace(
        request=request, sampling=Sampling(7, 3.0, 50, 1.0), words=words, grid=grid, notes=("a note",), clip=None, timbre="model",
        drawn=lambda seed: Drawn(mood="warm") if seed == 8 else Drawn(),
    )  # fmt: skip


def report(plan, new_s=4.0, first_chunk_s=2.5):
    return generation_report(plan, (VariationReport(7, 96_000),), MODEL, new_s, first_chunk_s, loaded_s=2.0, elapsed_s=5.0)


def test_speed_leaves_out_the_loading_of_the_model():
    made = report(plan())
    assert (made.rtf, made.elapsed_s, made.first_chunk_s, made.new_s) == (0.75, 5.0, 2.5, 4.0)
    nothing = report(plan(), new_s=0.0, first_chunk_s=None)
    assert (nothing.rtf, nothing.first_chunk_s) == (0.0, 5.0)


def test_the_metre_is_the_one_that_was_kept():
    asked = report(plan(Grid(124.0, 3.5), beats_per_bar=7, beat_unit=8))
    assert (asked.beats_per_bar, asked.beat_unit, asked.grid_bpm) == (7, 8, 124.0)
    measured = report(plan(Grid(124.0, 3)))
    assert (measured.beats_per_bar, measured.beat_unit) == (3, 4)
    assert report(plan()).grid_bpm is None


def test_of_a_variation_without_a_beat_nothing_is_made_up():
    renderer = SimpleNamespace(samplerate=24_000, token_rate=50.0, lookahead=0, left=0)
    track = Track(renderer, SimpleNamespace(sizes=lambda rate: iter([25])), frames=24_000, fade_s=0.0)
    track.meter.add(np.zeros((24_000, 1), np.float32))
    take = SimpleNamespace(track=track, seed=8, grid=None, moved_s=0.0, rolls=1, round=None)
    made = variation_report(plan(bpm=124.0), take)
    assert (made.seed, made.asked_bpm, made.asked_key) == (8, 124.0, "A minor") and made.level_db == -120.0
    assert made.drawn == "warm"
    assert {made.bpm, made.key, made.grid_confidence, made.join_click_db, made.cuts, made.timbre, made.clip_s} == {None}


@pytest.mark.parametrize("field", ["seed", "guidance", "top_k", "temperature"])
def test_sampling_is_reported_as_it_was(field):
    assert getattr(report(plan()), field) == getattr(plan().sampling, field)


@pytest.mark.parametrize("how", ["plain", "loop", "append"])
def test_strokes_are_on_the_time_line_of_what_went_out(engine, model, loop, how):
    """Whether it was moved onto its grid, led to its beginning, or goes on from a clip: then from where that ends."""
    asked = {"plain": {}, "loop": {"loop": True}, "append": {"clip": str(loop), "timbre": "model"}}[how]
    audio, finished, _, _ = run(engine, model, prompt="drums", bars=2, bpm=120.0, decode="fast", seed=5, midi=True, **asked)
    report = finished.report.variations[0]
    new = audio[round((report.from_s or 0.0) * finished.samplerate) :].mean(1)
    expected = detect_drums(soxr.resample(new, finished.samplerate, RATE).astype(np.float32))
    reported = [float(stroke.split()[0]) for stroke in report.drums or ()]
    score = score_times(reported, [stroke.at_s for stroke in expected], 0.011)
    assert score.played >= 3 and score.f1 > 0.9


def test_nothing_is_transcribed_unless_asked(engine, model):
    _, finished, _, _ = run(engine, model, prompt="drums", bars=1, bpm=120.0, decode="fast", seed=5)
    report = finished.report.variations[0]
    assert report.chords is report.drums is report.bass is None
