"""Regression on features: a line, and what no line separates."""

import numpy as np

from engine.evaluation.regression import Curve, Ridge


def test_ridge_finds_a_line_whatever_its_units():
    x = np.random.default_rng(0).standard_normal((500, 2)) * [1000, 0.01] + [5000, 3]
    y = np.stack([2e-3 * x[:, 0] + 1, -50 * x[:, 1]], 1)
    np.testing.assert_allclose(Ridge.fit(x, y)(x), y, atol=0.1)


def test_curve_separates_what_no_line_does():
    """A ring around its middle."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 2)) * [1000, 0.01]
    outside = np.where(np.hypot(x[:, 0] / 1000, x[:, 1] / 0.01) > 1.2, 1.0, -1.0)[:, None]
    learn, prove = slice(400), slice(400, None)
    line = Ridge.fit(x[learn], outside[learn])
    curve = Curve.fit(x[learn], outside[learn], rng, cosines=1500, narrowness=0.05)
    right = [np.mean(np.sign(predict(x[prove])) == outside[prove]) for predict in (line, curve)]
    assert right[0] < 0.7 and right[1] > 0.85
