"""Sections of a corpus' pieces, as the evaluation plays and measures them."""

from __future__ import annotations

import numpy as np
import soxr

from engine.arrays import Audio
from engine.corpus.dataset import SAMPLE_RATE as CORPUS_RATE
from engine.corpus.dataset import Corpus
from engine.corpus.facts import PieceFacts, SectionFacts, has_key, section_of

RATE = 24_000  # Hz of everything that is classified: no path of a model is recognised by its bandwidth
WINDOW_S = 8.0
MEASURED = ("intro", "verse", "chorus")  # sections that trials read


def with_key(corpus: Corpus) -> list[str]:
    """The pieces in which more than drums play."""
    return [name for name in corpus.names if has_key(corpus.facts[name])]


def whole(corpus: Corpus) -> list[str]:
    """The pieces that have each section that is MEASURED: of a short one there may be an intro alone."""
    return [name for name in corpus.names if {section["label"] for section in corpus.facts[name]["sections"]} >= {*MEASURED}]


def read_section(corpus: Corpus, name: str, label: str, rng: np.random.Generator) -> tuple[Audio, SectionFacts]:
    """WINDOW_S seconds at RATE from a random bar of a piece's section, or the whole section where it is shorter; its facts."""
    facts = corpus.facts[name]
    section = section_of(facts, label)
    frame_rate = _frame_rate(facts)
    first_bar = int(rng.integers(max(0, section["frames"] - round(WINDOW_S * frame_rate)) // facts["bar_frames"] + 1))
    offset = first_bar * facts["bar_frames"]
    seconds = min(WINDOW_S, (section["frames"] - offset) / frame_rate)
    start_s = section_start_s(facts, label) + offset / frame_rate
    audio = corpus.read(name, round(start_s * CORPUS_RATE), round(seconds * CORPUS_RATE))
    resampled: Audio = soxr.resample(audio, CORPUS_RATE, RATE)
    return resampled, section


def section_start_s(facts: PieceFacts, label: str) -> float:
    """Where the first section of this label begins in its piece."""
    return section_of(facts, label)["first_frame"] / _frame_rate(facts)


def section_end_s(facts: PieceFacts, label: str) -> float:
    """Where it ends."""
    section = section_of(facts, label)
    return (section["first_frame"] + section["frames"]) / _frame_rate(facts)


def _frame_rate(facts: PieceFacts) -> float:
    """Of the token frames that a corpus' sections are counted in."""
    return sum(s["frames"] for s in facts["sections"]) / facts["seconds"]
