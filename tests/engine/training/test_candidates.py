"""Candidates are what the engine would play, and their rewards follow from how they sound."""

import numpy as np
import pytest
import torch

from engine import music_job
from engine.acceleration import choose_runtime, prepare
from engine.api import AudioChunk, GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.corpus.dataset import Corpus
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.prompts import Prompt
from engine.music.grid import Grid
from engine.pipeline import Pipeline
from engine.rendering.loudness import MOST_DB_S
from engine.training import candidates as stage
from engine.training.candidates import CHORUSES, CONTINUATIONS, INTROS, Candidates, Sampler, collect, sample_prompt
from tests.synthetic import write_corpus
from tests.tiny_model import write_tiny_model

PROMPT = Prompt("techno, 120 bpm, A minor, drums", "house", 120, (9, "minor"), True)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("tiny") / "model", max_tokens=800))


@pytest.fixture(scope="module")
def sampler(model):
    return Sampler(prepare(load_checkpoint(model), choose_runtime("cpu")))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    write_corpus(folder, pieces=14, held_out=4)
    return MusicClassifier.train(Corpus(folder))


def test_candidates_are_the_variations_that_the_engine_plays(model, sampler, monkeypatch):
    monkeypatch.setattr(music_job, "TARGET_LUFS", -24.0)  # so soft that the limiter has nothing to do
    asked = {"prompt": "techno, 120 bpm", "duration_s": 4.0, "seed": 7, "variations": 3, "guidance": 3.0, "section": "chorus"}
    candidates, sounds = sampler.sample(GenerationRequest(**asked), Grid(120.0))
    played = {number: [] for number in (1, 2, 3)}
    for event in Pipeline("cpu").generate(GenerationRequest(**asked, model=model, decode="fast")):
        if isinstance(event, AudioChunk):
            played[event.variation].append(event.samples[:, 0])
    assert candidates.tokens.shape == (3, round(4 * sampler.config.token_rate))
    assert len(candidates.clock) == candidates.tokens.shape[1] + 1
    for number, sound in enumerate(sounds, 1):
        whole = np.concatenate(played[number])
        until = len(whole) - round(0.3 * len(whole) / 4)  # the engine fades pieces out
        assert_same_but_for_loudness(sound[:until], whole[:until], sampler.config.wavtokenizer.sample_rate)


def assert_same_but_for_loudness(sound, played, rate):
    """The engine brings what it plays to its loudness, by a gain that moves slowly; candidates are as the model plays them."""
    size, gains = rate // 40, []
    for start in range(0, len(sound) - size + 1, size):
        raw, out = sound[start : start + size].astype(np.float64), played[start : start + size].astype(np.float64)
        gains.append(raw @ out / (raw @ raw))
        np.testing.assert_allclose(out, gains[-1] * raw, rtol=2e-3, atol=1e-4)  # 1 dB a second, within 25 ms
    assert np.abs(np.diff(20 * np.log10(gains))).max() < 2 * MOST_DB_S * size / rate and min(gains) > 0


def test_a_continuation_begins_where_its_prefix_ends(sampler):
    prefix = [int(token) for token in np.random.default_rng(0).integers(0, 32, 100)]
    request = GenerationRequest(prompt="120 bpm", duration_s=2.0, seed=1, variations=2, guidance=1.0)
    candidates, sounds = sampler.sample(request, Grid(120.0, 4, 16.0), prefix)
    rate = sampler.config.token_rate
    assert candidates.prefix.tolist() == prefix and len(candidates.clock) == 100 + round(2 * rate) + 1
    assert candidates.clock[100].tolist() == [0, 4]  # beat 16: the fifth bar's first
    samples = round(2 * sampler.config.wavtokenizer.sample_rate)
    assert [len(sound) for sound in sounds] == [samples, samples]


def test_fuller_choruses_and_thinner_intros_have_a_higher_reward(sampler):
    """With a reward to which each sound is as full as its number says."""

    class Counting:
        def __init__(self):
            self.numbers = iter([*range(10, 10 + CHORUSES), 0, 1, 30, 40])

        def fullness(self, sound):
            return np.array([next(self.numbers)] * 2)

        def of_chorus(self, sound, prompt):
            return 2.0

        of_intro = of_chorus

    chorus, intro = sample_prompt(sampler, Counting(), PROMPT, seed=3)
    assert chorus.rewards.tolist() == [2.0] * CHORUSES  # half of the intros are fuller than any: the median lies between
    assert intro.rewards.tolist() == [4.0, 4.0, 2.0, 2.0]
    assert (chorus.section, intro.section) == (1, 0) and len(intro.tokens) == INTROS


def test_candidates_are_kept_and_only_what_is_missing_is_sampled(corpus, model, classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "CANDIDATE_S", 2.0)
    tokens = tmp_path / "tokens.npz"
    frames = {name: sum(s["frames"] for s in facts["sections"]) for name, facts in Corpus(corpus).facts.items()}
    np.savez(tokens, **{name: np.arange(count, dtype=np.int16) % 32 for name, count in frames.items()})
    again = lambda: collect(corpus, tokens, model, tmp_path / "candidates", minutes=0, classifier=classifier, part=(2, 1))  # noqa: E731
    again()
    assert sorted(path.name for path in (tmp_path / "candidates").iterdir()) == ["00002-0.npz", "00002-1.npz"]
    again()
    files = sorted((tmp_path / "candidates").iterdir())
    assert [path.name for path in files] == ["00002-0.npz", "00002-1.npz", "00003-0.npz"]
    continued = Candidates.load(files[2])  # every second one goes on from a piece of the corpus
    assert len(continued.prefix) == stage.PREFIX_TOKENS and len(continued.rewards) == CONTINUATIONS
    before, written = Candidates.load(files[0]), files[2].stat().st_mtime_ns
    files[0].unlink()
    torch.manual_seed(5)
    again()
    after = Candidates.load(files[0])
    assert np.array_equal(after.tokens, before.tokens) and np.array_equal(after.rewards, before.rewards)
    assert sorted((tmp_path / "candidates").iterdir()) == files and files[2].stat().st_mtime_ns == written
