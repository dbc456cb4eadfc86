"""Regression for small classifiers, linear and with random cosine features. Features [N, D], targets [N, K] → a function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import FloatArray

RIDGE = 0.01  # of the number of examples


@dataclass(frozen=True, eq=False)
class Ridge:
    """Linear regression on standardised features, penalised by the weights' squares."""

    mean: FloatArray
    deviation: FloatArray
    weights: FloatArray  # [D, K]
    offset: FloatArray  # [K]

    @classmethod
    def fit(cls, features: FloatArray, targets: FloatArray) -> Ridge:
        mean, deviation = features.mean(0), features.std(0) + 1e-6
        x, offset = (features - mean) / deviation, targets.mean(0)
        weights = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ (targets - offset))
        return cls(mean, deviation, weights, offset)

    def __call__(self, features: FloatArray) -> FloatArray:
        predicted: FloatArray = (features - self.mean) / self.deviation @ self.weights + self.offset
        return predicted


@dataclass(frozen=True, eq=False)
class Curve:
    """Ridge regression on features and on cosines of random mixtures of them, which together separate as a Gaussian kernel would
    (Rahimi and Recht, Random Features for Large-Scale Kernel Machines, 2007).
    """

    mean: FloatArray
    deviation: FloatArray
    mixtures: FloatArray  # [D, cosines]
    phases: FloatArray  # [cosines]
    ridge: Ridge

    @classmethod
    def fit(
        cls, features: FloatArray, targets: FloatArray, rng: np.random.Generator, *, cosines: int, narrowness: float
    ) -> Curve:
        """narrowness: of the kernel, one over its width in the features' deviations."""
        mixtures = rng.normal(0, narrowness, (features.shape[1], cosines)).astype(features.dtype)
        phases = rng.uniform(0, 2 * np.pi, cosines).astype(features.dtype)
        mean, deviation = features.mean(0), features.std(0) + 1e-6
        seen = _with_cosines((features - mean) / deviation, mixtures, phases)
        return cls(mean, deviation, mixtures, phases, Ridge.fit(seen, targets))

    def __call__(self, features: FloatArray) -> FloatArray:
        return self.ridge(_with_cosines((features - self.mean) / self.deviation, self.mixtures, self.phases))


def _with_cosines(features: FloatArray, mixtures: FloatArray, phases: FloatArray) -> FloatArray:
    return np.concatenate([features, np.cos(features @ mixtures + phases)], axis=-1)
