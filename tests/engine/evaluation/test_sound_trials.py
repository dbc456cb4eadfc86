"""Loudness, peaks and width are judged as meters read them, and takes by how far they are apart."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.evaluation.prompts import draw_prompts
from engine.evaluation.sound_trials import SEEDS, apart, diversity_trial, sound_trial
from tests.synthetic import noise, write_corpus

RATE = 24_000


def judged(audio):
    model = SimpleNamespace(play_channels=lambda **request: (audio.astype(np.float32), RATE, None))
    return sound_trial(model, draw_prompts(2))


def wide(middle_db, side_db):
    middle, side = noise(6, RATE), np.roll(noise(6, RATE), 7777)
    middle, side = (part / np.std(part) * 10 ** (db / 20) for part, db in ((middle, middle_db), (side, middle_db + side_db)))
    return np.stack([middle + side, middle - side], axis=1)


def test_a_good_result_meets_all_three():
    loudness, peaks, side = judged(0.3 * wide(-16, -10))
    assert loudness.met is False  # too soft
    loudness, peaks, side = judged(wide(-20, -10))
    assert (loudness.value, peaks.value, side.value) == (100, 100, 100) and loudness.count == 2
    assert "mean -10.0 dB" in side.note


@pytest.mark.parametrize(
    ("audio", "failed"),
    [(wide(-34, -10), 0), (wide(-20, -40), 2), (wide(-20, -3), 2), (0.2 * noise(6, RATE)[:, None], 2)],
    ids=["soft", "mono", "too wide", "one channel"],
)
def test_each_fault_fails_its_own_row(audio, failed):
    assert judged(audio)[failed].value == 0


def test_a_peak_between_the_samples_counts():
    tone = np.sin(np.pi / 2 * np.arange(6 * RATE) + np.pi / 4)[:, None].repeat(2, 1)
    assert judged(tone)[1].value == 0 and np.abs(tone).max() < 0.72


def test_takes_that_are_all_alike_are_not_apart(tmp_path):
    write_corpus(tmp_path, pieces=4, held_out=4)
    from engine.corpus.dataset import Corpus

    held_out = Corpus(tmp_path, held_out=True)
    rng = np.random.default_rng(0)
    model = SimpleNamespace(play=lambda **request: (np.full(100, request["seed"]), RATE, None))

    def spread(by):
        classifier = SimpleNamespace(embed=lambda audio, rate: rng.normal(size=(1, 4)) * (by if len(audio) == 100 else 1.0))
        return diversity_trial(model, draw_prompts(3), classifier, held_out)

    alike, various = spread(0.0), spread(1.0)
    if alike.value is None:
        assert "no two" in alike.note
    else:
        assert alike.value == 0 and alike.met is False and various.value == pytest.approx(1, abs=0.4)
        assert alike.count == 3 * SEEDS


def test_apart_is_the_mean_distance_of_pairs():
    assert apart([np.zeros(2), np.array([3.0, 4.0]), np.zeros(2)]) == pytest.approx(10 / 3)
