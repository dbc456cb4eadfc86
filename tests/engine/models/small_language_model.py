"""Language models small enough for a test, and something for them to hear."""

import dataclasses

import numpy as np
import torch

from engine.config import LanguageModelConfig
from engine.models.condition import Condition
from engine.models.generation import generate_tokens
from engine.models.language_model import LanguageModel
from engine.models.sketch.language_model import build_language_model
from engine.music.grid import Grid, clock

TINY = LanguageModelConfig(
    text_vocab_size=40, audio_vocab_size=30, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2,
)  # fmt: skip
OURS = dataclasses.replace(TINY, negative="null")
CLOCKED = dataclasses.replace(OURS, clocks_per_bar=96, bars_per_phrase=8)


def build(config, seed=0):
    """A seeded model whose weights are large enough that every part of it matters."""
    torch.manual_seed(seed)
    model = build_language_model(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return model.eval()


def round_to_eight_bits(model: LanguageModel) -> LanguageModel:
    """Weights as a checkpoint of ours has them: whole numbers of eight bits times a scale for each row."""
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, torch.nn.Linear):
                scale = part.weight.abs().amax(1, keepdim=True) / 127
                part.weight.copy_((part.weight / scale).round() * scale)
    return model


def some_condition(batch=1, sections=1):
    generator = torch.Generator().manual_seed(5)
    return Condition(
        text=torch.randint(1, 40, (batch, 7), generator=generator),
        time_start=torch.rand(batch, sections, generator=generator) * 10,
        time_end=torch.rand(batch, sections, generator=generator) * 10 + 10,
        section=torch.randint(0, 5, (batch, sections), generator=generator),
    )


def some_clock(batch, frames):
    """Each piece at a tempo and a place in its phrase of its own."""
    grids = [Grid(100.0 + 17 * i, beat=5.0 * i) for i in range(batch)]
    return torch.from_numpy(np.stack([clock(grid, 50, -3, frames) for grid in grids]))


def with_clock(condition, clock):
    return dataclasses.replace(condition, clock=clock)


def some_tokens(batch, frames, seed=7):
    return torch.randint(0, 30, (batch, frames), generator=torch.Generator().manual_seed(seed))


def tokens_of(generation, seed=0, **options):
    options = {"min_tokens": 0, "max_tokens": 20, "generators": [torch.Generator().manual_seed(seed)]} | options
    return [token for (token,) in generate_tokens(generation, **options)]
