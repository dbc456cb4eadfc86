"""Windows of recordings as the language model is trained on them, and its loss on those it is not."""

from __future__ import annotations

import numpy as np
import torch

from engine.checkpoints.checkpoint import Checkpoint
from engine.conditioning.tokenizer import load_text_encoder
from engine.models.condition import SECTION_ROWS
from engine.models.language_model import LanguageModel
from engine.music.grid import BARS_PER_PHRASE, Grid, clock
from engine.training.language_model import loss
from engine.training.recordings import Part
from engine.training.windows import (
    DROP_CLOCK,
    DROP_CONDITION,
    DROP_TEXT,
    NULL_ID,
    SHIFT_PHRASE,
    UNKNOWN_ID,
    UNKNOWN_WORDS,
    Batch,
    Example,
    collate,
)

LONGEST_S = 15.0  # for a model that looks back on all of a piece
LEAST_S = 1.0
VALIDATION_WINDOWS, VALIDATION_BATCH = 16, 4
DROP_TAG = 0.2  # each part of a caption, so that a few words are enough


class RecordedWindows:
    """Training examples from recordings: they begin on a bar and carry the recording's words and its musical time."""

    def __init__(self, parts: list[Part], checkpoint: Checkpoint) -> None:
        config, tokenizer = checkpoint.config, checkpoint.wavtokenizer
        self.parts, self.rate, self.views, self.stop = parts, config.token_rate, tokenizer.views, config.language_model.stop_token
        self.encode_text = load_text_encoder(checkpoint)
        self.unknown_words = UNKNOWN_WORDS if checkpoint.has_own_words else 0.0  # Qwen's tokenizer knows every word
        self.frames = min(config.max_tokens or round(LONGEST_S * self.rate), max(len(part.tokens) for part in parts))
        self.starts = [(part, start) for part in parts for start in self._starts(part)]

    def batch(self, count: int, rng: np.random.Generator, frames: int) -> Batch:
        """As `engine.training.windows.Windows.batch`."""
        chosen = (self.starts[i] for i in rng.integers(len(self.starts), size=count))
        rows = [self._window(part, start, frames, rng) for part, start in chosen]
        return *collate(rows, frames, self.stop), torch.from_numpy(rng.random(count) < DROP_CONDITION)

    def validation(self) -> list[Batch]:
        """The same batches every time, nothing dropped, no token twice."""
        places = [(part, start) for part in self.parts for start in range(0, len(part.tokens), self.frames)]
        places = [(part, start) for part, start in places if start == 0 or len(part.tokens) - start >= LEAST_S * self.rate]
        places = [places[i] for i in np.unique(np.linspace(0, len(places) - 1, VALIDATION_WINDOWS).round().astype(int))]
        rows = [self._window(part, start, self.frames, None) for part, start in places]
        groups = [rows[i : i + VALIDATION_BATCH] for i in range(0, len(rows), VALIDATION_BATCH)]
        return [(*collate(group, self.frames, self.stop), torch.zeros(len(group), dtype=torch.bool)) for group in groups]

    def _starts(self, part: Part) -> list[int]:
        """Where a part's bars begin, rounded down to whole groups of alternating tokens; every second where it has no bars."""
        size = len(part.tokens)
        if part.grid is None:
            begins = np.arange(0, size, max(1, round(self.rate)))
        else:
            begins = np.flatnonzero(np.diff(clock(part.grid, self.rate, part.first, size)[:, 0]) < 0) + 1
        begins = begins // self.views * self.views
        return sorted({0, *(int(begin) for begin in begins if size - begin >= LEAST_S * self.rate)})

    def _window(self, part: Part, start: int, frames: int, rng: np.random.Generator | None) -> Example:
        """rng: None to drop nothing."""
        here, text = part.tokens[start : start + frames], part.caption
        times = clock(part.grid or Grid(120.0), self.rate, part.first + start, frames + 1)
        length_s = len(here) / self.rate
        nowhere, ids = part.grid is None, None
        if rng is not None:
            nowhere = nowhere or rng.random() < DROP_CLOCK
            if rng.random() < SHIFT_PHRASE:
                times[:, 1] = (times[:, 1] + rng.integers(BARS_PER_PHRASE)) % BARS_PER_PHRASE
            length_s *= 2 ** rng.uniform(-1.5, 1.5)
            text = ", ".join(tag for tag in text.split(", ") if rng.random() >= DROP_TAG)
            dropped = rng.random() < DROP_TEXT
            ids = [NULL_ID if dropped else UNKNOWN_ID if rng.random() < self.unknown_words else i for i in self.encode_text(text)]
        if nowhere:
            times[:] = -1
        return {
            "text": self.encode_text(text) if ids is None else ids, "tokens": here, "section": SECTION_ROWS["verse"],
            "start": 0.0, "end": length_s, "ends": False, "clock": times,
        }  # fmt: skip


@torch.no_grad()
def measure(model: LanguageModel, validation: list[Batch], dtype: torch.dtype) -> float:
    """Mean cross-entropy in nats a token."""
    counts = [int((targets >= 0).sum()) for _, _, targets, _ in validation]
    return sum(loss(model, b, dtype).item() * n for b, n in zip(validation, counts, strict=True)) / sum(counts)
