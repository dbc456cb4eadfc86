"""The logit bias of each scale: how much likelier each token is in it than in all music, counted in a corpus.

A language model this small does not keep to its key reliably: now and then it plays a token that hardly occurs in that key, and
goes on from there. The bias is added to the logits when a clip in a known key is continued.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.arrays import TokenArray
from engine.corpus.dataset import Corpus
from engine.corpus.facts import has_key
from engine.music.analysis import scale_of

EVIDENCE = 500  # pseudo-counts of every scale, distributed as the tokens of all music are
LIMITS = (-4.0, 3.0)  # nats


def scale_bias(corpus: Corpus, tokens: dict[str, TokenArray], vocabulary: int, views: int) -> Tensor:
    """The log of how much likelier each token is in each major scale or its relative minor than in all music: nats
    [12, vocabulary + 1], 0 for stop. Only the codec's first view codes notes; the tokens of the others have no bias.
    """
    counts = np.zeros((12, vocabulary + 1))
    for name in corpus.names:
        facts = corpus.facts[name]
        if name in tokens and has_key(facts):
            counts[scale_of((facts["key"], facts["mode"]))] += np.bincount(tokens[name][::views], minlength=vocabulary + 1)
    total = counts.sum(0)
    if not total.any():
        return torch.zeros(counts.shape)
    usual = total / total.sum()
    own = counts + EVIDENCE * usual
    own /= own.sum(1, keepdims=True)
    bias = np.log(own, out=np.zeros_like(own), where=total > 0) - np.log(usual, out=np.zeros_like(usual), where=total > 0)
    return torch.from_numpy(bias.clip(*LIMITS)).float()
