"""Request → words, time span and section: what a model is told of tempo and key, wherever they were stated."""

import dataclasses

import numpy as np
import pytest
import soundfile
import torch
from tokenizers import Tokenizer

from engine.api import SECTIONS, GenerationRequest, ModelError, RequestError
from engine.checkpoints.checkpoint import load_checkpoint
from engine.conditioning import (
    MAX_TEXT_TOKENS,
    asked_beats,
    asked_bpm,
    asked_key,
    build_condition,
    caption,
    denied_last,
    grids,
    load_text_encoder,
    nearest,
    read_words,
    refused_words,
    usual_bpm,
)
from engine.config import LanguageModelConfig
from engine.continuation.clip import read_clip
from engine.corpus.styles import STYLES
from engine.models.language_model import SECTION_ROWS
from engine.music.analysis import measure_bpm
from engine.music.grid import Grid
from engine.training.sketch import SKETCH
from tests import synthetic
from tests.tiny_model import TINY, write_tiny_model

RATE = TINY.wavtokenizer.sample_rate
ONSET_ERROR_S = 0.0105  # a window of the onsets' envelope: so much too early is a click taken to be (`ONSET_LAG`)


@pytest.mark.parametrize(
    ("prompt", "bpm", "expected"),
    [
        ("dub techno, 124 bpm", None, 124),
        ("at 97.5BPM", None, 97.5),
        ("a 90-bpm ballad", None, 90),
        ("124 bpm", 90, 90),
        ("house", None, None),
        ("124 beats", None, None),
        ("808 drums, 999 bpm", None, None),
    ],
)
def test_tempo_is_read_from_field_or_prompt(prompt, bpm, expected):
    assert asked_bpm(GenerationRequest(prompt=prompt, bpm=bpm)) == expected


@pytest.mark.parametrize(
    ("prompt", "key", "expected"),
    [
        ("house in A minor", None, (9, "minor")),
        ("f# Major, slow", None, (6, "major")),
        ("B♭ maj", None, (10, "major")),
        ("house in A minor", "C major", (0, "major")),
        ("minor techno", None, None),
        ("bass in minor", None, None),
    ],
)
def test_key_is_read_from_field_or_prompt(prompt, key, expected):
    assert asked_key(GenerationRequest(prompt=prompt, key=key)) == expected


@pytest.mark.parametrize(
    ("request_fields", "beats"),
    [
        ({"prompt": "house"}, 4),
        ({"prompt": "a slow Waltz"}, 3),
        ({"prompt": "jazz in 3/4 time"}, 3),
        ({"prompt": "three-four swing"}, 3),
        ({"prompt": "folk in three four"}, 3),
        ({"prompt": "13/4 drums"}, 4),
        ({"prompt": "drums in 3/48"}, 4),
        ({"prompt": "waltz", "beats_per_bar": 6}, 6),
        ({"prompt": "house", "beats_per_bar": 3}, 3),
        ({"prompt": "waltz", "bars": 8, "bpm": 120}, 4),  # as long as asked: bars must not mean two things
        ({"prompt": "waltz", "bars": 8, "bpm": 120, "beats_per_bar": 3}, 3),
    ],
)
def test_metre_is_read_from_the_prompt_where_no_field_says_it(request_fields, beats):
    assert asked_beats(GenerationRequest(**request_fields)) == beats


@pytest.mark.parametrize(
    ("prompt", "bpm"),
    [
        ("Dub Techno, warm", 121), ("techno", 131), ("some dub", 118), ("techno with a dub techno bass", 121), ("zither", None),
        ("techno or house", 131), ("", None),
    ],
)  # fmt: skip
def test_a_style_brings_its_usual_tempo(prompt, bpm):
    usual = (("house", 123.0), ("techno", 131.0), ("dub techno", 121.0), ("dub", 118.0))
    assert usual_bpm(prompt, usual) == bpm
    assert usual_bpm(prompt, (*usual, ("", 100.0))) == (bpm or 100.0)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("house, 124 bpm, no drums", "house, 124 bpm, drums"), ("Drumless swing", "drums swing"),
        ("house without Piano", "house Piano"), ("funk, no drums, no bass", "funk, drums, bass"), ("house, drums", None),
        ("no vocals", None), ("", None),
        ("nodrums", None), ("no drumsticks", None), ("piano, no kidding", None),
    ],
)  # fmt: skip
def test_what_is_denied_is_refused_where_the_model_knows_it(words, asked):
    assert refused_words(words, ("drums", "bass", "piano")) == asked
    assert refused_words(words, ()) is None


