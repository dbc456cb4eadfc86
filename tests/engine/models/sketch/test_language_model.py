"""Musical time, which gives each position where in bar and phrase the next token lies; and the logit bias of a scale."""

import dataclasses

import pytest
import torch

from engine.models import sampling
from engine.models.generation import Decoder, Generation
from engine.models.language_model import LanguageModel
from engine.models.sketch.language_model import SketchLanguageModel, build_language_model
from tests.engine.models.small_language_model import CLOCKED, OURS, build, some_clock, some_condition, some_tokens, with_clock


@pytest.mark.parametrize("guidance", [2.5, 1.0])
@pytest.mark.parametrize("measured", [0, 1, 9])
@torch.inference_mode()
def test_steps_with_a_clock_equal_the_full_forward(measured, guidance):
    """From nothing and after a prompt; in the negative row musical time stays."""
    model, prompt, audio = build(CLOCKED), some_tokens(3, measured), some_tokens(3, 12, seed=8)
    condition = with_clock(some_condition(3, sections=2), some_clock(3, measured + 13))
    generation = Decoder(model).start(
        condition, audio_prompt=prompt if measured else None, max_tokens=12, guidance=guidance
    )  # fmt: skip
    stepped = torch.stack([generation.step(None)] + [generation.step(tokens) for tokens in audio.T], dim=1)
    everything, whole = torch.ones(3, dtype=torch.bool), torch.cat([prompt, audio], dim=1)
    rows = [model(model.embed_condition(condition, whole, negative)) for negative in (None, everything)]
    expected = rows[0] if guidance == 1.0 else sampling.guide(*rows, guidance)
    torch.testing.assert_close(stepped, expected[:, -13:], atol=2e-4, rtol=1e-4)
    silent = model(model.embed_condition(with_clock(condition, None), whole))[:, -13:]
    assert (silent - rows[0][:, -13:]).abs().amax(-1).min() > 0.01  # time counts at every step


@torch.inference_mode()
def test_the_clock_of_a_frame_is_read_by_the_position_that_predicts_it():
    model, audio, times = build(CLOCKED), some_tokens(1, 12), some_clock(1, 13)
    condition, start = some_condition(), 3 + 1 + 7  # sos, span, text; then task, which predicts the first frame
    plain = model(model.embed_condition(with_clock(condition, times), audio))
    for frame in (0, 5, 12):
        for column in (0, 1):
            changed = times.clone()
            changed[0, frame, column] = (changed[0, frame, column] + 3) % 8
            other = model(model.embed_condition(with_clock(condition, changed), audio))
            differs = (other - plain).abs().amax(-1)[0] > 1e-4
            assert not differs[: start + frame].any() and differs[start + frame]


@torch.inference_mode()
def test_no_place_in_time_is_as_no_clock_at_all():
    model, audio = build(CLOCKED), some_tokens(2, 12)
    condition, nowhere = some_condition(2), torch.full((2, 25, 2), -1)
    plain, silent = (model.embed_condition(with_clock(condition, times), audio) for times in (None, nowhere))
    assert torch.equal(plain, silent)
    for measured in (None, audio):
        pair = [
            Decoder(model).start(with_clock(condition, times), audio_prompt=measured, max_tokens=12, guidance=2.5)
            for times in (None, nowhere)
        ]
        for tokens in some_tokens(2, 12, seed=8).T:
            assert torch.equal(*(generation.step(tokens) for generation in pair))
    half = nowhere.clone()
    half[1] = some_clock(1, 25)[0]
    mixed = model.embed_condition(with_clock(condition, half), audio)
    assert torch.equal(mixed[0], plain[0]) and not torch.equal(mixed[1], plain[1])


@torch.inference_mode()
def test_a_model_without_a_sense_of_time_passes_the_clock_over():
    model, condition = build(OURS), some_condition()
    pair = [Decoder(model).start(with_clock(condition, times), max_tokens=5) for times in (None, some_clock(1, 2))]
    for token in some_tokens(1, 5).T:
        assert torch.equal(*(generation.step(token) for generation in pair))


@torch.inference_mode()
def test_a_clock_too_short_is_rejected_at_once():
    condition = with_clock(some_condition(), some_clock(1, 14))
    with pytest.raises(AssertionError, match="14 frames, 15 are asked for"):
        Decoder(build(CLOCKED)).start(condition, audio_prompt=some_tokens(1, 9), max_tokens=6)


@torch.inference_mode()
def test_rewind_comes_back_to_the_clock_too():
    condition = with_clock(some_condition(), some_clock(1, 20))
    generation = Decoder(build(CLOCKED)).start(condition, max_tokens=19)
    generation.step(torch.tensor([3]))
    mark = generation.mark()
    first, again = [], []
    for made in (first, again):
        generation.rewind(mark)
        made += [generation.step(token) for token in some_tokens(1, 6).T]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("given", [3, 9])
