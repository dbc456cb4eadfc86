"""The small tokenizer holds the captions' words whole."""

import pytest

from engine.training.vocabulary import NULL, UNKNOWN, build, caption_sample
from tests.engine.corpus.test_captions import FACTS


@pytest.fixture(scope="module")
def tokenizer():
    return build(caption_sample([FACTS], per_section=200), 64)


def test_vocabulary_holds_the_captions_words_whole(tokenizer):
    words = tokenizer.get_vocab()
    assert {"dub", "techno", "120", "bpm", "a# minor", "bb minor", "drums", "4/4", "foggy"} <= set(words)
    assert words[NULL] == 0 and words[UNKNOWN] == 1
    encoded = tokenizer.encode("Dub TECHNO, 120 bpm; A#  minor (zither)")
    assert encoded.tokens == ["dub", "techno", "120", "bpm", "a# minor", UNKNOWN]


def test_a_small_vocabulary_keeps_the_frequent_words():
    tokenizer = build(["house house house techno techno rare"], 4)
    assert set(tokenizer.get_vocab()) == {NULL, UNKNOWN, "house", "techno"}


def test_vocabulary_is_saved_and_read_again(tokenizer, tmp_path):
    from tokenizers import Tokenizer

    tokenizer.save(str(tmp_path / "tokenizer.json"))
    again = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert again.encode("dub techno, 120 bpm").ids == tokenizer.encode("dub techno, 120 bpm").ids
