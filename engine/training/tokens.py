"""Encodes a corpus once with a trained codec pair: language-model tokens and codec codes of every piece.

Written to one `tokens.npz` beside the run: `<piece>` int16 [frames] at the token rate and `<piece>.codes` int16 [frames, 4]
at the latent rate.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from engine.corpus.dataset import Corpus, from_48_khz
from engine.models.hifi_codec import HiFiCodec
from engine.models.wavtokenizer import WavTokenizer


@torch.no_grad()
def encode_corpus(corpora: list[Corpus], target: Path, wavtokenizer: WavTokenizer, hifi_codec: HiFiCodec | None = None) -> None:
    """Adds what is missing to `target`. Whole pieces at a time, so that token frames and bars stay aligned."""
    found = dict(np.load(target)) if target.exists() else {}
    for corpus in corpora:
        for name in corpus.names:
            if name in found and (hifi_codec is None or f"{name}.codes" in found):
                continue
            audio = torch.from_numpy(corpus.read(name))[None]
            frames = round(corpus.facts[name]["seconds"] * wavtokenizer.frame_rate)
            if name not in found:
                tokens = wavtokenizer.encode(from_48_khz(audio, wavtokenizer.samplerate))
                found[name] = tokens[0, :frames].numpy().astype(np.int16)
            if hifi_codec is not None:
                latent_frames = round(frames * hifi_codec.frame_rate / wavtokenizer.frame_rate)
                codes, _ = hifi_codec.quantize(hifi_codec.encode_features(from_48_khz(audio, hifi_codec.samplerate)))
                found[f"{name}.codes"] = codes[0, :latent_frames].numpy().astype(np.int16)
    np.savez(target, **found)
