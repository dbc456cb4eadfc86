"""What producers say, in the words the embedded model has learnt; and what it has no word for is reported."""

import re
from pathlib import Path

import pytest

from engine.checkpoints.library import EMBEDDED_MODELS
from engine.conditioning.lexicon import _lexicon, in_own_words
from engine.training.sketch import SKETCH
from engine.words import strange_words, tempo_in

WORDS = [
    word
    for line in (Path(__file__).parent / "producers_words.txt").read_text("utf-8").splitlines()
    if (word := line.partition("#")[0].strip())
]
STYLES = [word for word, _ in SKETCH.usual_bpm if word]


@pytest.fixture(scope="module")
def vocabulary():
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(EMBEDDED_MODELS / "sketch" / "tokenizer.json")).get_vocab()


@pytest.fixture(scope="module")
def spoken(vocabulary):
    known = {word for entry in vocabulary for word in re.findall(r"[^\W_]+", entry.lower())}
    return lambda prompt: in_own_words(prompt, known, STYLES)


def test_of_what_producers_say_nearly_all_is_understood(spoken, vocabulary):
    assert len(WORDS) >= 75 == len(set(WORDS[:75]))
    understood = [word for word in WORDS if (text := spoken(word).text) and not strange_words(text, vocabulary)]
    assert len(understood) / len(WORDS) >= 65 / 75, sorted({*WORDS} - {*understood})
    assert sum(not strange_words(word, vocabulary) for word in WORDS) < len(WORDS) / 2  # it is the lexicon that knows them


def test_the_lexicon_says_only_words_that_are_learnt(vocabulary):
    assert {
        learnt: strange_words(learnt, vocabulary) for learnt in _lexicon().values() if strange_words(learnt, vocabulary)
    } == {}


@pytest.mark.parametrize(
    ("prompt", "read_as"),
    [
        ("rhodes", "electric piano"),
        ("Deep House, Rhodes, 808", "Deep House, electric piano, sub bass"),
        ("acid house 124", "house, synth bass 124"),
        ("minimal house", "house"),  # the style that it is; a style more would be two
        ("gritty techno", "gritty techno"),  # known as it is
        ("warm pads at 90", "warm pad at 90"),
        ("uplifting strings, no drums", "uplifting strings, no drums"),
        ("808 drums, 140", "trap, drums, 140"),
        ("house with 909 drums", "house with drums"),
        ("bellsomething, subsidy", "bellsomething, subsidy"),  # whole words only
        ("cinematic", "atmospheric, strings"),
        ("acoustic, A minor", "clean guitar, piano, A minor"),
        ("303 line, 130", "techno, synth bass line, 130"),
    ],
)
def test_what_is_said_is_read_in_the_models_words(spoken, prompt, read_as):
    assert spoken(prompt).text == read_as
    assert tempo_in(spoken(prompt).text) == tempo_in(prompt)


def test_what_is_read_otherwise_is_reported_once_in_its_order(spoken):
    assert spoken("tr-808 kit, rhodes and more rhodes").substitutions[-1] == ("rhodes", "electric piano")
    assert spoken("house, warm").substitutions == ()


@pytest.mark.parametrize(
    ("prompt", "text", "part", "excluded"),
    [
        ("solo piano", "piano, no drums", "piano", ("bass", "strings", "pad")),
        ("jazz, solo grand piano, 90", "jazz, piano, 90, no drums", "piano", ("bass", "strings", "pad")),
        ("just rhodes, no drums", "electric piano, no drums", "electric piano", ("bass", "strings", "pad")),
        ("solo sub bass", "sub bass, no drums", "sub bass", ("strings", "pad")),
        ("strings only", "strings, no drums", "strings", ("bass", "pad")),
        ("drums only, techno", "drums, techno", "drums", ("bass", "strings", "pad")),
        ("jazz with a piano solo", "jazz with a piano solo", None, ()),  # in a band
    ],
)
def test_solo_means_that_nothing_else_plays(spoken, prompt, text, part, excluded):
    said = spoken(prompt)
    assert (said.text, said.solo, said.excluded) == (text, part, excluded)


@pytest.mark.parametrize(
    ("prompt", "text", "excluded"),
    [
        ("house, no bass", "house", ("bass",)),
        ("house without a piano, 120 bpm", "house, 120 bpm", ("piano",)),
        ("house, no drums", "house, no drums", ()),  # as the model has learnt it
        ("ambient, no strings, no drums", "ambient, no drums", ("strings",)),
    ],
)
def test_a_part_that_is_excluded_is_not_asked_for(spoken, prompt, text, excluded):
    assert (spoken(prompt).text, spoken(prompt).excluded) == (text, excluded)


def test_a_model_that_has_not_learnt_a_word_is_not_given_it():
    assert in_own_words("rhodes, 808", {"piano", "house"}).text == "rhodes, 808"
