"""What the language model is asked for, as tensors. B pieces, L text tokens, n sections of a piece."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Rows of the label table as they were trained. The reference swaps verse and chorus when it generates; we do not.
SECTION_ROWS = {"intro": 0, "chorus": 1, "verse": 2, "verse2": 3, "outro": 4}


@dataclass(frozen=True)
class Condition:
    """What a piece should be. `time_start`, `time_end`, `section`: one column for each of n sections of the piece."""

    text: Tensor  # [B, L] token ids
    time_start: Tensor  # [B, n] seconds; these two may stay on the CPU
    time_end: Tensor  # [B, n] seconds
    section: Tensor  # [B, n] rows, see SECTION_ROWS
    # [B, frames, 2] rows, see `engine.music.grid.clock`: where in its bar and phrase each audio frame lies, from the first of the
    # prompt on, one more than are made; -1: nowhere. None for all of them, and for a model without such tables.
    clock: Tensor | None = None
    negative_text: Tensor | None = None  # [B, L] token ids of a negative prompt; None: none. Only generation reads it.
    scale: Tensor | None = None  # [B] pitch classes of major scales to make likelier; None: none. Only generation reads it.

    def to(self, device: torch.device) -> Condition:
        return Condition(**{name: column.to(device) for name, column in vars(self).items() if column is not None})
