"""Prompts state the tempo, key and drums that they are judged by."""

import numpy as np

from engine.api import GenerationRequest
from engine.conditioning.prompt import asked_bpm, asked_key
from engine.evaluation.prompts import draw_prompts


def test_prompts_say_what_they_ask_for():
    prompts = draw_prompts(51)
    for prompt in prompts:
        request = GenerationRequest(prompt=prompt.text)
        assert asked_bpm(request) == prompt.bpm and asked_key(request) == prompt.key, prompt.text
        none = any(words in prompt.text for words in ("no drums", "without drums", "drumless"))
        assert none is not prompt.drums, prompt.text
    assert prompts == draw_prompts(51) and len({p.style for p in prompts}) == 17
    assert 0.1 < np.mean([not p.drums for p in prompts]) < 0.5
