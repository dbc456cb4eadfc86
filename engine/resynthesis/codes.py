"""A recording of any length → codes, window by window, and codes of the 48 kHz codec → audio as they are needed.

The released encoders look at all they are given (an LSTM, norms over time): a recording longer than a window is encoded in
windows with CONTEXT_S more on either side. One no longer than that is encoded in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engine.acceleration import Prepared
from engine.arrays import Audio
from engine.models.codec import AudioCodec

WINDOW_S, CONTEXT_S = 20.0, 2.0


def encode_in_windows(codec: AudioCodec, audio: Audio, device: torch.device) -> Iterator[Tensor]:
    """audio: mono float32 [frames] at the codec's rate, filled up with zeros to whole frames. Gives the codes of window after
    window on the CPU: [frames] of WavTokenizer, [frames, levels · groups] of HiFi-Codec.
    """
    views = codec.views
    block = codec.hop_length * views
    audio = np.pad(audio, (0, 1 + -(len(audio) + 1) % block))  # one more at least: a resampler may have rounded down
    blocks = len(audio) // block
    size, context = (round(seconds * codec.frame_rate / views) for seconds in (WINDOW_S, CONTEXT_S))
    if blocks <= size + 2 * context:
        size = blocks
    for begin in range(0, blocks, size):
        end = min(begin + size, blocks)
        first, last = max(0, begin - context), min(blocks, end + context)
        piece = torch.from_numpy(audio[first * block : last * block].astype(np.float32))[None].to(device)
        with torch.inference_mode():
            codes = codec.quantize(codec.encode_features(piece))[0][0]
        yield codes[(begin - first) * views : (end - first) * views].cpu()


class CodesRenderer:
    """Codes of HiFi-Codec → audio at its rate; what `engine.rendering.windows.StreamingDecoder` asks of a renderer."""

    def __init__(self, prepared: Prepared) -> None:
        codec = prepared.checkpoint.hifi_codec
        assert codec is not None, "asked for before"
        self._codec, self._device = codec, prepared.runtime.device
        self.token_rate, self.samplerate = codec.frame_rate, codec.samplerate
        self.left = self.lookahead = codec.context

    @torch.inference_mode()
    def render(self, codes: list[Tensor], start: int, end: int, *, ended: bool) -> Audio:
        """Float32 [(end - start) · hop]: audio of these frames."""
        first, last = max(0, start - self.lookahead), min(len(codes), end + self.lookahead)
        latents = self._codec.embed(torch.stack(codes[first:last])[None].to(self._device))
        audio = self._codec.decode_features(latents, first)[0].float().cpu().numpy()
        hop = self._codec.hop_length
        return np.asarray(audio[(start - first) * hop : (end - first) * hop])
