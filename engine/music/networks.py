"""Small networks for transcription: their weights on disk, and how they are applied, by numpy alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

FOLDER = Path(__file__).parents[1] / "weights" / "transcription"

Array = NDArray[np.float32]
Network = dict[str, Array]


@cache
def load(name: str) -> Network:
    """Weights "0.weight" [in, out], "0.bias" [out], "1.weight" and so on, as float32, and what else belongs to them."""
    return {key: np.asarray(value, np.float32) for key, value in load_file(FOLDER / f"{name}.safetensors").items()}


def standardised(network: Network, x: Array) -> Array:
    """Features [..., in] less their mean, in units of their deviation in what was learnt from."""
    out: Array = (x - network["mean"]) * network["scale"]
    return out


def layers(network: Network, x: Array, first: int = 0) -> Array:
    """Layers from `first` on, rectified between: [N, in] → [N, out]."""
    last = max(int(key.split(".")[0]) for key in network if key.endswith(".weight"))
    for index in range(first, last + 1):
        x = x @ network[f"{index}.weight"] + network[f"{index}.bias"]
        if index < last:
            x = np.maximum(x, np.float32(0))
    return x


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), np.float32)
