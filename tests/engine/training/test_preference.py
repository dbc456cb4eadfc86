"""Preference learning: which candidates are paired, and that a model comes to prefer the chosen ones, seen or not."""

import copy
from dataclasses import replace

import numpy as np
import torch

from engine.corpus.dataset import Corpus
from engine.models.sketch.language_model import build_language_model
from engine.music.grid import Grid, clock
from engine.training import vocabulary
from engine.training.candidates import Candidates
from engine.training.preference import read_pairs, reward_margin, train
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY

CONFIG = TINY.language_model
FRAMES = 40


def sampled(rewards, first=None, prefix=0, frames=FRAMES, seed=0):
    """Random candidates, the first token of each as given."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, CONFIG.audio_vocab_size, (len(rewards), frames)).astype(np.int16)
    if first is not None:
        tokens[:, 0] = first
    before = rng.integers(0, CONFIG.audio_vocab_size, prefix).astype(np.int16)
    rows = clock(Grid(120.0), 50.0, -prefix, prefix + frames + 1)
    return Candidates(np.array([2, 3]), 1, 10.0, rows, before, tokens, np.array(rewards, float))


def test_the_best_is_paired_with_the_worst_and_equals_with_none(tmp_path):
    sampled([3, 1, 2, 4, 2], first=range(5)).save(tmp_path / "a.npz")
    sampled([2, 2, 2]).save(tmp_path / "b.npz")
    pairs, margins = read_pairs(sorted(tmp_path.iterdir()), np.random.default_rng(0))
    assert [(chosen["tokens"][0], rejected["tokens"][0]) for chosen, rejected in pairs][0] == (3, 1)
    assert len(pairs) == 2 and pairs[1][0]["tokens"][0] == 0  # a reward of three, against one of those with two
    assert margins.tolist() == [3, 1]


def test_before_training_nothing_is_preferred_and_the_prefix_does_not_count():
    torch.manual_seed(0)
    model, other = build_language_model(CONFIG), build_language_model(CONFIG)

    def pair(seed, **kind):
        made = sampled([1, 0], seed=seed, **kind)
        row = {"text": made.text.tolist(), "section": 1, "start": 0.0, "end": 10.0, "ends": False, "clock": made.clock}
        return tuple(row | {"tokens": np.concatenate([made.prefix, tokens])} for tokens in made.tokens)

    pairs = [pair(1), pair(2, prefix=16), pair(3, frames=20)]  # of different lengths
    torch.testing.assert_close(reward_margin(model, model, pairs), torch.zeros(3))
    together = reward_margin(model, other, pairs)
    torch.testing.assert_close(together, torch.cat([reward_margin(model, other, [p]) for p in pairs]), atol=0.05, rtol=0)
    assert (together.abs() > 0.1).all()
    same = (pairs[1][0], pairs[1][0])
    torch.testing.assert_close(reward_margin(model, other, [same]), torch.zeros(1))


def test_a_model_learns_to_prefer_higher_rewards_and_resumes(corpus, tmp_path, one_second_a_step):
    """Rewards for even tokens: what is learnt holds for candidates that were held out."""
    rng = np.random.default_rng(0)
    (tmp_path / "candidates").mkdir()
    for number in range(30):
        made = sampled([1, 0, 1, 0], seed=number)
        made.tokens[:] = 2 * rng.integers(0, CONFIG.audio_vocab_size // 2, made.tokens.shape)
        made.tokens[1::2] += 1
        made.save(tmp_path / "candidates" / f"{number:05d}-0.npz")
    found = Corpus(corpus).facts
    tokens = {name: np.arange(sum(s["frames"] for s in facts["sections"]), dtype=np.int16) % 32 for name, facts in found.items()}
    np.savez(tmp_path / "tokens.npz", **tokens)
    tokenizer = vocabulary.build(vocabulary.caption_sample(list(found.values()), 20), CONFIG.text_vocab_size)
    torch.manual_seed(0)
    reference = build_language_model(CONFIG)
    parts = (tokenizer, tmp_path / "candidates", corpus, tmp_path / "tokens.npz", tmp_path / "run")
    train(copy.deepcopy(reference), *parts, minutes=0.5, lr=1e-3)
    log = read_log(tmp_path / "run")
    assert log[-1]["held_out_preferred"] > 0.9 and log[-1]["held_out"] < 0.8 * np.log(2)
    assert log[-1]["step"] == 30
    train(copy.deepcopy(reference), *parts, minutes=0.6, lr=1e-3)
    resumed = read_log(tmp_path / "run")
    assert resumed[: len(log)] == log and resumed[-1]["step"] > 30
    torch.manual_seed(1)
    # Another model begins anew: its log holds nothing of that one.
    train(build_language_model(CONFIG), *parts, minutes=0.1, lr=1e-3)
    assert [row["step"] for row in read_log(tmp_path / "run")] == [6, 6]
    for path in (tmp_path / "candidates").iterdir():
        replace(Candidates.load(path), rewards=np.ones(4)).save(path)
    train(copy.deepcopy(reference), *parts, minutes=1, lr=1e-3)  # equal rewards: the corpus is still learnt from
    log = read_log(tmp_path / "run")
    assert [row["step"] for row in log] == [50, 60]
    assert all(row["anchor"] > 0 and "preference" not in row for row in log)
