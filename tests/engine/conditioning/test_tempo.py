"""Musical times a result may keep: asked for, of a style, or measured in a clip."""

import dataclasses

import numpy as np
import pytest
import soundfile

from engine.api import GenerationRequest
from engine.conditioning.prompt import asked_beats
from engine.conditioning.tempo import grids
from engine.config import LanguageModelConfig
from engine.continuation.clip import read_clip
from engine.music.analysis import measure_bpm
from engine.music.grid import Grid
from tests import synthetic
from tests.tiny_model import TINY

RATE = TINY.wavtokenizer.sample_rate
ONSET_ERROR_S = 0.0105  # a window of the onsets' envelope: so much too early is a click taken to be (`ONSET_LAG`)


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ({"prompt": "techno"}, Grid(131.0)),
        ({"prompt": "techno, 97.5 bpm"}, Grid(97.5)),
        ({"prompt": "techno, 97.5 bpm", "bpm": 124}, Grid(124.0)),
        ({"prompt": "zither"}, Grid(90.0)),
        ({"prompt": "techno waltz"}, Grid(131.0, 3)),
        ({"prompt": "techno", "bars": 3, "bpm": 123.7, "beats_per_bar": 7}, Grid(123.7, 7)),
    ],
)
def test_a_prompt_begins_on_the_downbeat_of_its_grid(request_fields, expected):
    assert grids(GenerationRequest(**request_fields), TINY) == [expected]


def test_the_tempo_of_a_model_that_knows_no_styles():
    assert grids(GenerationRequest(prompt="techno"), dataclasses.replace(TINY, usual_bpm=())) == [Grid(120.0)]


def clip_of(folder, audio, **request):
    """The request that continues this audio (mono at 24 kHz), and the clip as the engine reads it."""
    soundfile.write(folder / "clip.wav", audio, RATE, subtype="FLOAT")
    request = GenerationRequest(clip=str(folder / "clip.wav"), context_s=10, **request)
    return request, read_clip(request, samplerate=RATE, model_samplerate=RATE, max_context_s=10)


def measured_grid(folder, audio, **request):
    """The most obvious one."""
    request, clip = clip_of(folder, audio, **request)
    return next(iter(grids(request, TINY, clip)), None)


@pytest.mark.parametrize(("bpm", "bars"), [(124.0, 4), (97.0, 3), (139.0, 5)])
def test_a_loop_goes_on_at_its_exact_tempo_and_in_the_middle_of_its_phrase(tmp_path, bpm, bars):
    loop = synthetic.clicks(bpm, bars * 4 * 60 / bpm, rate=RATE)
    found = measured_grid(tmp_path, loop)
    assert found.bpm == pytest.approx(bpm, rel=2e-5)  # one sample in so many
    assert found.beats_per_bar == 4 and found.beat == pytest.approx(4 * bars, abs=ONSET_ERROR_S * bpm / 60)


@pytest.mark.parametrize(("seconds", "late"), [(8.6, 0.1), (8.0, 0.0)])
def test_beats_stay_where_they_are_measured_but_a_loop_is_cut_on_its_downbeat(tmp_path, seconds, late):
    """A tenth of a beat before one: as much later comes every downbeat of what follows. A chord that swells seems later, too."""
    loop = synthetic.clicks(120, seconds, rate=RATE)
    there, moved = (measured_grid(tmp_path, np.roll(loop, round(beats * 0.5 * RATE))) for beats in (0.0, 0.1))
    assert moved.beat == pytest.approx(there.beat - late, abs=0.01) and moved.bpm == pytest.approx(there.bpm)


def test_what_is_no_loop_goes_on_at_its_measured_tempo(tmp_path):
    """Two bars and a half: the length says nothing of the tempo."""
    request, clip = clip_of(tmp_path, synthetic.clicks(124, 2.5 * 4 * 60 / 124, rate=RATE))
    found = grids(request, TINY, clip)[0]
    assert found.bpm == measure_bpm(clip.prefix.mean(1), RATE) == pytest.approx(124, rel=0.01)
    assert found.beat == pytest.approx(10, rel=0.01)


def test_a_place_inside_the_clip_is_counted_from_its_beginning(tmp_path):
    loop = synthetic.clicks(120, 8.0, rate=RATE)
    found = measured_grid(tmp_path, loop, from_s=6.25, join="new")
    assert found.bpm == pytest.approx(120, rel=1e-4) and found.beat == pytest.approx(12.5, abs=2 * ONSET_ERROR_S)


