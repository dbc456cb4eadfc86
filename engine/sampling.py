"""Logits → token. Pure functions; randomness comes only from the generator handed in."""

from __future__ import annotations

import torch
from torch import Tensor


def guide(conditional: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance (arXiv 2207.12598): scale 1 is the conditional row, 0 the negative one. All [B, V]."""
    return torch.lerp(negative, conditional, scale)


def forbid(logits: Tensor, token: int) -> Tensor:
    """Takes one token out of the choice. [B, V] → [B, V]"""
    logits = logits.clone()
    logits[:, token] = -torch.inf
    return logits


def top_k(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row and which tokens they are, largest first. [B, V] → 2 × [B, min(k, V)]"""
    return logits.topk(min(k, logits.shape[-1]), dim=-1)


def sample(logits: Tensor, *, k: int, temperature: float, generator: torch.Generator | None) -> Tensor:
    """One token of each row: temperature, top-k, softmax, draw. Temperature 0 is argmax. [B, V] → [B]"""
    if temperature == 0:
        return logits.argmax(dim=-1)
    values, tokens = top_k(logits / temperature, k)
    choice = torch.multinomial(values.softmax(dim=-1), 1, generator=generator)
    return tokens.gather(-1, choice)[:, 0]
