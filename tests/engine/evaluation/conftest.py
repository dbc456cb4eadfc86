"""A corpus of synthetic pieces and what is learnt from it."""

import pytest

from engine.corpus.dataset import Corpus
from engine.evaluation.classifier import MusicClassifier
from tests.synthetic import write_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, pieces=14, held_out=4)
    return folder


@pytest.fixture(scope="session")
def classifier(corpus):
    return MusicClassifier.train(Corpus(corpus))
