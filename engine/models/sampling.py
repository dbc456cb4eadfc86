"""Logits → token. Pure functions; randomness comes only from the generator handed in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def guide(conditional: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance (arXiv 2207.12598): scale 1 is the conditional row, 0 the negative one. All [B, V]."""
    return torch.lerp(negative, conditional, scale)


def lead_away(logits: Tensor, conditional: Tensor, negative_prompt: Tensor, scale: float) -> Tensor:
    """Away from the negative prompt, where it differs from what is asked. All [B, V]."""
    return logits + scale * (conditional - negative_prompt)


def forbid(logits: Tensor, token: int) -> Tensor:
    """Takes one token out of the choice. [B, V] → [B, V]"""
    logits = logits.clone()
    logits[:, token] = -torch.inf
    return logits


def of_view(logits: Tensor, view: int, views: int) -> Tensor:
    """Takes all tokens but those of one view of the codec out of the choice, and stop, the last, where it is not the first view:
    a piece ends between whole groups. [B, V + 1] → [B, V + 1]
    """
    size = (logits.shape[-1] - 1) // views
    kept = torch.full_like(logits, -torch.inf)
    kept[:, view * size : (view + 1) * size] = logits[:, view * size : (view + 1) * size]
    if view == 0:
        kept[:, -1] = logits[:, -1]
    return kept


def top_k(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row and which tokens they are, largest first. [B, V] → 2 × [B, min(k, V)]"""
    return logits.topk(min(k, logits.shape[-1]), dim=-1)


def sample(logits: Tensor, *, k: int, temperature: float, generators: Sequence[torch.Generator | None]) -> Tensor:
    """One token of each row: temperature, top-k, softmax, draw. Temperature 0 is argmax. [B, V] → [B]

    generators: one for each row, so that what a row draws does not depend on the others.
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    values, tokens = top_k(logits / temperature, k)
    chances = values.softmax(dim=-1)
    if not bool(chances[:, 0].isfinite().all()):
        raise RuntimeError("the logits are no numbers")  # one that is not makes its whole row so
    # As `torch.multinomial` draws one of a row, at a third of its cost: of exponential waiting times whose rates are the chances
    # the first to end.
    waits = torch.empty_like(chances)
    for row, own in zip(waits.unbind(), generators, strict=True):
        row.exponential_(generator=own)
    return tokens.gather(-1, (chances / waits).argmax(-1, keepdim=True))[:, 0]
