"""Words for a piece: they say the facts, in many ways, and the small tokenizer knows them."""

import numpy as np
import pytest

from engine.api import GenerationRequest
from engine.conditioning.prompt import asked_bpm, asked_key
from engine.corpus.captions import NO_DRUMS, caption, short_caption
from engine.training.vocabulary import build, caption_sample

FACTS = {
    "style": "dub techno", "synonyms": ["deep dub techno", "dub"], "mood": "foggy", "key": 10, "mode": "minor", "bpm": 120.4819,
    "beats": 4, "instruments": {"bass": "sub bass", "chords": "polysynth", "pad": "warm pad", "drums": "drums"},
    "sections": [{"layers": ["bass", "chords", "drums"]}, {"layers": ["pad"]}],
}  # fmt: skip


def captions(layers, count=300, facts=FACTS):
    rng = np.random.default_rng(0)
    return [caption(facts, layers, rng) for _ in range(count)]


def test_most_captions_say_style_tempo_and_key_and_none_says_another():
    texts = captions(["bass", "chords", "drums"])
    assert np.mean(["dub" in text for text in texts]) > 0.75
    tempi, keys = ([f(GenerationRequest(prompt=text)) for text in texts] for f in (asked_bpm, asked_key))
    assert set(tempi) <= {120.0, None} and tempi.count(120.0) > 0.75 * len(texts)
    assert set(keys) <= {(10, "minor"), None} and keys.count((10, "minor")) > 0.75 * len(texts)
    assert any("Bb" in text for text in texts) and any("A#" in text for text in texts)


def test_there_are_many_phrasings():
    texts = captions(["bass", "chords", "drums"])
    assert len(set(texts)) > 100
    assert any(" with " in text for text in texts) and any(text.count(",") >= 4 for text in texts)
    assert len({text.split(",")[0] for text in texts}) > 20


def test_only_what_plays_is_named():
    playing = " ".join(captions(["bass", "chords", "drums"]))
    assert "sub bass" in playing and "polysynth" in playing and "warm pad" not in playing
    for text in captions(["pad"]):
        assert "sub bass" not in text and "polysynth" not in text


def test_no_drums_is_said_where_there_are_none():
    without = [any(w in text for w in ("no drums", "without drums", "drumless")) for text in captions(["pad"])]
    assert np.mean(without) > 0.9
    assert not any("no drums" in text or "drumless" in text for text in captions(["bass", "drums"]))


@pytest.mark.parametrize("layers", [["bass", "drums"], ["drums"], ["pad"]])
@pytest.mark.parametrize("say", [caption, short_caption])
def test_whether_there_are_drums_is_always_said_where_it_is_asked(say, layers):
    rng = np.random.default_rng(0)
    for text in (say(FACTS, layers, rng, say_drums=True) for _ in range(300)):
        negated = any(words in text for words in NO_DRUMS)
        assert negated != ("drums" in layers) and (negated or "drums" in text)


@pytest.mark.parametrize("layers", [["bass", "drums"], ["drums"]])
def test_short_caption_are_tempo_and_key_and_drums_alone_have_none(layers):
    rng = np.random.default_rng(0)
    said = [set(short_caption(FACTS, layers, rng, say_drums=False).split(", ")) for _ in range(300)]
    assert set().union(*said) == {"", "120 bpm"} | ({"Bb minor"} if "bass" in layers else set())
    assert np.mean(["120 bpm" in words for words in said]) > 0.7


def test_a_build_up_is_always_reported_and_only_where_there_is_one():
    rng, words = np.random.default_rng(0), ("riser", "build-up", "buildup", "build up")
    reported = [caption(FACTS, ["bass", "drums"], rng, build_up=True) for _ in range(300)]
    assert all(any(word in text for word in words) for text in reported) and np.mean(["drop" in text for text in reported]) > 0.2
    assert len({text.split(",")[0] for text in reported}) > 15
    assert not any(word in text for word in (*words, "drop") for text in captions(["bass", "drums"]))
    built = FACTS | {"sections": [{"layers": ["bass", "drums"], "build_up": 4}]}
    assert "riser" in build(caption_sample([built], per_section=50), 64).get_vocab()


def test_the_metre_is_the_pieces_own():
    waltz = " ".join(captions(["chords"], facts=FACTS | {"beats": 3}))
    assert "3/4" in waltz and "4/4" not in waltz
