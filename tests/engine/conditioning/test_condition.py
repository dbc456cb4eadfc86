"""Words, time span and section as the tensors a language model takes."""

import dataclasses

import pytest
import torch

from engine.api import SECTIONS, GenerationRequest, RequestError
from engine.conditioning.condition import MAX_TEXT_TOKENS, build_condition, condition_of
from engine.conditioning.prompt import choose_words
from engine.models.condition import SECTION_ROWS
from tests.tiny_model import TINY

CONFIG = dataclasses.replace(TINY, negatable=("drums",), tempo_words=())


def test_the_key_stands_at_the_same_position_in_the_negative_prompt():
    ids = {word: number for number, word in enumerate(["house", "no", "drums", "A", "minor"], 2)}
    encode = lambda text: [ids[word] for word in text.replace(",", "").split()]  # noqa: E731
    request = GenerationRequest(prompt="house, no drums, A minor")
    measured = condition_of(choose_words(request, CONFIG), request, encode)
    assert measured.text.tolist() == [[ids[word] for word in ("house", "A", "minor", "no", "drums")]]
    assert measured.negative_text.tolist() == [[ids[word] for word in ("house", "A", "minor", "drums")] + [0]]


@pytest.mark.parametrize(
    ("prompt", "scale"), [("C major", 0), ("a minor house", 0), ("E Major", 4), ("house", None), ("E minor, no drums", None)]
)
def test_the_key_of_a_clip_that_goes_on_as_it_is_becomes_its_scale(prompt, scale):
    def read(**request):
        request = GenerationRequest(prompt=prompt, **request)
        return condition_of(choose_words(request, CONFIG), request, lambda text: [2]).scale

    assert read(clip="a.wav") is None if scale is None else read(clip="a.wav").tolist() == [scale]
    assert read() is None


def test_the_negative_prompt_is_as_long_as_the_text_and_filled_up_as_in_training():
    known = {"house": 5, "no": 6, "drums": 7}

    def read(words):
        request = GenerationRequest(prompt=words)
        return condition_of(choose_words(request, CONFIG), request, lambda text: [known[word] for word in text.split()])

    negated = read("house no drums")
    assert negated.text.tolist() == [[5, 6, 7]] and negated.negative_text.tolist() == [[5, 7, 0]]
    assert read("house drums").negative_text is None


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


def test_a_prompt_too_long_for_the_model_is_rejected():
    request = GenerationRequest(prompt="x")
    assert build_condition([1] * MAX_TEXT_TOKENS, request).text.shape == (1, MAX_TEXT_TOKENS)
    with pytest.raises(RequestError, match=f"{MAX_TEXT_TOKENS + 1} tokens long"):
        build_condition([1] * (MAX_TEXT_TOKENS + 1), request)


def test_condition_types_are_what_the_language_model_takes():
    condition = build_condition([1], GenerationRequest(prompt="x"))
    assert condition.text.dtype == condition.section.dtype == torch.long and condition.time_end.dtype == torch.float64