@pytest.mark.parametrize(
    ("words", "reordered"),
    [
        ("house, no drums, 120 bpm, A minor", "house, 120 bpm, A minor, no drums"), ("Drumless house", "house, Drumless"),
        ("a beat without drums at 90 bpm", "a beat at 90 bpm without drums"), ("no drums", "no drums"),
        ("no bass, funk, no drums, 98 bpm", "funk, 98 bpm, no bass, no drums"), ("house, drums", "house, drums"),
        ("house in A minor no drums", "house in A minor no drums"), ("dub, A minor, no drums", "dub, A minor, no drums"),
        ("no vocals, house", "no vocals, house"), ("", ""),
    ],
)  # fmt: skip
def test_what_is_denied_is_said_last_so_that_the_rest_stands_alike_in_both_hearings(words, reordered):
    assert denied_last(words, ("drums", "bass")) == reordered
    assert denied_last(words, ()) == words


def test_the_key_of_what_is_denied_stands_where_it_is_refused_too():
    ids = {word: number for number, word in enumerate(["house", "no", "drums", "A", "minor"], 2)}
    encode = lambda text: [ids[word] for word in text.replace(",", "").split()]  # noqa: E731
    heard = read_words("house, no drums, A minor", GenerationRequest(prompt="x"), encode, ("drums",))
    assert heard.text.tolist() == [[ids[word] for word in ("house", "A", "minor", "no", "drums")]]
    assert heard.refused.tolist() == [[ids[word] for word in ("house", "A", "minor", "drums")] + [0]]


@pytest.mark.parametrize(
    ("words", "scale"), [("C major", 0), ("a minor house", 0), ("E Major", 4), ("house", None), ("E minor, no drums", None)]
)
def test_the_key_of_a_clip_that_goes_on_as_it_is_is_heard_as_its_scale(words, scale):
    def heard(**request):
        return read_words(words, GenerationRequest(**request), lambda text: [2], ("drums",)).scale

    assert heard(clip="a.wav") is None if scale is None else heard(clip="a.wav").tolist() == [scale]
    assert heard(prompt="x") is None


def test_what_is_denied_is_as_long_as_the_words_and_filled_up_as_in_training():
    known = {"house": 5, "no": 6, "drums": 7}
    request = GenerationRequest(prompt="x")

    def read(words):
        return read_words(words, request, lambda text: [known[word] for word in text.split()], ("drums",))

    denying = read("house no drums")
    assert denying.text.tolist() == [[5, 6, 7]] and denying.refused.tolist() == [[5, 7, 0]]
    assert read("house drums").refused is None


def test_sketch_knows_a_usual_tempo_for_every_style_and_every_other_word():
    for style in STYLES:
        for word in (style.name, *style.synonyms):
            low, high = style.bpm
            assert low < usual_bpm(f"Warm {word.title()} in A minor", SKETCH.usual_bpm) < high, word
    assert usual_bpm("zither", SKETCH.usual_bpm) == 120.0


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


def heard_grid(folder, audio, **request):
    """The most obvious one."""
    request, clip = clip_of(folder, audio, **request)
    return next(iter(grids(request, TINY, clip)), None)


@pytest.mark.parametrize(("bpm", "bars"), [(124.0, 4), (97.0, 3), (139.0, 5)])
def test_a_loop_goes_on_at_its_exact_tempo_and_in_the_middle_of_its_phrase(tmp_path, bpm, bars):
    loop = synthetic.clicks(bpm, bars * 4 * 60 / bpm, rate=RATE)
    found = heard_grid(tmp_path, loop)
    assert found.bpm == pytest.approx(bpm, rel=2e-5)  # one sample in so many
    assert found.beats_per_bar == 4 and found.beat == pytest.approx(4 * bars, abs=ONSET_ERROR_S * bpm / 60)


