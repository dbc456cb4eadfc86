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


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keeps the k largest of each row (and what ties with the last of them), the rest at -inf. [B, V] → [B, V]"""
    if k >= logits.shape[-1]:
        return logits
    smallest = logits.topk(k, dim=-1).values[:, -1:]
    return logits.masked_fill(logits < smallest, -torch.inf)


def sample(logits: Tensor, *, k: int, temperature: float, generator: torch.Generator | None) -> Tensor:
    """One token of each row: temperature, top-k, softmax, draw. Temperature 0 is argmax. [B, V] → [B]"""
    if temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = top_k(logits / temperature, k).softmax(dim=-1)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]
