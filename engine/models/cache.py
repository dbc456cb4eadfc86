"""Keys and values of what a generation has read so far."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.config import LanguageModelConfig
from engine.models.language_model import rope_tables


class KVCache:
    """Keys and values of every layer, [2, rows, kv heads, capacity, d] each, and how many positions are filled.

    All rows end at one position; a shorter one begins later, and `mask` hides what lies before.
    """

    def __init__(
        self,
        config: LanguageModelConfig,
        lengths: Sequence[int],
        rows: Sequence[int],
        capacity: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """lengths: positions of each branch before the first token; rows: how many rows each has."""
        self.filled, self.capacity = max(lengths), capacity
        shape = (2, sum(rows), config.num_key_value_heads, capacity, config.head_dim)
        # Zeros, as what a mask hides is still multiplied, by nothing, and must not be infinite.
        self.layers = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.num_hidden_layers)]
        self.rope = [table.to(dtype) for table in rope_tables(config, capacity, device)]
        self.mask: Tensor | None = None  # [rows, 1, 1, capacity], added to attention's scores; None: every row sees all
        if min(lengths) != self.filled:
            begins = self.filled - torch.tensor(lengths, device=device).repeat_interleave(torch.tensor(rows, device=device))
            hidden = torch.arange(capacity, device=device) < begins[:, None, None, None]
            self.mask = torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill(hidden, -torch.inf)

    def rope_at(self, first: int, end: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine of positions, [end - first, 1, d] each."""
        cos, sin = (table[first:end, None] for table in self.rope)
        return cos, sin
