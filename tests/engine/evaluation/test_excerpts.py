"""Excerpts of pieces: from a bar of the section that was asked for, at the classifier's rate."""

import numpy as np
import pytest
import soxr

from engine.corpus.dataset import Corpus
from engine.evaluation.excerpts import RATE, WINDOW_S, read_section, section_end_s, section_start_s, whole, with_key


def test_an_excerpt_begins_on_a_bar_of_its_section(corpus):
    held_out = Corpus(corpus, held_out=True)
    for name in held_out.names:
        facts = held_out.facts[name]
        bar_s = facts["bar_frames"] / 50
        audio, section = read_section(held_out, name, "chorus", np.random.default_rng(0))
        assert section["label"] == "chorus" and len(audio) == round(min(WINDOW_S, 4 * bar_s) * RATE)
        assert section_start_s(facts, "chorus") == pytest.approx(8 * bar_s)
        assert section_end_s(facts, "chorus") == pytest.approx(12 * bar_s)
        piece = held_out.read(name)
        starts = [round((8 + bar) * bar_s * 48_000) for bar in range(4)]
        bars = [soxr.resample(piece[start : start + 2 * len(audio)], 48_000, RATE)[: len(audio)] for start in starts]
        assert min(np.abs(audio[: len(bar)] - bar).max() for bar in bars) < 1e-4


def test_pieces_of_drums_alone_have_no_key(corpus):
    held_out = Corpus(corpus, held_out=True)
    assert with_key(held_out) == held_out.names
    held_out.facts[held_out.names[0]]["instruments"] = {"drums": "drums"}
    assert with_key(held_out) == held_out.names[1:]


def test_a_piece_without_one_of_the_sections_that_are_read_is_not_whole(corpus):
    held_out = Corpus(corpus, held_out=True)
    assert whole(held_out) == held_out.names
    facts = held_out.facts[held_out.names[0]]
    facts["sections"] = [section for section in facts["sections"] if section["label"] != "chorus"]
    assert whole(held_out) == held_out.names[1:]
