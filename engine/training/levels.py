"""Codes for a codec whose latents were trained without: residual k-means, level by level, on latents of a corpus.

The latents of HiFi-Codec carry the flow's result, not a bit rate. Trained as they are they keep more than trained through codes,
and levels fitted afterwards round them as finely as there are levels (`engine/training/README.md` has the figures).
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.models.hifi_codec import HiFiCodec

ROUNDS = 20


@torch.no_grad()
def fit(codec: HiFiCodec, features: Tensor, seed: int = 0) -> None:
    """Sets the codes of all levels, each to the k-means of what the levels before leave over.

    features: [B, D, frames], not quantised; at least as many frames as a level has codes, else ValueError.
    """
    generator = torch.Generator().manual_seed(seed)
    residual = features.transpose(1, 2).flatten(0, 1).clone()  # [N, D], which changes below
    groups = codec.config.n_code_groups
    if len(residual) < codec.config.n_codes:
        raise ValueError(f"{len(residual)} frames are too few for {codec.config.n_codes} codes: use more of the corpus")
    for number, codes in enumerate(codec.codebooks):  # level by level, group by group
        part = residual.chunk(groups, dim=-1)[number % groups]
        codes.copy_(k_means(part, len(codes), generator))
        part -= codes[torch.cdist(part, codes).argmin(1)]  # a view: what the next level rounds


def k_means(vectors: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """vectors: [N, D], N ≥ count → [count, D]. Begins at vectors, and codes without vectors go to those farthest from theirs."""
    codes = vectors[torch.randperm(len(vectors), generator=generator)[:count]].clone()
    for _ in range(ROUNDS):
        distance, nearest = torch.cdist(vectors, codes).min(1)
        uses = torch.bincount(nearest, minlength=count)
        means = torch.zeros_like(codes).index_add_(0, nearest, vectors) / uses.clamp(min=1)[:, None]
        unused = uses == 0
        means[unused] = vectors[distance.topk(int(unused.sum())).indices]
        codes = means
    return codes
