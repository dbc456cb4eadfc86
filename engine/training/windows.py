"""Training examples from a corpus: windows of its tokens with their captions, time spans, labels and musical time.

Windows begin on a bar; each carries the caption of the section it begins in. Conditions are dropped for guidance exactly as the
negative branch is built at inference (`LanguageModelConfig.negative` "null").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from engine.arrays import TokenArray
from engine.corpus.captions import caption
from engine.corpus.dataset import Corpus
from engine.corpus.facts import PieceFacts, SectionFacts
from engine.corpus.piece import FRAME_RATE
from engine.models.condition import SECTION_ROWS, Condition
from engine.music.grid import BARS_PER_PHRASE, Grid, clock

DROP_CONDITION = 0.15
DROP_TEXT = 0.1  # the text alone, so that continuations without words are at home
# Share of windows that repeat their first one, two or four bars to the end, as a producer loops them.
LOOPS = 0.25
# Share of windows that repeat their section where it ends. The others go on to the next, up to the outro, which is played only
# where it is asked for: it sounds as if the band had left.
KEEP_SECTION = 0.9
DRUMLESS = 1.5  # oversampling of pieces without drums in styles that have them: few prompts say "no drums"
# Share of captions that say what plays in the whole piece, not in this section of it: to ask for drums is not to ask for them in
# the intro.
WHOLE_PIECE = 0.5
BUILD_UPS = 3.0  # oversampling of pieces with a build-up, and in them of the section that has it
SEEN_WHOLE = 0.7  # share of its windows that begin late enough for the drop, or in the build-up where they are too short for it
DROP_CLOCK = 0.05  # so that a recording without a beat can be continued
SHIFT_PHRASE = 0.2  # so that a clip may begin anywhere in its phrase
UNKNOWN_WORDS = 0.04  # share of words replaced, and as many put in before a word, so that an unknown word changes little
NEGATIONS = ("no", "without")  # never replaced: "heavy drums" would come to mean "no drums"
NULL_ID, UNKNOWN_ID = 0, 1

Batch = tuple[Condition, Tensor, Tensor, Tensor]  # condition, tokens [B, W], targets [B, W + 1] (-100: not counted), negative [B]


class Example(TypedDict):
    """One row of a batch."""

    text: list[int]  # ids
    tokens: TokenArray  # [W]
    section: int  # see SECTION_ROWS
    start: float  # of the time span, seconds
    end: float
    ends: bool  # whether the piece ends with the last token: stop is then a target
    clock: NDArray[np.int64]  # [W + 1, 2], see `engine.music.grid.clock`
    given: NotRequired[int]  # so many first tokens are no targets


class Windows:
    """Training examples from a corpus: (condition, tokens, targets)."""

    def __init__(self, corpus: Corpus, tokens: dict[str, TokenArray], tokenizer: Tokenizer, frames: int, stop: int):
        self.corpus, self.tokens, self.tokenizer, self.frames, self.stop = corpus, tokens, tokenizer, frames, stop
        self.names = [name for name in corpus.names if name in tokens]
        with_drums = {corpus.facts[name]["style"] for name in self.names if "drums" in corpus.facts[name]["instruments"]}
        weights = np.array([_weight(corpus.facts[name], with_drums) for name in self.names])
        self.shares = weights / weights.sum()
        self.negations = {tokenizer.token_to_id(word) for word in NEGATIONS}

    def batch(self, count: int, rng: np.random.Generator, *, drop: bool = True, frames: int | None = None) -> Batch:
        """frames: of each window if not the longest."""
        frames = frames or self.frames
        names = rng.choice(self.names, count, p=self.shares if drop else None)
        rows = [self._window(str(name), frames, rng, drop) for name in names]
        negative = torch.from_numpy(rng.random(count) < (DROP_CONDITION if drop else 0.0))
        return *collate(rows, frames, self.stop), negative

    def _window(self, name: str, frames: int, rng: np.random.Generator, drop: bool) -> Example:
        facts, tokens = self.corpus.facts[name], self.tokens[name]
        sections = facts["sections"]
        bar = facts["bar_frames"]
        weights = np.array([s["frames"] * (BUILD_UPS if "build_up" in s else 1) for s in sections], float)
        section = sections[rng.choice(len(sections), p=weights / weights.sum())]
        bars = section["frames"] // bar
        offset = 0 if rng.random() < 0.4 else int(rng.integers(bars))
        rises = section.get("build_up", 0)  # and leads to the next
        if rises and rng.random() < SEEN_WHOLE:
            offset = int(rng.integers(max(0, bars - max(rises, frames // bar - 1)), bars))
        first = section["first_frame"] + offset * bar
        here = tokens[first : first + frames]
        if section is not sections[-1] and not rises:
            here = _repeat_section(tokens, section if rng.random() < KEEP_SECTION else sections[-2], first, frames)
        if looped := drop and not rises and rng.random() < LOOPS:
            here = np.resize(here[: int(rng.choice((1, 2, 2, 4))) * bar], frames)
        times = clock(Grid(facts["bpm"], facts["beats"]), FRAME_RATE, first - section["first_frame"], frames + 1)
        if looped or (drop and rng.random() < SHIFT_PHRASE):
            times[:, 1] = (times[:, 1] + rng.integers(BARS_PER_PHRASE)) % BARS_PER_PHRASE
        if drop and rng.random() < DROP_CLOCK:
            times[:] = -1
        # A span from nothing to anything, as requests state it; else the window's place in its piece.
        alone = rng.random() < 0.6
        length_s = len(here) / FRAME_RATE * 2 ** rng.uniform(-1.5, 1.5)
        piece_end = first + len(here) == len(tokens)
        described = sections if rng.random() < WHOLE_PIECE else [section]
        layers = sorted({layer for part in described for layer in part["layers"]})
        text = self.tokenizer.encode(caption(facts, layers, rng, build_up=bool(rises))).ids
        if drop and rng.random() < DROP_TEXT:
            text = [NULL_ID] * len(text)
        elif drop:
            text = with_unknown_words(text, self.negations, rng)
        return {
            "text": text, "tokens": here, "section": SECTION_ROWS[section["label"]],
            "start": 0.0 if alone else first / FRAME_RATE, "end": length_s if alone else len(tokens) / FRAME_RATE,
            "ends": piece_end and not looped and len(here) < frames, "clock": times,
        }  # fmt: skip


def without_conditions(batch: Batch) -> Batch:
    """All rows as the negative one: what is left to learn from is audio and musical time."""
    return *batch[:3], torch.ones_like(batch[3])


def with_unknown_words(text: list[int], kept: set[int | None], rng: np.random.Generator) -> list[int]:
    """`text` with some words unknown and some unknown words put in; those in `kept` are what they were."""
    words: list[int] = []
    for word in text:
        words += [UNKNOWN_ID] * (rng.random() < UNKNOWN_WORDS)
        words.append(UNKNOWN_ID if word not in kept and rng.random() < UNKNOWN_WORDS else word)
    return words


def _weight(facts: PieceFacts, styles_with_drums: set[str]) -> float:
    if any("build_up" in section for section in facts["sections"]):
        return BUILD_UPS
    return DRUMLESS if "drums" not in facts["instruments"] and facts["style"] in styles_with_drums else 1.0


def collate(rows: Sequence[Example], frames: int, stop: int) -> tuple[Condition, Tensor, Tensor]:
    """Rows of different lengths as Condition, tokens [B, frames] and targets [B, frames + 1] (-100: not counted, as are as many
    of a row's first tokens as are "given").
    """
    longest = max(len(r["text"]) for r in rows)
    text = torch.tensor([r["text"] + [NULL_ID] * (longest - len(r["text"])) for r in rows])
    start = torch.tensor([[r["start"]] for r in rows])
    end = torch.tensor([[r["end"]] for r in rows])
    section = torch.tensor([[r["section"]] for r in rows])
    tokens = torch.zeros(len(rows), frames, dtype=torch.long)
    targets = torch.full((len(rows), frames + 1), -100)
    for i, r in enumerate(rows):
        tokens[i, : len(r["tokens"])] = torch.from_numpy(r["tokens"].astype(np.int64))
        given = r.get("given", 0)
        targets[i, given : len(r["tokens"])] = tokens[i, given : len(r["tokens"])]
        if r["ends"]:
            targets[i, len(r["tokens"])] = stop
    times = torch.from_numpy(np.stack([r["clock"] for r in rows]))
    return Condition(text, start, end, section, times), tokens, targets


def _repeat_section(tokens: TokenArray, last: SectionFacts, first: int, frames: int) -> TokenArray:
    """`frames` tokens from `first` on; where section `last` ends, it is played again."""
    begin, end = last["first_frame"], last["first_frame"] + last["frames"]
    here = tokens[first:end][:frames]
    return np.concatenate([here, np.resize(tokens[begin:end], frames - len(here))])