@torch.inference_mode()
def test_what_reads_nothing_of_a_clip_still_reads_the_time_of_its_own_frames(given):
    model, prompt, audio, times = build(CLOCKED), some_tokens(2, 9), some_tokens(2, 6, seed=8), some_clock(2, 16)
    condition = with_clock(some_condition(2), times)
    generation = Decoder(model).start(condition, audio_prompt=prompt, given=given, max_tokens=6, guidance=0.0)
    stepped = torch.stack([generation.step()] + [generation.step(tokens) for tokens in audio.T], dim=1)
    own, everything = torch.cat([prompt[:, given:], audio], dim=1), torch.ones(2, dtype=torch.bool)
    negative = model(model.embed_condition(with_clock(condition, times[:, given:]), own, everything))
    torch.testing.assert_close(stepped, negative[:, -7:], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("given", [0, 9])
@torch.inference_mode()
def test_where_words_have_a_negative_prompt_guidance_leads_away_from_having_no_time(given):
    """Before the first token as well as after it; the negative prompt has the time too."""
    model, prompt, audio, times = build(CLOCKED), some_tokens(2, 9), some_tokens(2, 6, seed=8), some_clock(2, 16)
    condition = with_clock(some_condition(2), times)
    away, everything = dataclasses.replace(condition, text=condition.text.flip(1)), torch.ones(2, dtype=torch.bool)
    denying = dataclasses.replace(condition, negative_text=away.text)
    generation = Decoder(model).start(denying, audio_prompt=prompt, given=given, max_tokens=6, guidance=2.0)
    stepped = torch.stack([generation.step()] + [generation.step(tokens) for tokens in audio.T], dim=1)
    own, whole = torch.cat([prompt[:, given:], audio], dim=1), torch.cat([prompt, audio], dim=1)
    timeless = model(model.embed_condition(with_clock(condition, None), own, everything))[:, -7:]
    asked, negated = (model(model.embed_condition(text, whole))[:, -7:] for text in (condition, away))
    torch.testing.assert_close(stepped, asked + (asked - negated), atol=2e-4, rtol=1e-4)
    stronger = Decoder(model).start(denying, audio_prompt=prompt, given=given, max_tokens=6, guidance=5.0)
    stepped = torch.stack([stronger.step()] + [stronger.step(tokens) for tokens in audio.T], dim=1)
    torch.testing.assert_close(stepped, timeless + 2 * (asked - timeless) + 2 * (asked - negated), atol=5e-4, rtol=1e-4)


@torch.inference_mode()
def test_pieces_of_one_clip_in_one_batch_are_as_each_alone():
    model, prompt, times = build(CLOCKED), some_tokens(1, 9), some_clock(1, 30)
    start = lambda tail: Decoder(model).start(  # noqa: E731
        with_clock(some_condition(), times), audio_prompt=torch.cat([prompt, tail], dim=1), given=9, max_tokens=5, guidance=2.0
    )
    tails, audio = [some_tokens(1, 4, seed=seed) for seed in (1, 2)], some_tokens(2, 5, seed=3)
    together, alone = Generation.together([start(tail) for tail in tails]), [start(tail) for tail in tails]
    for tokens in audio.T:
        rows = torch.cat([generation.step(token[None]) for generation, token in zip(alone, tokens, strict=True)])
        torch.testing.assert_close(together.step(tokens), rows, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_scale_is_a_bias_on_the_guided_logits_from_the_first_token_on():
    model, condition = build(dataclasses.replace(OURS, n_scales=12)), some_condition(2)
    model.scale_bias.copy_(torch.randn(12, 31))
    in_scale = dataclasses.replace(condition, scale=torch.tensor([3, 11]))
    plain, biased = (Decoder(model).start(c, max_tokens=3, guidance=2.5) for c in (condition, in_scale))
    for tokens in (None, torch.tensor([4, 5])):
        torch.testing.assert_close(biased.step(tokens), plain.step(tokens) + model.scale_bias[[3, 11]], atol=1e-5, rtol=1e-5)
    batch = Generation.together([biased, biased])
    more = torch.tensor([6, 7])
    torch.testing.assert_close(batch.step(more.repeat(2)), biased.step(more).repeat(2, 1), atol=1e-4, rtol=1e-4)


def test_tables_are_only_built_where_a_configuration_asks_for_them():
    assert type(build_language_model(OURS)) is LanguageModel
    clocked = build_language_model(CLOCKED)
    assert isinstance(clocked, SketchLanguageModel) and clocked.embed_frames(some_condition()) is None
    own = clocked.state_dict().keys() - LanguageModel(OURS).state_dict().keys()
    assert own == {"clock_embedding.weight", "bar_embedding.weight"}  # a checkpoint's keys
    with pytest.raises(AssertionError, match="sketch"):
        LanguageModel(CLOCKED)
