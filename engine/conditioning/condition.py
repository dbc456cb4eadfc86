"""Words, time span and section as tensors: the language model's `Condition`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from engine.api import GenerationRequest, RequestError
from engine.conditioning.prompt import Words
from engine.models.condition import SECTION_ROWS, Condition
from engine.music.analysis import scale_of

MAX_TEXT_TOKENS = 512


def condition_of(
    words: Words, request: GenerationRequest, encode_text: Callable[[str], list[int]], length: int = 0
) -> Condition:
    """`build_condition` of words, their negative prompt and their scale. length: tokens that the text is filled up to. Raises
    RequestError.
    """
    negative = None if words.negative_prompt is None else encode_text(words.negative_prompt)
    ids = encode_text(words.text)
    ids += [0] * (max(length, 0 if negative is None else len(negative)) - len(ids))  # as shorter texts were in training
    condition = build_condition(ids, request, negative)
    return condition if words.scale_key is None else replace(condition, scale=torch.tensor([scale_of(words.scale_key)]))


def build_condition(ids: list[int], request: GenerationRequest, negative: list[int] | None = None) -> Condition:
    """One row, without musical time, which comes frame by frame (`engine.music.grid.clock`). negative: ids of a negative prompt
    that is no longer than `ids`.

    Raises RequestError when the text is too long for the model.
    """
    if len(ids) > MAX_TEXT_TOKENS:
        raise RequestError(f"the prompt is {len(ids)} tokens long: at most {MAX_TEXT_TOKENS} are allowed, shorten it")
    end = request.time_end_s if request.time_end_s is not None else request.time_start_s + request.seconds
    return Condition(
        text=torch.tensor([ids], dtype=torch.long),
        time_start=torch.tensor([[request.time_start_s]], dtype=torch.float64),
        time_end=torch.tensor([[end]], dtype=torch.float64),
        section=torch.tensor([[SECTION_ROWS[request.section]]]),
        # A shorter text is filled up as shorter ones were in training.
        negative_text=None if negative is None else torch.tensor([negative + [0] * (len(ids) - len(negative))], dtype=torch.long),
    )
