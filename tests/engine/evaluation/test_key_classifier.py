"""Keys of chords, of every tonic alike, and none of noise and drums."""

import numpy as np

from engine.evaluation import measures
from engine.evaluation.excerpts import RATE
from engine.evaluation.key_classifier import registers
from tests.synthetic import clicks, noise, progression

QUARTERS = (0, 1, 2, 3)


def test_every_tonic_is_recognised_alike(corpus, classifier):
    """The synthetic corpus has six of the 24."""
    levels = registers(progression("A minor", 100, 8, RATE), RATE)
    tonic, mode = classifier.key(levels)
    assert measures.key_met((tonic, mode), (9, "minor"))
    for up in range(12):
        assert classifier.key(np.roll(levels, up, axis=1)) == ((tonic + up) % 12, mode)


def test_noise_and_drums_have_no_key(classifier):
    assert classifier.classify(noise(8, RATE), RATE).key is None
    assert classifier.classify(clicks(120, 8, QUARTERS, RATE), RATE).key is None
