"""Training examples for a model in InspireMusic's published layout: spans of a corpus' tokens with caption, time span and label.

One row at a time: the published models read captions of any length, and one filled up to another's would say something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from engine.arrays import TokenArray
from engine.corpus.captions import caption
from engine.corpus.dataset import Corpus
from engine.models.condition import SECTION_ROWS
from engine.training.windows import Batch, Example, collate

DROPPED = 0.2  # share of rows without their conditions, as in the published training


class ReleasedExamples:
    """Spans that begin anywhere in a section; a piece's last one ends with the stop token."""

    def __init__(
        self, corpus: Corpus, tokens: dict[str, TokenArray], encode: Callable[[str], list[int]], token_rate: float, stop: int
    ) -> None:
        """tokens: [frames] of each piece at `token_rate` Hz. encode: text → ids, the model's own tokenizer."""
        self._corpus, self._tokens, self._encode, self._rate, self._stop = corpus, tokens, encode, token_rate, stop
        self.names = [name for name in corpus.names if name in tokens]

    def row(self, frames: int, rng: np.random.Generator, *, audio_only: bool = False, drop: bool = True) -> Batch:
        """A batch of one. audio_only: without conditions, as in the first stage."""
        name = str(rng.choice(self.names))
        facts, tokens = self._corpus.facts[name], self._tokens[name]
        sections = facts["sections"]
        per_frame = len(tokens) / sum(section["frames"] for section in sections)  # tokens a frame of the facts
        section = sections[int(rng.integers(len(sections)))]
        first = round((section["first_frame"] + float(rng.random()) * section["frames"]) * per_frame)
        first = max(0, min(first, len(tokens) - 1))
        here = tokens[first : first + frames]
        text = self._encode(caption(facts, section["layers"], rng))
        example: Example = {
            "text": text, "tokens": here, "section": SECTION_ROWS[section["label"]], "start": first / self._rate,
            "end": (first + len(here)) / self._rate, "ends": first + len(here) == len(tokens) and len(here) < frames,
            "clock": np.zeros((frames + 1, 2), np.float32),
        }  # fmt: skip
        condition, row, targets = collate([example], frames, self._stop)
        negative = audio_only or (drop and bool(rng.random() < DROPPED))
        return replace(condition, clock=None), row, targets, torch.tensor([negative])
