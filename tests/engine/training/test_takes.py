"""Takes are what the engine would play, judged by what is heard in them."""

import numpy as np
import pytest
import torch

from engine.acceleration import choose_runtime, prepare
from engine.api import AudioChunk, GenerationRequest
from engine.checkpoints.checkpoint import load_checkpoint
from engine.corpus.dataset import Corpus
from engine.evaluation.classifier import MusicClassifier
from engine.evaluation.excerpts import RATE
from engine.evaluation.prompts import Prompt
from engine.music.grid import Grid
from engine.pipeline import Pipeline
from engine.training import takes as stage
from engine.training.takes import CHORUSES, CONTINUATIONS, INTROS, Judge, Player, Takes, record, take_wish
from tests.synthetic import clicks, progression, write_corpus
from tests.tiny_model import write_tiny_model

PROMPT = Prompt("techno, 120 bpm, A minor, drums", "house", 120, (9, "minor"), True)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("tiny") / "model", max_tokens=800))


@pytest.fixture(scope="module")
def player(model):
    return Player(prepare(load_checkpoint(model), choose_runtime("cpu")))


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    write_corpus(folder, pieces=14, held_out=4)
    return MusicClassifier.train(Corpus(folder))


def test_takes_are_the_variations_that_the_engine_plays(model, player):
    asked = {"prompt": "techno, 120 bpm", "duration_s": 4.0, "seed": 7, "variations": 3, "guidance": 3.0, "section": "chorus"}
    takes, sounds = player.play(GenerationRequest(**asked), Grid(120.0))
    played = {number: [] for number in (1, 2, 3)}
    for event in Pipeline("cpu").generate(GenerationRequest(**asked, model=model, decode="fast")):
        if isinstance(event, AudioChunk):
            played[event.variation].append(event.samples[:, 0])
    assert takes.tokens.shape == (3, round(4 * player.config.token_rate)) and len(takes.clock) == takes.tokens.shape[1] + 1
    for number, sound in enumerate(sounds, 1):
        whole = np.concatenate(played[number])
        until = len(whole) - round(0.3 * len(whole) / 4)  # the engine fades pieces out
        np.testing.assert_allclose(sound[:until], whole[:until], atol=1e-4)


def test_a_continuation_begins_where_what_was_heard_ends(player):
    heard = [int(token) for token in np.random.default_rng(0).integers(0, 32, 100)]
    request = GenerationRequest(prompt="120 bpm", duration_s=2.0, seed=1, variations=2, guidance=1.0)
    takes, sounds = player.play(request, Grid(120.0, 4, 16.0), heard)
    rate = player.config.token_rate
    assert takes.heard.tolist() == heard and len(takes.clock) == 100 + round(2 * rate) + 1
    assert takes.clock[100].tolist() == [0, 4]  # beat 16: the fifth bar's first
    samples = round(2 * player.config.wavtokenizer.sample_rate)
    assert [len(sound) for sound in sounds] == [samples, samples]


def test_what_is_asked_for_and_heard_gives_points(listener):
    judge = Judge(listener, RATE)
    music = progression("A minor", 120, 10, RATE) * 0.6
    beat = clicks(120, 10, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)[: len(music)]
    best = judge.fulfilled(music + beat, PROMPT)
    assert best == 6
    assert judge.fulfilled(music + clicks(131, 10, (0, 1, 2, 3), RATE)[: len(music)], PROMPT) <= best - 2
    assert judge.fulfilled(np.float64(0.6) * progression("Eb minor", 120, 10, RATE) + beat, PROMPT) == best - 2
    cut = music + beat
    cut[: 2 * RATE] = 0
    assert judge.fulfilled(cut, PROMPT) <= best - 1
    thin, full = judge.fullness(0.3 * music), judge.fullness(music + beat)
    assert (full > thin).all()


def test_of_a_wish_the_fuller_choruses_and_the_thinner_intros_get_a_point_more(player):
    """A judge to whom each sound is as full as its number says."""

    class Counting:
        def __init__(self):
            self.numbers = iter([*range(10, 10 + CHORUSES), 0, 1, 30, 40])

        def fullness(self, sound):
            return np.array([next(self.numbers)] * 2)

        def fulfilled(self, sound, prompt):
            return 2.0

        recognised = fulfilled

    chorus, intro = take_wish(player, Counting(), PROMPT, seed=3)
    assert chorus.points.tolist() == [2.0] * CHORUSES  # half of the intros are fuller than any: the median lies between
    assert intro.points.tolist() == [4.0, 4.0, 2.0, 2.0]
    assert (chorus.section, intro.section) == (1, 0) and len(intro.tokens) == INTROS


def test_takes_are_kept_and_only_what_is_missing_is_played(corpus, model, listener, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "TAKE_S", 2.0)
    tokens = tmp_path / "tokens.npz"
    frames = {name: sum(s["frames"] for s in facts["sections"]) for name, facts in Corpus(corpus).facts.items()}
    np.savez(tokens, **{name: np.arange(count, dtype=np.int16) % 32 for name, count in frames.items()})
    again = lambda: record(corpus, tokens, model, tmp_path / "takes", minutes=0, listener=listener, part=(2, 1))  # noqa: E731
    again()
    assert sorted(path.name for path in (tmp_path / "takes").iterdir()) == ["00002-0.npz", "00002-1.npz"]
    again()
    files = sorted((tmp_path / "takes").iterdir())
    assert [path.name for path in files] == ["00002-0.npz", "00002-1.npz", "00003-0.npz"]
    continued = Takes.load(files[2])  # every second one goes on from a piece of the corpus
    assert len(continued.heard) == stage.HEARD_TOKENS and len(continued.points) == CONTINUATIONS
    before, written = Takes.load(files[0]), files[2].stat().st_mtime_ns
    files[0].unlink()
    torch.manual_seed(5)
    again()
    after = Takes.load(files[0])
    assert np.array_equal(after.tokens, before.tokens) and np.array_equal(after.points, before.points)
    assert sorted((tmp_path / "takes").iterdir()) == files and files[2].stat().st_mtime_ns == written


def test_a_continuation_that_sounds_like_its_source_is_nearer_to_it(listener):
    judge = Judge(listener, RATE)
    music = 0.6 * progression("A minor", 120, 16, RATE)
    beat = clicks(120, 16, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)[: len(music)]
    source, same = (music + beat)[: 8 * RATE], (music + beat)[8 * RATE :]
    others = (music[8 * RATE :], beat[8 * RATE :])
    assert judge.apart(same, source) < 0.5 * min(judge.apart(other, source) for other in others)