@pytest.mark.parametrize(("seconds", "late"), [(8.6, 0.1), (8.0, 0.0)])
def test_beats_stay_where_they_are_heard_but_a_loop_is_cut_on_its_downbeat(tmp_path, seconds, late):
    """A tenth of a beat before one: as much later comes every downbeat of what follows. A chord that swells seems later, too."""
    loop = synthetic.clicks(120, seconds, rate=RATE)
    there, moved = (heard_grid(tmp_path, np.roll(loop, round(beats * 0.5 * RATE))) for beats in (0.0, 0.1))
    assert moved.beat == pytest.approx(there.beat - late, abs=0.01) and moved.bpm == pytest.approx(there.bpm)


def test_what_is_no_loop_goes_on_at_its_measured_tempo(tmp_path):
    """Two bars and a half: the length says nothing of the tempo."""
    request, clip = clip_of(tmp_path, synthetic.clicks(124, 2.5 * 4 * 60 / 124, rate=RATE))
    found = grids(request, TINY, clip)[0]
    assert found.bpm == measure_bpm(clip.prefix.mean(1), RATE) == pytest.approx(124, rel=0.01)
    assert found.beat == pytest.approx(10, rel=0.01)


def test_a_place_inside_the_clip_is_counted_from_its_beginning(tmp_path):
    loop = synthetic.clicks(120, 8.0, rate=RATE)
    found = heard_grid(tmp_path, loop, from_s=6.25, join="new")
    assert found.bpm == pytest.approx(120, rel=1e-4) and found.beat == pytest.approx(12.5, abs=2 * ONSET_ERROR_S)


@pytest.mark.parametrize(
    ("prompt", "begins"),
    [("drums", True), ("dub with Drums", True), ("no drums", True), ("drumless", True), ("", False), ("dub", False)],
)
def test_a_phrase_begins_where_words_say_what_plays_beside_a_clip(tmp_path, prompt, begins):
    """Five bars into a clip, and the third beat of its fourth bar, from which it is less far to the bar line that follows."""
    config = dataclasses.replace(TINY, deniable=("drums",))
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
    assert heard_grid(tmp_path, audio, prompt="techno", **request_fields) is None


@pytest.mark.parametrize("bpm", [87.0, 97.0, 124.0])
def test_a_loop_of_one_bar_is_measured_as_it_goes_round(tmp_path, bpm):
    assert heard_grid(tmp_path, synthetic.clicks(bpm, 240 / bpm, rate=RATE)).bpm == pytest.approx(bpm, rel=2e-5)


def test_a_model_without_a_sense_of_time_has_no_grid(tmp_path):
    released = dataclasses.replace(
        TINY, language_model=dataclasses.replace(TINY.language_model, clocks_per_bar=0, bars_per_phrase=0)
    )
    assert LanguageModelConfig().clocks_per_bar == 0
    request, clip = clip_of(tmp_path, synthetic.clicks(124, 8.0, rate=RATE), bpm=124)
    assert grids(request, released) == grids(request, released, clip) == []


@pytest.mark.parametrize(
    ("request_fields", "bpm", "words"),
    [
        ({"prompt": "dub techno"}, 121.0, "dub techno, 121 bpm"),
        ({"prompt": "dub techno"}, 120.6, "dub techno, 121 bpm"),  # whole, as captions in training
        ({"prompt": "dub techno, 124.5 bpm"}, 124.5, "dub techno, 124.5 bpm"),
        ({"prompt": "dub techno", "bpm": 124.5}, 124.5, "dub techno, 124.5 bpm"),
        ({"prompt": "dub techno, 90 bpm", "bpm": 124}, 124.0, "dub techno, 124 bpm"),
        ({"prompt": "999 bpm gabber"}, 120.0, "120 bpm gabber"),  # which is the tempo it will have
        ({"prompt": "", "clip": "x.wav"}, 98.4, "98 bpm"),
        ({"prompt": "house", "key": "A minor"}, 123.0, "house, 123 bpm, A minor"),
    ],
)
def test_the_words_say_the_tempo_of_the_grid(request_fields, bpm, words):
    assert caption(GenerationRequest(**request_fields), grid=Grid(bpm)) == words


