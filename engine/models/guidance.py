"""Classifier-free guidance (arXiv 2207.12598): what each branch of it reads, and how their logits become one.

Under guidance a piece is predicted in branches, side by side in one batch: the conditional branch reads what was asked; the
negative-prompt branch, where there is one, what the words negate; the negative branch what is left without the request. What
that is, a model was trained on: `NegativeBranch` is the one place that knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from engine.models import sampling
from engine.models.condition import Condition


@dataclass(frozen=True, eq=False)
class Branch:
    """What one branch reads: a condition and the tokens it goes on from, [B, frames]."""

    condition: Condition
    audio_prompt: Tensor | None
    negative: bool = False  # its words and span are hidden


class NegativeBranch(Protocol):
    """What the negative branch reads in place of the request."""

    label_rows: int  # of the section labels' table, that are its own
    draws_noise: bool  # of each variation's own seed: variations then have no negative branch in common

    def draw(self, condition: Condition, width: int, generator: torch.Generator | None) -> Tensor | None:
        """The noise in place of the span, [B, 3n, width], if it draws any."""

    def span(self, labels: nn.Embedding, condition: Condition, noise: Tensor | None) -> Tensor:
        """In place of times and labels: [B, 3n, H]. labels: the label table, this branch's own rows last."""

    def reads(self, condition: Condition, audio_prompt: Tensor | None, given: int) -> Branch:
        """given: how many tokens, the first ones of the prompt, are of a clip and not the model's own."""


class NoiseBranch:
    """As InspireMusic was released: uniform noise for times and label, drawn once a generation; token 0 for all audio."""

    label_rows, draws_noise = 0, True

    def draw(self, condition: Condition, width: int, generator: torch.Generator | None) -> Tensor:
        pieces, sections = condition.section.shape
        device = generator.device if generator else condition.section.device
        return torch.rand(pieces, 3 * sections, width, generator=generator, device=device)

    def span(self, labels: nn.Embedding, condition: Condition, noise: Tensor | None) -> Tensor:
        assert noise is not None, "a model with negative 'noise' needs the noise"
        return noise.to(labels.weight)

    def reads(self, condition: Condition, audio_prompt: Tensor | None, given: int) -> Branch:
        return Branch(condition, None if audio_prompt is None else torch.zeros_like(audio_prompt), negative=True)


class NullBranch:
    """As `sketch` was trained: times zero, a label row of its own, and nothing of the clip, so that guidance makes a piece more
    like words and clip. Under a negative prompt no musical time either, and guidance brings the beat out in what is left.
    """

    label_rows, draws_noise = 1, False

    def draw(self, condition: Condition, width: int, generator: torch.Generator | None) -> None:
        return None

    def span(self, labels: nn.Embedding, condition: Condition, noise: Tensor | None) -> Tensor:
        embedded: Tensor = labels(torch.full_like(condition.section, labels.num_embeddings - self.label_rows))
        return torch.cat([torch.zeros_like(embedded), torch.zeros_like(embedded), embedded], dim=1)

    def reads(self, condition: Condition, audio_prompt: Tensor | None, given: int) -> Branch:
        if (clock := condition.clock) is not None:
            clock = (clock if condition.negative_text is None else torch.full_like(clock, -1))[:, given:]
        return Branch(replace(condition, clock=clock), None if audio_prompt is None else audio_prompt[:, given:], negative=True)


KINDS: dict[str, NegativeBranch] = {"noise": NoiseBranch(), "null": NullBranch()}


def branches(
    condition: Condition, audio_prompt: Tensor | None, given: int, scale: float, negative: NegativeBranch
) -> list[Branch]:
    """The branches of a generation, in the order `guided` expects. Scale 1 needs no negative branch."""
    read = [Branch(condition, audio_prompt)]
    if condition.negative_text is not None:
        read.append(Branch(replace(condition, text=condition.negative_text), audio_prompt))
    if scale != 1.0:
        read.append(negative.reads(condition, audio_prompt, given))
    return read


def guided(logits: Sequence[Tensor], scale: float) -> Tensor:
    """The branches' logits, each [B, V], as one. A negative prompt gets most of what guidance adds."""
    conditional, *others = logits
    negative = others.pop() if scale != 1.0 else conditional
    if not others:
        return sampling.guide(conditional, negative, scale)
    # Guidance alone would keep up what has always been played to such words, and drown what they negate.
    third = (1 + scale) / 3
    return sampling.lead_away(sampling.guide(conditional, negative, third), conditional, others.pop(), third)
