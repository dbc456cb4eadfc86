"""What windows are measured against renders the same music: it must be slower by its order of operations alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.acceleration import choose_runtime, prepare
from engine.checkpoints.checkpoint import load_checkpoint
from engine.models import unet
from engine.rendering.windows import FullRenderer
from tests.benchmarks.reference_flow import render_whole
from tests.tiny_model import write_tiny_model


def test_the_references_order_gives_what_one_window_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(load_checkpoint(write_tiny_model(tmp_path / "model")), choose_runtime("cpu"))
    tokens = torch.randint(0, 32, (60,), generator=torch.Generator().manual_seed(3)).tolist()
    whole = FullRenderer(prepared, 5).render(tokens, 0, len(tokens), ended=True)
    masks: list[torch.Tensor | None] = []
    attention, ours = F.scaled_dot_product_attention, unet.attend

    def watched(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attn_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        masks.append(attn_mask)
        return attention(query, key, value, attn_mask=attn_mask)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    audio = render_whole(prepared, tokens, 5)
    assert whole is not None and prepared.checkpoint.flow is not None
    np.testing.assert_allclose(audio, whole, atol=1e-5)
    assert np.abs(whole).max() > 0.01 and unet.attend is ours
    rows = [mask for mask in masks if mask is not None and torch.all(mask == 1)]
    steps = prepared.checkpoint.flow.config.steps
    assert len(rows) >= 2 * steps and len(rows) % (2 * steps) == 0  # each step asks twice