@pytest.mark.parametrize(
    ("prompt", "begins"),
    [("drums", True), ("dub with Drums", True), ("no drums", True), ("drumless", True), ("", False), ("dub", False)],
)
def test_a_phrase_begins_where_words_say_what_plays_beside_a_clip(tmp_path, prompt, begins):
    """Five bars into a clip, and the third beat of its fourth bar, from which it is less far to the bar line that follows."""
    config = dataclasses.replace(TINY, negatable=("drums",))
    loop, request_fields = synthetic.clicks(120, 10.0, rate=RATE), {"prompt": prompt, "bpm": 120, "join": "new"}
    for from_s, beat, beat_of_phrase in ((10.0, 20, 0), (7.25, 14.5, -1.5)):
        request, clip = clip_of(tmp_path, loop, from_s=from_s, **request_fields)
        (found,) = grids(request, config, clip)
        assert found.beat == pytest.approx(beat_of_phrase if begins else beat, abs=2 * ONSET_ERROR_S)
        assert grids(request, TINY, clip) == [found] or begins  # a model that has not learnt to


def test_other_levels_of_the_metre_begin_at_the_same_place(tmp_path):
    """Half, double and two thirds of what is measured, in four and in three: all with a downbeat where the clip begins."""
    request, clip = clip_of(tmp_path, synthetic.clicks(112, 8.0, rate=RATE))
    found = grids(request, TINY, clip)
    assert [round(g.bpm / found[0].bpm, 3) for g in found if g.beats_per_bar == 4] == [1.0, 0.5, 0.667, 1.5]  # 224 is too fast
    assert {(g.bpm, 3) for g in found if g.beats_per_bar == 4} == {(g.bpm, 3) for g in found if g.beats_per_bar == 3}
    starts = [g.beat / g.bpm for g in found]
    assert starts == pytest.approx([starts[0]] * len(starts))


@pytest.mark.parametrize("request_fields", [{"beats_per_bar": 3}, {"bars": 2, "bpm": 112}, {"prompt": "a waltz"}])
def test_an_asked_metre_stands(tmp_path, request_fields):
    request, clip = clip_of(tmp_path, synthetic.clicks(112, 8.0, rate=RATE), **request_fields)
    assert {g.beats_per_bar for g in grids(request, TINY, clip)} == {asked_beats(request)}


@pytest.mark.parametrize("request_fields", [{"bpm": 90}, {"prompt": "90 bpm"}])
def test_an_asked_tempo_stands_whatever_the_clip_plays(tmp_path, request_fields):
    request, clip = clip_of(tmp_path, synthetic.clicks(124, 8.0, rate=RATE), **request_fields)
    assert grids(request, TINY, clip) == [Grid(90.0, 4, 8.0 * 90 / 60)]
    request, clip = clip_of(tmp_path, synthetic.noise(8.0, RATE), **request_fields)
    assert grids(request, TINY, clip) == [Grid(90.0, 4, 12.0)]


@pytest.mark.parametrize(
    ("audio", "request_fields"),
    [(synthetic.noise(8.0, RATE), {}), (synthetic.clicks(124, 8.0, rate=RATE), {"from_s": 2.0})],
    ids=["noise", "too little before the join"],
)
def test_a_clip_without_a_beat_has_no_grid(tmp_path, audio, request_fields):
    """Not even its words' usual tempo, which would be another than what is heard."""
    assert measured_grid(tmp_path, audio, prompt="techno", **request_fields) is None


@pytest.mark.parametrize("bpm", [87.0, 97.0, 124.0])
def test_a_loop_of_one_bar_is_measured_as_it_goes_round(tmp_path, bpm):
    assert measured_grid(tmp_path, synthetic.clicks(bpm, 240 / bpm, rate=RATE)).bpm == pytest.approx(bpm, rel=2e-5)


def test_a_model_without_a_sense_of_time_has_no_grid(tmp_path):
    released = dataclasses.replace(
        TINY, language_model=dataclasses.replace(TINY.language_model, clocks_per_bar=0, bars_per_phrase=0)
    )
    assert LanguageModelConfig().clocks_per_bar == 0
    request, clip = clip_of(tmp_path, synthetic.clicks(124, 8.0, rate=RATE), bpm=124)
    assert grids(request, released) == grids(request, released, clip) == []
