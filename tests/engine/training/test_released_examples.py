"""Rows for a model in the published layout: where they lie in their piece, what ends, what is dropped."""

import numpy as np

from engine.corpus.dataset import Corpus
from engine.models.condition import SECTION_ROWS
from engine.training.released_examples import ReleasedExamples


def test_rows_say_where_they_are_and_the_last_one_ends(corpus):
    facts = Corpus(corpus)
    tokens = {name: np.arange(750, dtype=np.int16) % 60 for name in facts.names}
    examples = ReleasedExamples(facts, tokens, lambda text: [len(text) % 200 + 1], 75.0, stop=64)
    rng, ends, dropped, labels = np.random.default_rng(0), 0, 0, set()
    for _ in range(60):
        condition, row, targets, negative = examples.row(150, rng)
        first, last = float(condition.time_start), float(condition.time_end)
        assert condition.clock is None and row.shape == (1, 150) and targets.shape == (1, 151)
        count = round((last - first) * 75)
        assert row[0, 0] == round(first * 75) % 60 and (targets[0, :count] == row[0, :count]).all()
        ends += bool((targets == 64).any())
        assert (targets == 64).any() == (count < 150) or count == 150
        dropped, labels = dropped + bool(negative), labels | {int(condition.section)}
    assert ends and 0 < dropped < 30 and len(labels) > 1
    assert bool(examples.row(150, rng, audio_only=True)[3]) and not bool(examples.row(150, rng, drop=False)[3])


def test_pieces_without_tokens_are_left_out(corpus):
    facts = Corpus(corpus)
    only = facts.names[0]
    examples = ReleasedExamples(facts, {only: np.full(750, 7, np.int16)}, lambda text: [1], 75.0, stop=64)
    assert examples.names == [only] and len(facts.names) > 1
    _, row, *_ = examples.row(10, np.random.default_rng(0))
    assert (row == 7).all()


def test_a_caption_is_made_of_the_layers_of_the_section_it_stands_beside(corpus, monkeypatch):
    facts, captioned = Corpus(corpus), []
    monkeypatch.setattr("engine.training.released_examples.caption", lambda of, layers, _: captioned.append((of, layers)) or "x")
    examples = ReleasedExamples(facts, {name: np.zeros(750, np.int16) for name in facts.names}, lambda text: [1], 75.0, stop=64)
    rng = np.random.default_rng(0)
    rows = [int(examples.row(10, rng)[0].section) for _ in range(20)]
    assert len(captioned) == 20 and len(set(rows)) == 3
    for row, (of, layers) in zip(rows, captioned, strict=True):
        assert layers in [section["layers"] for section in of["sections"] if SECTION_ROWS[section["label"]] == row]
