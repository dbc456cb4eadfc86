"""Prompts that change what a clip plays: what the examples hold, and that learning them changes little else."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.corpus.dataset import Corpus
from engine.models.sketch.language_model import build_language_model
from engine.training import clip_editing as stage
from engine.training import vocabulary
from engine.training.clip_editing import ClipWindows, divergence, edit_loss, train
from engine.training.language_model import loss as cross_entropy
from engine.training.windows import NEGATIONS
from tests.engine.training.conftest import read_log
from tests.synthetic import write_corpus
from tests.tiny_model import TINY

CONFIG = replace(TINY.language_model, text_vocab_size=64)
FRAMES = 150


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """In the first, the third and the last piece, which is held out, drums come in after the intro."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, pieces=5, held_out=1)
    return folder


@pytest.fixture(scope="module")
def tokenizer(corpus):
    return vocabulary.build(vocabulary.caption_sample(list(Corpus(corpus).facts.values()), 20), CONFIG.text_vocab_size)


@pytest.fixture(scope="module")
def tokens(corpus, tmp_path_factory):
    """0 where there are no drums; where there are, 1 in the first half of a bar and 2 in the second."""
    path, found = tmp_path_factory.mktemp("tokens") / "tokens.npz", {}
    for folder in (Corpus(corpus), Corpus(corpus, held_out=True)):
        for name in folder.names:
            facts = folder.facts[name]
            drums = np.repeat(["drums" in s["layers"] for s in facts["sections"]], [s["frames"] for s in facts["sections"]])
            half = 1 + np.arange(len(drums)) % facts["bar_frames"] * 2 // facts["bar_frames"]
            found[name] = (drums * half).astype(np.int16)
    np.savez(path, **found)
    return path


@pytest.fixture
def clips(corpus, tokens, tokenizer):
    return ClipWindows(Corpus(corpus), dict(np.load(tokens)), tokenizer, FRAMES, CONFIG.stop_token)


def rows_of(clips, steps, draw):
    """Text, tokens, which of them count and clock of each row of some batches."""
    for step in range(steps):
        for batch in draw(clips, np.random.default_rng(step)):
            condition, tokens, targets, negative = batch
            assert not negative.any()
            yield from zip(condition.text.tolist(), tokens, targets[:, :-1] >= 0, condition.clock, strict=True)


def mentions(tokenizer, text):
    """Whether a caption asks for drums, excludes them, or does not mention them."""
    if any(tokenizer.token_to_id(word) in text for word in (*NEGATIONS, "drumless")):
        return "no drums"
    return "drums" if tokenizer.token_to_id("drums") in text else None


def test_prompts_name_the_edit_and_the_clip_is_no_target(clips, tokenizer):
    lengths, drums = [], []
    for text, row, counted, _ in rows_of(clips, 50, lambda clips, rng: clips.edits(4, rng, drop=False)[:1]):
        enter = bool(row[-1])
        assert (row[counted] > 0).all() == enter and (row[~counted] > 0).any() != enter
        assert mentions(tokenizer, text) == ("drums" if enter else "no drums")
        lengths.append((int((~counted).sum()), int(counted.sum())))
        drums.append(enter)
    prefix, played = np.array(lengths).T
    assert 0.5 < np.mean(drums) < 0.7
    assert max(prefix) == 100 and 0.15 < np.mean(prefix == 100) < 0.45 and 20 <= min(prefix) < 40
    assert max(played) <= 50 and 25 <= min(played) < 30


def test_the_same_clip_continues_unchanged_with_the_same_prompt(clips):
    edited, unchanged = clips.edits(8, np.random.default_rng(0))
    for name, column in vars(edited[0]).items():
        assert column is None or torch.equal(column, getattr(unchanged[0], name))
    prefix = edited[2][:, :-1] < 0
    assert torch.equal(edited[1][prefix], unchanged[1][prefix])
    assert ((edited[1] > 0) != (unchanged[1] > 0))[~prefix].all()


def test_the_edit_begins_a_phrase_and_its_clock_says_so(clips):
    for _, row, counted, clock in rows_of(clips, 25, lambda clips, rng: clips.edits(4, rng, drop=False)[:1]):
        join = int(counted.nonzero()[0])
        assert clock[join].tolist() == [0, 0] and clock[join - 1, 0] > 90 and clock[join - 1, 1] == 7
        if row[-1]:
            assert row[join] == 1
        else:
            assert row[join - 1] == 2


def test_a_clip_continues_unchanged_where_its_prompt_asks_for_no_change(clips, tokenizer):
    prompts, phrases = {True: [], False: []}, set()
    for text, row, counted, clock in rows_of(clips, 100, lambda clips, rng: [clips.unchanged(4, rng)]):
        plays = bool(row[-1])
        assert ((row > 0) == plays).all()
        prompts[plays].append(mentions(tokenizer, text))
        phrases.add(clock[int(counted.nonzero()[0])].tolist()[1])
    for plays, word in ((True, "drums"), (False, "no drums")):
        assert set(prompts[plays]) == {word, None} and 0.55 < np.mean([one is None for one in prompts[plays]]) < 0.85
    assert phrases == {-1, *range(8)}


