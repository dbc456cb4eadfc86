"""EnCodec's frames of codes → audio while later ones are being made, as `engine.rendering.windows` asks of a renderer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.arrays import Audio


class EncodecRenderer:
    """Tokens are lists of one code a codebook. EnCodec's decoder has an LSTM: a window needs the two seconds before it."""

    LEFT_S, RIGHT_S = 2.0, 0.1

    def __init__(self, codec: Any, device: torch.device) -> None:
        """codec: transformers' EncodecModel."""
        self._codec, self._device = codec, device
        self.samplerate = int(codec.config.sampling_rate)
        self.hop = int(np.prod(codec.config.upsampling_ratios))
        self.token_rate = self.samplerate / self.hop
        self.left, self.lookahead = round(self.LEFT_S * self.token_rate), round(self.RIGHT_S * self.token_rate)

    @torch.inference_mode()
    def render(self, tokens: list[list[int]], start: int, end: int, *, ended: bool) -> Audio:
        first, last = max(0, start - self.left), min(len(tokens), end + self.lookahead)
        codes = torch.tensor(tokens[first:last], device=self._device).T[None, None]  # [1, 1, codebooks, frames]
        audio = self._codec.decode(codes, [None]).audio_values[0, 0].float().cpu().numpy()
        return np.asarray(audio[(start - first) * self.hop : (end - first) * self.hop])

    @torch.inference_mode()
    def encode(self, audio: Audio, codebooks: int) -> list[list[int]]:
        """Mono float32 [frames] at `samplerate` → tokens. The odd samples at the beginning are left out."""
        audio = audio[len(audio) % self.hop :]
        bandwidth = max(self._codec.config.target_bandwidths)
        codes = self._codec.encode(torch.from_numpy(audio)[None, None].to(self._device), bandwidth=bandwidth).audio_codes
        return [list(map(int, frame)) for frame in codes[0, 0, :codebooks].T]
