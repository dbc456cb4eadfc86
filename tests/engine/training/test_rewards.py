"""Rewards of music whose tempo, key, style and drums are known."""

import numpy as np
import pytest

from engine.corpus.dataset import Corpus
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.excerpts import RATE
from engine.evaluation.prompts import Prompt
from engine.training.rewards import Reward
from tests.synthetic import clicks, progression, write_corpus

PROMPT = Prompt("techno, 120 bpm, A minor, drums", "house", 120, (9, "minor"), True)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    write_corpus(folder, pieces=14, held_out=4)
    return MusicClassifier.train(Corpus(folder))


def test_the_reward_falls_with_each_thing_that_is_not_as_asked(classifier):
    reward = Reward(classifier, RATE)
    music = progression("A minor", 120, 10, RATE) * 0.6
    beat = clicks(120, 10, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)[: len(music)]
    best = reward.of_chorus(music + beat, PROMPT)
    assert best == 6
    assert reward.of_chorus(music + clicks(131, 10, (0, 1, 2, 3), RATE)[: len(music)], PROMPT) <= best - 2
    assert reward.of_chorus(np.float64(0.6) * progression("Eb minor", 120, 10, RATE) + beat, PROMPT) == best - 2
    cut = music + beat
    cut[: 2 * RATE] = 0
    assert reward.of_chorus(cut, PROMPT) <= best - 1
    thin, full = reward.fullness(0.3 * music), reward.fullness(music + beat)
    assert (full > thin).all()


def test_a_continuation_that_sounds_like_its_source_is_nearer_to_it(classifier):
    reward = Reward(classifier, RATE)
    music = 0.6 * progression("A minor", 120, 16, RATE)
    beat = clicks(120, 16, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)[: len(music)]
    source, same = (music + beat)[: 8 * RATE], (music + beat)[8 * RATE :]
    others = (music[8 * RATE :], beat[8 * RATE :])
    assert reward.distance(same, source) < 0.5 * min(reward.distance(other, source) for other in others)
