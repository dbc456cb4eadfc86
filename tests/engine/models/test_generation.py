"""Tokens drawn step by step: as the full forward has them, batched, rewound, cancelled, at a fixed seed."""

import dataclasses

import pytest
import torch

from engine.models import sampling
from engine.models.generation import Decoder, Generation
from tests.engine.models.small_language_model import (
    CLOCKED,
    OURS,
    TINY,
    build,
    some_clock,
    some_condition,
    some_tokens,
    tokens_of,
    with_clock,
)


@pytest.mark.parametrize("config", [TINY, OURS], ids=["noise", "null"])
@pytest.mark.parametrize("given", [0, 4, 9])
@pytest.mark.parametrize("blocked", [True, False])
@torch.inference_mode()
def test_steps_equal_the_full_forward(config, blocked, given, monkeypatch):
    """With a prompt (`given` of it a clip), two sections, three pieces at once, in both layouts of the weights."""
    monkeypatch.setattr("engine.models.packed.BLOCKED_WEIGHTS", 0 if blocked else 10**9)
    model, condition = build(config), some_condition(3, sections=2)
    prompt, audio, noise = some_tokens(3, 9), some_tokens(3, 12, seed=8), torch.rand(3, 6, 32)
    generation = Decoder(model).start(condition, audio_prompt=prompt, given=given, max_tokens=12, guidance=2.5, noise=noise)
    stepped = torch.stack([generation.step(None)] + [generation.step(tokens) for tokens in audio.T], dim=1)

    seen_by_negative = torch.zeros_like(prompt) if config is TINY else prompt[:, given:]
    negative = torch.ones(3, dtype=torch.bool)
    rows = [
        model(model.embed_condition(condition, torch.cat([prompt, audio], dim=1))),
        model(model.embed_condition(condition, torch.cat([seen_by_negative, audio], dim=1), negative, noise)),
    ]
    expected = sampling.guide(*(row[:, -13:] for row in rows), 2.5)
    torch.testing.assert_close(stepped, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("given", [0, 9])
@pytest.mark.parametrize("guidance", [2.5, 1.0])
@pytest.mark.parametrize("config", [TINY, OURS], ids=["noise", "null"])
@torch.inference_mode()
def test_a_negative_prompt_takes_most_of_what_guidance_adds(config, guidance, given):
    model, condition = build(config), some_condition(3, sections=2)
    prompt, audio, noise = some_tokens(3, 9), some_tokens(3, 12, seed=8), torch.rand(3, 6, 32)
    away = dataclasses.replace(condition, text=condition.text.flip(1))
    denying = dataclasses.replace(condition, negative_text=away.text)
    generation = Decoder(model).start(denying, audio_prompt=prompt, given=given, max_tokens=12, guidance=guidance, noise=noise)
    stepped = torch.stack([generation.step(None)] + [generation.step(tokens) for tokens in audio.T], dim=1)

    seen_by_negative = torch.zeros_like(prompt) if config is TINY else prompt[:, given:]
    negative, whole = torch.ones(3, dtype=torch.bool), torch.cat([prompt, audio], dim=1)
    asked, negated_words = (model(model.embed_condition(text, whole))[:, -13:] for text in (condition, away))
    nothing = model(model.embed_condition(condition, torch.cat([seen_by_negative, audio], dim=1), negative, noise))[:, -13:]
    third = (1 + guidance) / 3
    led = asked if guidance == 1.0 else nothing + third * (asked - nothing)
    expected = led + third * (asked - negated_words)
    torch.testing.assert_close(stepped, expected, atol=5e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_model_without_key_profiles_ignores_a_scale():
    model, condition = build(OURS), some_condition()
    plain, with_bias = (
        Decoder(model).start(c, max_tokens=1).step() for c in (condition, dataclasses.replace(condition, scale=torch.tensor([3])))
    )
    assert torch.equal(plain, with_bias)


@torch.inference_mode()
def test_guidance_of_one_is_the_conditional_row_alone():
    model, condition = build(OURS), some_condition()
    generation = Decoder(model).start(condition, max_tokens=1, guidance=1.0)
    assert generation.cache.layers[0].shape[1] == 1
    torch.testing.assert_close(generation.step(), model(model.embed_condition(condition))[:, -1], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_room_reserved_changes_nothing():
    decoder, condition = Decoder(build(OURS)), some_condition()
    small, large = (decoder.start(condition, max_tokens=room) for room in (5, 5000))
    for token in some_tokens(1, 5).T:
        assert torch.equal(small.step(token), large.step(token))
    with pytest.raises(AssertionError, match="full"):
        small.step(token)


@torch.inference_mode()
@pytest.mark.parametrize("config", [TINY, OURS, CLOCKED], ids=["noise", "null", "clock"])
@pytest.mark.parametrize("negated", [False, True])
def test_what_follows_is_as_likely_after_the_cache_as_in_one_pass(config, negated):
    """For each of several candidates, however long a negative prompt makes its branch; and generation can go on after it."""
    model, condition = build(config), some_condition()
    if config is CLOCKED:
        condition = with_clock(condition, some_clock(1, 40))
    if negated:
        condition = dataclasses.replace(condition, negative_text=condition.text + 1)
    prompt, made, following = some_tokens(1, 5), some_tokens(3, 8, seed=1), some_tokens(1, 6, seed=2)[0]
    alone = Decoder(model).start(condition, audio_prompt=prompt, given=5, max_tokens=20, guidance=2.0, noise=torch.rand(1, 3, 32))
    generation = Generation.together([alone] * 3)
    for tokens in made.T[:-1]:
        generation.step(tokens)
    found = generation.likelihood_after(made[:, -1], following)
    for row, own in zip(found, made, strict=True):
        whole = torch.cat([prompt[0], own, following])[None]
        plain = dataclasses.replace(condition, negative_text=None)
        logits = model(model.embed_condition(plain, whole))[:, -len(whole[0]) - 1 : -1].log_softmax(-1)
        expected = logits.gather(-1, whole[..., None])[0, -6:, 0]
        torch.testing.assert_close(row, expected, atol=2e-4, rtol=1e-4)
    position = generation.position
    generation.step(made[:, -1])
    assert generation.position == position + 1


def test_rewind_branches_exactly():
    generation = Decoder(build(OURS)).start(some_condition(), max_tokens=20)
    generation.step(torch.tensor([3]))
    mark = generation.mark()
    first = [generation.step(token) for token in some_tokens(1, 6).T]
    generation.rewind(mark)
    assert torch.equal(generation.step(), mark.logits)
    other = [generation.step(token) for token in some_tokens(1, 6, seed=9).T]
    assert not torch.equal(first[-1], other[-1])
    generation.rewind(mark)
    again = [generation.step(token) for token in some_tokens(1, 6).T]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    with pytest.raises(AssertionError, match="rewind"):
        generation.rewind(dataclasses.replace(mark, position=generation.position + 1))


@pytest.mark.parametrize("config", [TINY, OURS], ids=["noise", "null"])
def test_same_seed_same_tokens(config):
    decoder = Decoder(build(config))

    def run(seed):
        generator = torch.Generator().manual_seed(seed)
        generation = decoder.start(some_condition(), max_tokens=30, generator=generator)
        return tokens_of(generation, min_tokens=30, max_tokens=30, generators=[generator])

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_cancel_is_asked_before_every_token():
    answers = iter([False, False, False, True])
    generation = Decoder(build(OURS)).start(some_condition(), max_tokens=20)
    before = generation.position
    assert len(tokens_of(generation, min_tokens=20, cancelled=lambda: next(answers))) == 3
    assert generation.position == before + 2  # the third was drawn but never read


def test_stop_ends_the_piece_but_not_too_early():
    model = build(OURS)
    with torch.no_grad():
        model.llm_decoder.bias[OURS.stop_token] += 100
    start = lambda: Decoder(model).start(some_condition(), max_tokens=20)  # noqa: E731
    assert tokens_of(start()) == []
    assert len(tokens_of(start(), min_tokens=7)) == 7
    assert OURS.stop_token not in tokens_of(start(), min_tokens=20)


def test_likelihood_is_the_models_own():
    model, condition, audio = build(CLOCKED), with_clock(some_condition(3), some_clock(3, 10)), some_tokens(3, 9)
    expected = model.likelihood(condition, audio)
    torch.testing.assert_close(Decoder(model, torch.float32).likelihood(condition, audio), expected, atol=1e-5, rtol=1e-5)
