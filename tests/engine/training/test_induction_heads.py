"""What a language model does before its first step: it repeats what was played, and attends to the words from everywhere."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from engine.models.condition import Condition
from engine.models.sketch.language_model import build_language_model
from engine.music.grid import Grid, clock
from engine.training.induction_heads import initialize_induction_heads
from engine.training.sketch import SKETCH

CONFIG = dataclasses.replace(SKETCH.language_model, num_hidden_layers=3)
NULL, UNKNOWN = 0, 1
FRAMES = 200  # of one repeat: two bars


@pytest.fixture(scope="module")
def models():
    """(with the heads, the same without them)"""
    built = []
    for with_heads in (True, False):
        torch.manual_seed(0)
        model = build_language_model(CONFIG)
        if with_heads:
            initialize_induction_heads(model, torch.Generator().manual_seed(0))
        built.append(model.eval())
    return built


def conditions(texts, frames=None):
    times = None if frames is None else torch.from_numpy(clock(Grid(125.0), 50, 0, frames + 1))[None].repeat(len(texts), 1, 1)
    one = torch.ones(len(texts), 1)
    return Condition(torch.tensor(texts), 0 * one, 20 * one, 2 * one.long(), times)


def random_tokens(rows, frames, seed=1):
    return torch.randint(CONFIG.audio_vocab_size, (rows, frames), generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def losses(model, condition, tokens):
    """Nats a token, [repeats]."""
    logits = model(model.embed_condition(condition, tokens))[:, -tokens.shape[1] - 1 : -1]
    each = F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view(tokens.shape)
    return each.unflatten(1, (-1, FRAMES)).mean((0, 2))


@pytest.mark.parametrize("text", [[7, 8, 9, 10, 11, 12], [NULL] * 6], ids=["words", "no words"])
@pytest.mark.parametrize("timed", [True, False], ids=["clock", "no clock"])
def test_what_was_there_once_is_expected_again(models, text, timed):
    tokens = random_tokens(2, FRAMES).repeat(1, 3)
    condition = conditions([text, text], tokens.shape[1] if timed else None)
    by_chance = math.log(CONFIG.audio_vocab_size)
    with_heads, plain = (losses(model, condition, tokens) for model in models)
    assert with_heads[0] > by_chance - 0.5  # nothing to go on yet
    assert (with_heads[1:] < 0.5 * by_chance).all()
    assert (plain > by_chance - 0.5).all()


@torch.inference_mode()
def test_the_next_token_is_the_one_that_followed_last_time(models):
    tokens = random_tokens(1, FRAMES).repeat(1, 2)
    model = models[0]
    best = model(model.embed_condition(conditions([[7, 8, 9]]), tokens))[0, -FRAMES - 1 : -1].argmax(-1)
    # A token that stands in the sequence twice has two successors, and the first of the repeat has none yet.
    once = torch.bincount(tokens[0, :FRAMES], minlength=CONFIG.audio_vocab_size)[tokens[0, :FRAMES]] == 1
    asked = once.roll(1)
    asked[0] = False
    assert asked.sum() > 100 and (best == tokens[0, FRAMES:])[asked].float().mean() > 0.95


@torch.inference_mode()
def test_words_are_read_at_every_frame_and_unknown_ones_hardly(models):
    """How far the logits of audio positions move, once there is music, against how far they lie apart."""
    texts = {
        "words": [7, 8, 9, 10, NULL, NULL], "other words": [107, 108, 109, 110, NULL, NULL], "order": [10, 9, 8, 7, NULL, NULL],
        "two unknown more": [7, 8, 9, 10, UNKNOWN, UNKNOWN], "one unknown instead": [7, 8, 9, UNKNOWN, NULL, NULL],
        "no words": [NULL] * 6,
    }  # fmt: skip
    tokens, model = random_tokens(1, FRAMES).repeat(len(texts), 1), models[0]
    logits = model(model.embed_condition(conditions(list(texts.values())), tokens))[:, 20 - FRAMES :]
    moved = dict(zip(texts, (logits - logits[0]).square().mean(-1).sqrt() / logits[0].std(), strict=True))
    swapped, at_all = moved["other words"].mean(), {name: value.mean() for name, value in moved.items()}
    assert swapped > 0.5 and moved["other words"].min() > 0.5 * swapped  # at the last frame as at the first
    assert at_all["no words"] > 0.5
    assert at_all["two unknown more"] < 0.2 * swapped and at_all["one unknown instead"] < 0.5 * swapped
    assert at_all["order"] < 0.1 * swapped  # it is their mean


@torch.inference_mode()
def test_a_sections_label_is_a_word_too(models):
    tokens, model, condition = random_tokens(1, FRAMES), models[0], conditions([[7, 8, 9]])
    verse, chorus = (dataclasses.replace(condition, section=torch.tensor([[label]])) for label in (2, 1))
    one, other = (model(model.embed_condition(c, tokens))[0, 20 - FRAMES :] for c in (verse, chorus))
    assert (one - other).square().mean(-1).sqrt().min() > 0.2 * one.std()


def test_all_of_it_can_be_trained_further(models):
    torch.manual_seed(0)
    model = build_language_model(CONFIG)
    initialize_induction_heads(model, torch.Generator().manual_seed(0))
    tokens = random_tokens(1, 30)
    logits = model(model.embed_condition(conditions([[7, 8, 9]], 30), tokens))[:, -31:-1]
    F.cross_entropy(logits[0], tokens[0]).backward()
    heads = [f"llm.model.model.layers.{layer}.self_attn.{part}_proj.weight" for layer in (0, 1) for part in "qkvo"]
    silent = [f"llm.model.model.layers.{layer}.mlp.down_proj.weight" for layer in range(3)]
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    for name in (*heads, *silent, "text_embedding.weight", "clock_embedding.weight", "speech_embedding.weight"):
        assert gradients[name].isfinite().all() and gradients[name].abs().sum() > 0, name


def test_the_same_seed_gives_the_same_heads():
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        model = build_language_model(dataclasses.replace(CONFIG, num_hidden_layers=2))
        initialize_induction_heads(model, torch.Generator().manual_seed(5))
        states.append(model.state_dict())
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name
