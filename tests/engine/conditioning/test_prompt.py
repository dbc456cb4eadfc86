"""Request → caption and negative prompt: what a model reads of tempo and key, wherever they were stated."""

import dataclasses

import pytest

from engine.api import GenerationRequest
from engine.conditioning.prompt import (
    ClipDescription,
    asked_beats,
    asked_bpm,
    asked_key,
    caption,
    choose_words,
    excludes_drums,
    nearest,
    negations_last,
    negative_prompt,
    usual_bpm,
)
from engine.corpus.styles import STYLES
from engine.music.grid import Grid
from engine.training.sketch import SKETCH
from tests.tiny_model import TINY

CONFIG = dataclasses.replace(TINY, negatable=("drums",))


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("C major", (0, "major")), ("a minor house", (9, "minor")), ("E Major", (4, "major")), ("house", None),
        ("E minor, no drums", None),
    ],
)  # fmt: skip
def test_the_scale_of_the_key_is_biased_where_a_clip_goes_on_as_it_is(prompt, key):
    assert choose_words(GenerationRequest(prompt=prompt, clip="a.wav"), CONFIG).scale_key == key
    assert choose_words(GenerationRequest(prompt=prompt), CONFIG).scale_key is None


@pytest.mark.parametrize(
    ("request_fields", "described", "key"),
    [
        ({"key": "D minor"}, None, (2, "minor")),
        ({"key": "Dm"}, None, (2, "minor")),  # as the field may be written, though no caption reads like that
        ({"prompt": "house in A minor", "key": "D minor"}, None, (9, "minor")),  # as the caption says
        ({}, ClipDescription((4, "minor")), (4, "minor")),
        ({}, ClipDescription((4, "minor"), ambient=True), (4, "minor")),
        ({}, ClipDescription(), None),
    ],
)
def test_the_scale_is_a_value_and_not_read_from_the_caption(request_fields, described, key):
    assert choose_words(GenerationRequest(clip="a.wav", **request_fields), CONFIG, None, described).scale_key == key


def test_a_clip_has_no_negative_prompt_and_a_prompt_alone_has():
    alone, continued = (choose_words(GenerationRequest(prompt="no drums, house", clip=clip), CONFIG) for clip in (None, "a.wav"))
    assert (alone.caption, alone.text, alone.negative_prompt) == ("no drums, house", "house, no drums", "house, drums")
    assert (continued.caption, continued.text, continued.negative_prompt) == ("no drums, house", "no drums, house", None)


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
        ({"prompt": "waltz", "bars": 8, "bpm": 120}, 3),  # which are 24 beats, in every reader's eyes
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
def test_what_is_negated_becomes_the_negative_prompt_where_the_model_knows_it(words, asked):
    assert negative_prompt(words, ("drums", "bass", "piano")) == asked
    assert negative_prompt(words, ()) is None


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
def test_negations_come_last_so_that_the_rest_stands_at_the_same_positions_in_both_texts(words, reordered):
    assert negations_last(words, ("drums", "bass")) == reordered
    assert negations_last(words, ()) == words


def test_sketch_knows_a_usual_tempo_for_every_style_and_every_other_word():
    for style in STYLES:
        for word in (style.name, *style.synonyms):
            low, high = style.bpm
            assert low < usual_bpm(f"Warm {word.title()} in A minor", SKETCH.usual_bpm) < high, word
    assert usual_bpm("zither", SKETCH.usual_bpm) == 120.0


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


def test_the_grids_tempo_too_is_read_as_the_nearest_with_a_word():
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


def test_a_model_reads_the_nearest_tempo_it_has_a_word_for():
    assert caption(GenerationRequest(prompt="house, 123 bpm"), (90, 120, 125)) == "house, 125 bpm"
    assert caption(GenerationRequest(prompt="house", bpm=60), (90, 120, 125)) == "house, 90 bpm"
    assert nearest(105.1, (90, 120)) == 120


@pytest.mark.parametrize(
    ("words", "none"),
    [("house, no drums", True), ("waltz without drums, light", True), ("Drumless drone", True), ("house, no bass", False),
     ("house, drums", False), ("solo drums", False), ("", False)],
)  # fmt: skip
def test_words_exclude_drums_or_not(words, none):
    assert excludes_drums(words) is none
