"""Style, drums, tempo and the embedding of music whose answer is known."""

import dataclasses

import numpy as np
import pytest

from engine.corpus.dataset import Corpus
from engine.evaluation import measures
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.excerpts import RATE, read_section
from engine.evaluation.trials import classifier_accuracy
from tests.synthetic import clicks, noise, progression

QUARTERS = (0, 1, 2, 3)


def test_training_on_decoded_music_makes_up_for_what_a_path_does_to_all_music(corpus):
    """Here it adds ticks, which a classifier trained on the pieces alone takes for drums."""

    def ticking(audio):
        ticks = clicks(200, len(audio) / RATE, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)[: len(audio)]
        return audio + 0.5 * np.sqrt(np.mean(audio**2)) * ticks

    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    classifiers = (MusicClassifier.train(training, change=change) for change in (None, ticking))
    naive, used_to_it = (classifier_accuracy(classifier, held_out, ticking) for classifier in classifiers)
    assert naive["style"] <= 50 and naive["drums"] <= 50
    assert used_to_it["style"] == used_to_it["drums"] == 100


def test_classifier_is_right_about_held_out_pieces(corpus, classifier):
    held_out = Corpus(corpus, held_out=True)
    accuracy = classifier_accuracy(classifier, held_out)
    assert accuracy["style"] == accuracy["drums"] == accuracy["key"] == 100
    found = classifier.classify(read_section(held_out, held_out.names[0], "chorus", np.random.default_rng(0))[0], RATE)
    assert measures.tempo_met(found.bpm, held_out.facts[held_out.names[0]]["bpm"])


@pytest.mark.parametrize(
    ("bpm", "pattern", "expected"),
    [
        (176, QUARTERS, 176), (117, QUARTERS, 117), (130, QUARTERS, 130),
        (88, QUARTERS, 176), (70, QUARTERS, 140), (90, (0, 1.5, 2, 3), 180), (144, (0, 2), 144),
    ],
)  # fmt: skip
def test_tempo_lies_where_a_style_has_its_tempi(classifier, bpm, pattern, expected):
    """At a style's edges too, and at its double or half where a piece plays that."""
    swing = dataclasses.replace(classifier, styles=("swing",), tempi=((117.0, 178.0),), beats=(4,))
    assert swing._tempo(clicks(bpm, 8, pattern, RATE), 0) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(
    ("bpm", "pattern"), [(60, (0, 0.75, 2.25)), (66, (0, 2.5)), (82, (0, 1.5)), (88, (0, 2.5)), (88, (0, 0.75, 2.25))]
)
def test_tempo_of_few_notes_is_found_by_its_bars(classifier, bpm, pattern):
    """Here by beats alone three quarters or four thirds of the tempo recur as well."""
    ambient = dataclasses.replace(classifier, styles=("ambient",), tempi=((60.0, 90.0),), beats=(4,))
    assert ambient._tempo(clicks(bpm, 8, pattern, RATE), 0) == pytest.approx(bpm, rel=0.005)


def test_chords_have_no_drums_and_noise_no_tempo(classifier):
    assert classifier.classify(progression("A minor", 80, 8, RATE), RATE).drums < 0
    assert classifier.classify(noise(8, RATE), RATE).bpm is None


def test_classifier_does_not_mind_level_or_rate(corpus, classifier):
    held_out = Corpus(corpus, held_out=True)
    audio, _ = read_section(held_out, held_out.names[0], "chorus", np.random.default_rng(0))
    a, b = classifier.classify(audio, RATE), classifier.classify(0.05 * audio, RATE)
    assert a.style == b.style and a.drums == pytest.approx(b.drums, abs=0.05) and a.bpm == b.bpm


def test_embedding_sets_kinds_of_music_apart(corpus, classifier):
    held_out = Corpus(corpus, held_out=True)
    rng = np.random.default_rng(0)
    clouds = {}
    for name in held_out.names:
        row = classifier.embed(read_section(held_out, name, "chorus", rng)[0], RATE)
        clouds.setdefault(held_out.facts[name]["style"], []).append(row)
    (a1, a2), (b1, _) = clouds["house"], clouds["ambient"]
    assert np.linalg.norm(a1.mean(0) - a2.mean(0)) < np.linalg.norm(a1.mean(0) - b1.mean(0))
