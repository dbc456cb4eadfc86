"""Tokens of a plan, window by window: which the model reads, how many come, who sees them, and what a cancel leaves."""

from types import SimpleNamespace

import pytest
import torch

from engine.acceleration import PaceMeter
from engine.conditioning.plan import Sampling
from engine.continuation.context_window import ContextWindow
from engine.models.generation import Decoder, Generation
from engine.sampler import TokenSampler
from tests.engine.models.small_language_model import OURS, build, some_condition

WINDOW = 16  # tokens that the model looks back on
CLIP = (3, 1, 4, 1, 5, 9)


@pytest.fixture(scope="module")
def prepared():
    return SimpleNamespace(
        decoder=Decoder(build(OURS)),
        decoder_threads=torch.get_num_threads(),
        runtime=SimpleNamespace(device=torch.device("cpu")),
        checkpoint=SimpleNamespace(wavtokenizer=SimpleNamespace(views=1)),
    )


def plan(seeds=(7,), clip=(), beyond=0):
    context = ContextWindow(clip, None, 50.0, 1, WINDOW, beyond)

    def windows(wanted):
        return (([some_condition()] * len(seeds), window) for window in context.windows(wanted))

    return SimpleNamespace(sampling=Sampling(seeds[0], 2.0, 30, 1.0), seeds=list(seeds), context=context, windows=windows)


def drawn(prepared, asked, wanted, **how):
    return list(TokenSampler(prepared, PaceMeter(), how.pop("on_tokens", None)).tokens(asked, wanted, **how))


@pytest.mark.parametrize("wanted", [1, WINDOW, 40])
def test_as_many_tokens_come_as_are_wanted_however_many_windows_that_takes(prepared, wanted):
    tokens = drawn(prepared, plan(), wanted)
    assert len(tokens) == wanted and all(0 <= token < OURS.audio_vocab_size for (token,) in tokens)


def test_each_variation_draws_what_its_seed_draws_alone(prepared):
    together = drawn(prepared, plan((7, 8)), 20)
    assert [[first] for first, _ in together] == drawn(prepared, plan(), 20)
    assert [[second] for _, second in together] == drawn(prepared, plan((8,)), 20) != drawn(prepared, plan(), 20)


def test_the_clip_is_read_first_and_then_what_was_made(prepared, monkeypatch):
    read, start = [], Decoder.start

    def watched(self, condition, **how):
        read.append(how["audio_prompt"][0].tolist())
        return start(self, condition, **how)

    monkeypatch.setattr(Decoder, "start", watched)
    made = [token for (token,) in drawn(prepared, plan(clip=CLIP), 24)]
    expected, done = [], 0
    for window in plan(clip=CLIP).context.windows(24):
        expected.append(window.prompt(CLIP, made[:done]))
        done += window.count
    assert len(read) > 1 and read == expected and tuple(read[0]) == CLIP


def test_whoever_follows_sees_each_token_before_it_goes_out(prepared):
    seen = []
    for count, tokens in enumerate(TokenSampler(prepared, PaceMeter(), seen.append).tokens(plan((7, 8)), 5), 1):
        assert len(seen) == count and seen[-1] == tokens
    assert len(seen) == 5


def test_a_judge_is_given_what_has_read_all_but_the_last_once_all_are_there(prepared):
    judged = []
    tokens = drawn(prepared, plan(clip=CLIP, beyond=2), 6, judge=judged.append)
    (generation,) = judged
    assert isinstance(generation, Generation) and len(tokens) == 6
    for token in (*tokens[-1], 5, 5):  # the last, and `beyond` more: there is room for what it is asked about
        generation.step(torch.tensor([token]))


@pytest.mark.parametrize("wanted", [12, 40], ids=["in its only window", "in one of several"])
def test_a_cancel_ends_it_and_nothing_is_judged(prepared, wanted):
    asked, judged = [], []
    tokens = drawn(prepared, plan(), wanted, cancelled=lambda: bool(asked.append(1)) or len(asked) > 10, judge=judged.append)
    assert 0 < len(tokens) < 12 and not judged
    assert drawn(prepared, plan(), 40, cancelled=lambda: True) == []