def test_the_grids_tempo_too_is_heard_as_the_nearest_with_a_word():
    assert caption(GenerationRequest(prompt="house"), (90, 120, 125), Grid(123.0)) == "house, 125 bpm"


@pytest.mark.parametrize(
    ("request_fields", "words"),
    [
        ({"prompt": " dub techno "}, "dub techno"),
        ({"prompt": "dub techno", "bpm": 124}, "dub techno, 124 bpm"),
        ({"prompt": "dub techno, 90 bpm", "bpm": 124.5}, "dub techno, 124.5 bpm"),
        ({"prompt": "dub techno", "bpm": 124, "key": "A minor"}, "dub techno, 124 bpm, A minor"),
        ({"prompt": "dub techno in A minor", "key": "A minor"}, "dub techno in A minor"),
        ({"prompt": "", "clip": "x.wav", "bpm": 90}, "90 bpm"),
        ({"prompt": "", "clip": "x.wav"}, ""),
    ],
)
def test_caption_holds_what_fields_state_and_states_it_once(request_fields, words):
    assert caption(GenerationRequest(**request_fields)) == words


def test_a_model_hears_the_nearest_tempo_it_has_a_word_for():
    assert caption(GenerationRequest(prompt="house, 123 bpm"), (90, 120, 125)) == "house, 125 bpm"
    assert caption(GenerationRequest(prompt="house", bpm=60), (90, 120, 125)) == "house, 90 bpm"
    assert nearest(105.1, (90, 120)) == 120


@pytest.mark.parametrize("section", SECTIONS)
def test_condition_carries_the_span_and_the_section_as_in_training(section):
    condition = build_condition([5, 6], GenerationRequest(prompt="x", duration_s=12, section=section))
    assert condition.text.tolist() == [[5, 6]] and condition.section.tolist() == [[SECTION_ROWS[section]]]
    assert condition.time_start.tolist() == [[0.0]] and condition.time_end.tolist() == [[12.0]]


def test_a_part_of_a_longer_piece_keeps_its_place():
    part = GenerationRequest(prompt="x", bars=4, bpm=120, time_start_s=30)
    assert build_condition([1], part).time_end.tolist() == [[38.0]]
    assert build_condition([1], dataclasses.replace(part, time_end_s=90)).time_end.tolist() == [[90.0]]


def test_sections_have_rows_of_their_own():
    assert len({SECTION_ROWS[s] for s in SECTIONS}) == len(SECTIONS)


def test_a_prompt_too_long_for_the_model_is_refused():
    request = GenerationRequest(prompt="x")
    assert build_condition([1] * MAX_TEXT_TOKENS, request).text.shape == (1, MAX_TEXT_TOKENS)
    with pytest.raises(RequestError, match=f"{MAX_TEXT_TOKENS + 1} tokens long"):
        build_condition([1] * (MAX_TEXT_TOKENS + 1), request)


def test_text_is_encoded_by_the_models_own_tokenizer(tmp_path):
    encode = load_text_encoder(load_checkpoint(write_tiny_model(tmp_path)))
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert encode("dub") == tokenizer.encode("dub").ids == [2]
    assert encode("zither") == [1]  # unknown


def test_a_broken_tokenizer_is_one_clear_error(tmp_path):
    checkpoint = load_checkpoint(write_tiny_model(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="tokenizer.json"):
        load_text_encoder(checkpoint)


def test_condition_types_are_what_the_language_model_takes():
    condition = build_condition([1], GenerationRequest(prompt="x"))
    assert condition.text.dtype == condition.section.dtype == torch.long and condition.time_end.dtype == torch.float64
