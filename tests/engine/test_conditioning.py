"""Request → words, time span and section: what a model is told of tempo and key, wherever they were stated."""

import dataclasses

import pytest
import torch
from tokenizers import Tokenizer

from engine.api import SECTIONS, GenerationRequest, ModelError, RequestError
from engine.checkpoint import load_checkpoint
from engine.conditioning import (
    MAX_TEXT_TOKENS,
    asked_bpm,
    asked_key,
    build_condition,
    caption,
    load_text_encoder,
    nearest,
)
from engine.models.language_model import SECTION_ROWS
from tests.tiny_model import write_tiny_model


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
