"""Fits the key profiles of `engine.music.analysis` to a corpus: `python -m engine.training.key_profiles CORPUS --pieces 600`.

Prints them, rounded, and how often they are right about held-out pieces (the relative key counted as right), beside those in use.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from engine.arrays import FloatArray
from engine.corpus.dataset import Corpus
from engine.evaluation.excerpts import RATE, read_section, with_key
from engine.evaluation.measures import key_met
from engine.music.analysis import PROFILES, chroma, log_chroma

MODES = tuple(PROFILES)
RIDGE = 0.01


def fit(levels: FloatArray, keys: list[tuple[int, str]]) -> dict[str, tuple[int, ...]]:
    """Multinomial logistic regression that treats all tonics alike. levels: [N, 12] log chroma, C first."""
    rotated = torch.from_numpy(np.stack([np.roll(levels, -tonic, axis=1) for tonic in range(12)], axis=1)).float()
    targets = torch.tensor([12 * MODES.index(mode) + tonic for tonic, mode in keys])
    weights = torch.zeros(12, len(MODES), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=300)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy((rotated @ weights).transpose(1, 2).flatten(1), targets) + RIDGE * (weights**2).mean()
        torch.autograd.backward(value)
        return value

    step: Callable[[Callable[[], torch.Tensor]], torch.Tensor] = optimizer.step
    step(loss)
    rows = (weights - weights.mean(0)).detach().round().int().T.tolist()
    return dict(zip(MODES, map(tuple, rows), strict=True))


def share_right(profiles: Mapping[str, tuple[int, ...]], levels: FloatArray, keys: list[tuple[int, str]]) -> float:
    candidates = [(tonic, mode) for mode in profiles for tonic in range(12)]
    scores = levels @ np.stack([np.roll(profiles[mode], tonic) for tonic, mode in candidates], axis=1)
    return float(np.mean([key_met(candidates[best], key) for best, key in zip(scores.argmax(1), keys, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pieces", type=int, default=600)
    options = parser.parse_args()
    (levels, keys), held_out = (_read(Corpus(options.corpus, held_out=held), options.pieces) for held in (False, True))
    profiles = fit(levels, keys)
    print(json.dumps({"profiles": profiles, "right": share_right(profiles, *held_out), "now": share_right(PROFILES, *held_out)}))


def _read(corpus: Corpus, pieces: int) -> tuple[FloatArray, list[tuple[int, str]]]:
    rng = np.random.default_rng(9)
    names = rng.permutation([name for name in with_key(corpus) if "augmentation" not in corpus.facts[name]])[:pieces]
    labels = ("verse", "chorus") * len(names)
    levels = [
        log_chroma(chroma(read_section(corpus, str(n), label, rng)[0], RATE)) for n, label in zip(names, labels, strict=False)
    ]
    return np.array(levels), [(corpus.facts[name]["key"], corpus.facts[name]["mode"]) for name in names]


if __name__ == "__main__":
    main()
