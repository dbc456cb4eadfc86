"""What the tokens of a scale are: counted in a corpus, to lean towards them when a clip in its key is continued.

A language model this small keeps to its key by habit more than by rule: now and then it plays a token that hardly occurs in that
key, and goes on from there. How much likelier each token is in a scale than elsewhere is known exactly, so it is written down.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.corpus.dataset import Corpus
from engine.corpus.facts import has_key
from engine.music.analysis import scale_of

EVIDENCE = 500  # tokens that count as if they had been heard in every scale as they are heard in all
LIMITS = (-4.0, 3.0)  # nats


def scale_bias(corpus: Corpus, tokens: dict[str, np.ndarray], vocabulary: int, views: int) -> Tensor:
    """The log of how much likelier each token is in each major scale or its relative minor than in all music: nats
    [12, vocabulary + 1], 0 for stop. Only a codec's first view tells notes; the tokens of the others are left alone.
    """
    counts = np.zeros((12, vocabulary + 1))
    for name in corpus.names:
        facts = corpus.facts[name]
        if name in tokens and has_key(facts):
            counts[scale_of((facts["key"], facts["mode"]))] += np.bincount(tokens[name][::views], minlength=vocabulary + 1)
    heard = counts.sum(0)
    if not heard.any():
        return torch.zeros(counts.shape)
    usual = heard / heard.sum()
    own = counts + EVIDENCE * usual
    own /= own.sum(1, keepdims=True)
    bias = np.log(own, out=np.zeros_like(own), where=heard > 0) - np.log(usual, out=np.zeros_like(usual), where=heard > 0)
    return torch.from_numpy(bias.clip(*LIMITS)).float()
