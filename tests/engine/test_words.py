"""Tempo, metre and key as people type them, and notes on words that a model does not know."""

import pytest

from engine.api import GenerationRequest, RequestError, parse_key
from engine.conditioning.prompt import asked_key, caption
from engine.music.grid import Grid
from engine.words import find_key, in_plain_words, metre_in, name_key, notes, strange_words, tempo_in


@pytest.mark.parametrize(
    ("words", "bpm"),
    [
        ("house 124", 124), ("124, dark", 124), ("house, 97.5", 97.5), ("7/8 groove 140.", 140), ("TR 77 at 90", 90),
        ("at 60", 60),
        ("at 200", 200), ("4/4 house 128", 128), ("124 bpm or 90", 124),
        ("dub 300", None), ("at 59", None), ("808 drums", None), ("juno 106 pads", None), ("juno-60", None), ("90s house", None),
        ("80's pop", None), ("60 seconds of house", None), ("a tone of 120 Hz", None), ("124 beats", None), ("99% house", None),
        ("from 1990", None), ("64 bars", None), ("808 drums, 999 bpm", None),
    ],
)  # fmt: skip
def test_a_number_alone_is_a_tempo(words, bpm):
    assert tempo_in(words) == bpm


@pytest.mark.parametrize(
    ("words", "metre"),
    [
        ("waltz", (3, 4)), ("jazz in 3/4", (3, 4)), ("7/8 folk", (7, 8)), ("seven-eight", (7, 8)), ("a waltz in 6/8", (6, 8)),
        ("5/4", (5, 4)), ("four four", (4, 4)), ("3 / 4", (3, 4)),
        ("13/4", None), ("3/48", None), ("on 7/8/2026", None), ("1/8 notes", None), ("house", None),
    ],
)  # fmt: skip
def test_a_metre_is_read(words, metre):
    assert metre_in(words) == metre


KEYS = {
    "Amin": "A minor", "Am": "A minor", "A-moll": "A minor", "A-Dur": "A major", "8A": "A minor", "8b": "C major",
    "12B": "E major",
    "1A": "G# minor", "D dorian": "D minor", "G mixolydian": "G major", "F lydian": "F major", "F#m": "F# minor",
    "Bb": "Bb major",
    "B♭ maj": "Bb major", "cis-moll": "C# minor", "H-moll": "B minor", "B-Dur": "Bb major", "E flat major": "Eb major",
    "C sharp minor": "C# minor", "A natural minor": "A minor", "Bbmin": "Bb minor", "1d": "C major", "6m": "G# minor",
    "bm": "B minor",
    "A_min": "A minor", "c": "C major",
}  # fmt: skip


@pytest.mark.parametrize(("typed", "key"), KEYS.items())
def test_keys_as_people_type_them(typed, key):
    assert name_key(parse_key(typed)) == key
    assert caption(GenerationRequest(prompt="dub", key=typed)) == f"dub, {key}"


@pytest.mark.parametrize("typed", ["", "H minor", "13A", "0A", "Cmaj7", "minor", "A minor minor", "do re mi", 7])
def test_what_is_no_key_is_rejected(typed):
    with pytest.raises(RequestError, match="write a note"):
        parse_key(typed)


@pytest.mark.parametrize(
    ("prompt", "key", "plain"),
    [
        ("house in Am", "A minor", "house in A minor"), ("techno, 8A", "A minor", "techno, A minor"),
        ("D dorian jazz", "D minor", "D minor jazz"), ("jazz in A-moll 120", "A minor", "jazz in A minor 120 bpm"),
        ("f#min techno", "F# minor", "F# minor techno"), ("b♭ major pop", "Bb major", "Bb major pop"),
        ("i am here", None, "i am here"), ("Cmaj7 chords", None, "Cmaj7 chords"), ("bass in minor", None, "bass in minor"),
        ("a bass", None, "a bass"),
    ],
)  # fmt: skip
def test_a_prompt_is_said_in_the_models_words(prompt, key, plain):
    found = asked_key(GenerationRequest(prompt=prompt))
    assert (found and name_key(found)) == key and in_plain_words(prompt) == plain
    assert caption(GenerationRequest(prompt=prompt)) == plain


def test_the_tempo_of_the_words_is_the_grids():
    assert caption(GenerationRequest(prompt="house 124"), grid=Grid(124.0)) == "house 124 bpm"
    assert caption(GenerationRequest(prompt="house 124", bpm=90), grid=Grid(90.0)) == "house 90 bpm"


def test_another_key_than_was_written_is_reported():
    assert notes("jazz in D dorian", None, []) == ["the key D dorian is played as D minor"]
    assert notes("jazz", "8A", []) == ["the key 8A is played as A minor"]
    assert notes("jazz in A minor", None, []) == notes("jazz", "A minor", []) == notes("jazz", None, []) == []


def test_words_without_a_meaning_are_reported_once_with_the_nearest():
    known = ["guitar", "drums", "a minor", "house", "no", "<unknown>", "120"]
    assert strange_words("Guitarr house, zither and zither in Am, no drums, 124", known) == [
        ("guitarr", "guitar"),
        ("zither", None),
    ]
    reported = "the model has no word for guitarr (the nearest it has is guitar), zither"
    assert notes("x", None, [("guitarr", "guitar"), ("zither", None)]) == [reported]


def test_bars_take_their_tempo_and_their_metre_from_the_prompt():
    assert GenerationRequest(prompt="house, 125 bpm", bars=8).seconds == pytest.approx(8 * 4 * 60 / 125)
    waltz = GenerationRequest(prompt="waltz 120", bars=8)
    assert (waltz.bpm, waltz.beats_per_bar, waltz.beat_unit, waltz.seconds) == (120, 3, 4, 12.0)
    odd = GenerationRequest(prompt="folk in 7/8", bars=4, bpm=140)
    assert odd.quarters_per_bar == 3.5 and odd.seconds == pytest.approx(4 * 3.5 * 60 / 140)
    with pytest.raises(RequestError, match="bars needs bpm.*prompt"):
        GenerationRequest(prompt="house", bars=8)
    assert GenerationRequest(clip="a.wav", bars=8).bpm is None  # until it is measured


@pytest.mark.parametrize(("beats", "unit"), [(4, 3), (4, 32), (16, 2), (4, 1)])
def test_a_metre_that_cannot_be_is_rejected(beats, unit):
    with pytest.raises(RequestError, match="beat_unit|metre"):
        GenerationRequest(prompt="x", beats_per_bar=beats, beat_unit=unit)


def test_find_key_says_where_it_stands():
    key, found = find_key("dub in Bbm, slow")
    assert name_key(key) == "Bb minor" and found[0] == "Bbm"
