"""Flow and vocoder in the order of operations of InspireMusic's own code, with our networks: what windows are measured against.

All tokens are encoded at once. Each of the solver's ten steps asks the velocity network twice, one row each: with `mu` and with
zeros. Attention gets a mask of ones that is added to the scores of all pairs of frames, which changes nothing of the result. The
vocoder then runs once over all latents. Everything is float32, as it is there outside of its batch mode.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.acceleration import Prepared
from engine.models import unet
from engine.models.flow_matching import step_times
from engine.rendering.windows import FullRenderer


@torch.inference_mode()
def render_whole(prepared: Prepared, tokens: list[int], seed: int) -> np.ndarray:
    """Tokens → audio [N] of the whole piece, from the noise that `seed` gives the engine's windows."""
    renderer = FullRenderer(prepared, seed)
    flow, codec = renderer.flow, renderer.codec
    mu = flow.encode(torch.tensor([tokens], device=renderer.device)).transpose(1, 2)
    x, times, rate = renderer.noise(0, mu.shape[-1]).to(mu), step_times(flow.config.steps), flow.config.guidance_rate
    with added_masks():
        for t, t_next in zip(times, times[1:], strict=False):
            at = x.new_full((1,), t)
            conditional = flow.velocity(x, at, mu)
            unconditional = flow.velocity(x, at, torch.zeros_like(mu))
            x = x + (t_next - t) * ((1 + rate) * conditional - rate * unconditional)
    audio: np.ndarray = codec.decode_features(x)[0].float().cpu().numpy()
    return audio


@contextlib.contextmanager
def added_masks() -> Iterator[None]:
    """The velocity network's attention as it is there. A mask is made once for each length, not once for each head and call."""

    @functools.lru_cache(maxsize=2)
    def ones(frames: int) -> Tensor:
        return torch.ones(1, 1, frames, frames)

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=ones(query.shape[-2]).to(query))

    with mock.patch.object(unet, "attend", attend):
        yield
