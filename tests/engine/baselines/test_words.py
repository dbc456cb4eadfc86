"""Tempo and key as words, for models that have no fields for them."""

import pytest

from engine.api import GenerationRequest
from engine.baselines.words import prompt_words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"prompt": "dub techno"}, "dub techno"),
        ({"prompt": "dub techno", "bpm": 124.0, "key": "A minor"}, "dub techno, A minor, 124 bpm"),
        ({"prompt": "dub", "bpm": 127.5}, "dub, 127.5 bpm"),
        ({"prompt": "dub in a MINOR, 124 BPM", "bpm": 124.0, "key": "A minor"}, "dub in a MINOR, 124 BPM"),
    ],
)
def test_what_was_asked_for_is_said_once(asked, words):
    assert prompt_words(GenerationRequest(**asked)) == words