def test_half_of_the_openings_are_intros_and_all_their_tokens_count(clips):
    intro, chorus = (torch.tensor([[stage.SECTION_ROWS[label]]]) for label in ("intro", "chorus"))
    rows = []
    for seed in range(20):
        condition, tokens, targets, negative = clips.openings(8, np.random.default_rng(seed))
        assert tokens.shape == (8, stage.OPENING_TOKENS) and torch.equal(targets[:, :-1], tokens) and not negative.any()
        assert (condition.clock[:, 0] == 0).all() and (condition.time_start == 0).all()
        rows += zip(condition.section, condition.text.tolist(), tokens, strict=True)
    intros = [row for row in rows if row[0] == intro]
    assert 0.35 < len(intros) / len(rows) < 0.65
    in_house = [clips.tokenizer.token_to_id("house") in text for _, text, _ in intros]
    assert any(in_house)
    for (_, _, tokens), house in zip(intros, in_house, strict=True):
        assert not (house and tokens.any())  # its drums come in later
    assert any(section == chorus and tokens.all() for section, _, tokens in rows)


def test_pieces_without_edits_only_continue(clips, corpus, tokens, tokenizer):
    pieces = Corpus(corpus)
    house = [name for name in pieces.names if pieces.facts[name]["style"] == "house"]
    assert list(clips.pairs) == house and len(house) == 2 and clips.names == pieces.names
    for facts in pieces.facts.values():
        facts["sections"][0]["build_up"] = 2
    assert ClipWindows(pieces, dict(np.load(tokens)), tokenizer, FRAMES, CONFIG.stop_token).pairs == {}


def test_pieces_that_are_nowhere_steady_are_left_out(corpus, tokens, tokenizer):
    pieces = Corpus(corpus)
    *_, last = pieces.names
    for name in pieces.names:
        for section in pieces.facts[name]["sections"] if name != last else ():
            section["build_up"] = 2
    clips = ClipWindows(pieces, dict(np.load(tokens)), tokenizer, FRAMES, CONFIG.stop_token)
    assert list(clips.steady) == [last] and clips.unchanged(20, np.random.default_rng(0))[1].shape[0] == 20


def test_divergence_is_zero_from_the_same_model_and_grows_with_distance(clips):
    torch.manual_seed(0)
    model, batch = build_language_model(CONFIG), clips.unchanged(4, np.random.default_rng(0))
    near, far = copy.deepcopy(model), copy.deepcopy(model)
    for other, by in ((near, 0.1), (far, 0.3)):
        with torch.no_grad():
            for weight in other.parameters():
                weight += by * weight.std().nan_to_num() * torch.randn_like(weight)
    assert divergence(model, model, batch).item() == pytest.approx(0, abs=1e-6)
    assert 0 < divergence(near, model, batch) < divergence(far, model, batch)


def test_the_first_tokens_after_the_join_make_the_margin(clips, monkeypatch):
    torch.manual_seed(0)
    model, (edited, unchanged) = build_language_model(CONFIG), clips.edits(4, np.random.default_rng(1))
    loss, margin = edit_loss(model, edited, unchanged)
    assert loss.item() == pytest.approx(cross_entropy(model, edited).item(), rel=1e-4)
    assert torch.equal(edit_loss(model, unchanged, edited)[1], -margin)
    assert (edit_loss(model, edited, edited)[1] == 0).all()
    monkeypatch.setattr(stage, "PREFERENCE_TOKENS", 10)
    early = edit_loss(model, edited, unchanged)[1]
    rest = [tokens.clone() for tokens in (edited[2], unchanged[2])]
    for targets in rest:
        targets[(targets >= 0).cumsum(1) > 10] = -100
    monkeypatch.undo()
    cut = [(*batch[:2], targets, batch[3]) for batch, targets in zip((edited, unchanged), rest, strict=True)]
    torch.testing.assert_close(edit_loss(model, *cut)[1], early)


def test_the_edit_is_learnt_and_the_rest_stays(corpus, tokens, tokenizer, tmp_path, monkeypatch, one_second_a_step):
    torch.manual_seed(0)
    model = build_language_model(CONFIG)
    parts = (tokenizer, corpus, tokens, tmp_path)
    reference = copy.deepcopy(model)
    changed = train(model, *parts, minutes=1, frames=FRAMES, lr=1e-2)
    log = read_log(tmp_path)
    assert log[-1]["held_out"] < 0.3 * np.log(CONFIG.audio_vocab_size) and log[0]["loss"] < np.log(CONFIG.audio_vocab_size)
    assert log[-1]["held_out_margin"] > 5 and log[0]["opening_divergence"] > 0
    train(copy.deepcopy(reference), *parts, minutes=1.1, frames=FRAMES, lr=1e-2)
    assert read_log(tmp_path)[: len(log)] == log and read_log(tmp_path)[-1]["step"] > 60  # it went on
    monkeypatch.setattr(stage, "divergence", lambda model, reference, batch: torch.zeros(()))
    loose = train(copy.deepcopy(reference), *parts[:-1], tmp_path / "loose", minutes=1, frames=FRAMES, lr=1e-2)
    clips = ClipWindows(Corpus(corpus), dict(np.load(tokens)), tokenizer, FRAMES, CONFIG.stop_token)
    for batch in (clips.batch(8, np.random.default_rng(0)), clips.openings(8, np.random.default_rng(0))):
        assert divergence(changed, reference, batch) < 0.1 * divergence(loose, reference, batch)
