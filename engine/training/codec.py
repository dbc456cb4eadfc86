"""Trains either codec, WavTokenizer or HiFi-Codec: reconstruction in the spectrum, codebooks by moving averages.

`python -m engine.training.codec wavtokenizer CORPUS RUN --minutes 30`. Loss: multi-resolution log-mel and magnitude
distance, plus commitment of the features to their codes (weights as in EnCodec, arXiv 2210.13438).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.audio_utils import mel_filter_bank

from engine.config import HiFiCodecConfig, ModelConfig, WavTokenizerConfig
from engine.models.hifi_codec import HiFiCodec
from engine.models.layers import WNConv1d
from engine.models.wavtokenizer import WavTokenizer
from engine.training.data import Corpus, halve_rate
from engine.training.loop import Optimizer, Run
from engine.training.sketch import SKETCH

# Window and hop in milliseconds, mel bands. The longest window with many narrow bands tells neighbouring notes apart up to the
# middle register; without it a codec keeps drums and bass and blurs the chords.
RESOLUTIONS = ((21, 5, 40), (85, 21, 160), (171, 43, 320))
COMMITMENT = 0.5
QUANTIZE_FROM = 200  # steps of plain auto-encoding first: codes drawn from features that already say something stay in use


class MovingAverageCodebook(nn.Module):
    """Statistics that keep a codebook at the mean of the vectors it rounds; unused codes restart at live vectors."""

    DECAY = 0.98
    RESTART_BELOW = 0.02  # average uses a step

    def __init__(self, codes: Tensor):
        super().__init__()
        self.register_buffer("count", torch.ones(len(codes)))
        self.register_buffer("total", codes.detach().clone())
        self.register_buffer("started", torch.zeros(()))

    @torch.no_grad()
    def update(self, codes: Tensor, vectors: Tensor, indices: Tensor) -> None:
        """codes: [K, D], changed in place; vectors: [N, D]; indices: [N] of their nearest codes."""
        vectors = vectors.float()
        if not self.started:
            codes.copy_(vectors[torch.randint(len(vectors), (len(codes),))] + 1e-3 * torch.randn_like(codes))
            self.total.copy_(codes)
            self.started.fill_(1)
            return
        count = torch.bincount(indices, minlength=len(codes)).float()
        total = torch.zeros_like(codes).index_add_(0, indices, vectors)
        self.count.lerp_(count, 1 - self.DECAY)
        self.total.lerp_(total, 1 - self.DECAY)
        dead = self.count < self.RESTART_BELOW
        fresh = vectors[torch.randint(len(vectors), (int(dead.sum()),))]
        self.count[dead], self.total[dead] = 0.2, 0.2 * fresh
        codes.copy_(self.total / self.count[:, None].clamp(min=1e-5))


class CodecTrainer(nn.Module):
    """One codec with what its training needs. `sample_rate` Hz audio in, loss out."""

    def __init__(self, codec: WavTokenizer | HiFiCodec):
        super().__init__()
        self.codec = codec
        self.sample_rate = codec.config.sample_rate if isinstance(codec, WavTokenizer) else codec.config.sampling_rate
        self.books = nn.ModuleList(MovingAverageCodebook(codes) for codes in self._tables())

    def _tables(self) -> list[Tensor]:
        if isinstance(self.codec, WavTokenizer):
            return [self.codec.codebook]
        return [book.embedding.weight.detach() for level in self.codec.quantizer.levels for book in level]

    def loss(self, audio: Tensor, *, quantize: bool = True) -> dict[str, Tensor]:
        """audio: [B, T] → the losses by name."""
        with torch.autocast("cpu", torch.bfloat16):
            features = self.codec.encode_features(audio).float()
        codes, quantized = self.codec.quantize(features)
        if quantize:
            if self.training:
                self._update(features.detach(), codes)
            commitment = F.mse_loss(features, quantized.detach()) / quantized.detach().var().clamp(min=1e-3)
            through = features + (quantized - features).detach()
        else:
            commitment, through = 0.02 * features.square().mean(), features
        with torch.autocast("cpu", torch.bfloat16):
            decoded = self.codec.decode_features(through) if isinstance(self.codec, WavTokenizer) else self.codec.decode(through)
        mel, magnitude = spectral_distance(decoded[..., : audio.shape[-1]].float(), audio, self.sample_rate)
        return {
            "loss": mel + 0.5 * magnitude + COMMITMENT * commitment,
            "mel": mel,
            "magnitude": magnitude,
            "commitment": commitment,
            "used": torch.tensor(float(codes.unique().numel())),
        }

    def _update(self, features: Tensor, codes: Tensor) -> None:
        if isinstance(self.codec, WavTokenizer):
            self.books[0].update(self.codec.codebook, features.transpose(1, 2).flatten(0, 1), codes.flatten())
            return
        residual, columns, books = features.transpose(1, 2), iter(codes.unbind(-1)), iter(self.books)
        for level in self.codec.quantizer.levels:
            rounded = []
            for group, book in zip(residual.chunk(len(level), -1), level, strict=True):
                indices = next(columns).flatten()
                rounded.append(book.embedding.weight.detach()[indices].view_as(group))
                next(books).update(book.embedding.weight.data, group.flatten(0, 1), indices)
            residual = residual - torch.cat(rounded, -1)


@torch.no_grad()
def scale_to_data(encoder: nn.Module, audio: Tensor, run: Callable[[Tensor], Tensor]) -> None:
    """Weight normalisation's own initialisation (arXiv 1602.07868, section 3).

    Every convolution's output gets mean 0 and deviation 1 on one batch. Without it the signal fades through the strides until
    biases drown it, and all frames get one code.
    """

    def scale(conv: WNConv1d, _, output: Tensor) -> Tensor:
        mean, deviation = output.mean((0, 2)), output.std((0, 2)).clamp(min=1e-5)
        conv.weight_g /= deviation[:, None, None]
        conv.bias.sub_(mean).div_(deviation)
        return (output - mean[:, None]) / deviation[:, None]

    hooks = [m.register_forward_hook(scale) for m in encoder.modules() if isinstance(m, WNConv1d)]
    run(audio)
    for hook in hooks:
        hook.remove()


def spectral_distance(decoded: Tensor, audio: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """[B, T] twice → log-mel L1 (natural log, so 0.115 is one decibel) and spectral convergence, means over resolutions."""
    mel = magnitude = torch.zeros(())
    for window_ms, hop_ms, bands in RESOLUTIONS:
        n_fft, hop = 1 << round(math.log2(window_ms * sample_rate / 1000)), round(hop_ms * sample_rate / 1000)
        window, bank = _window(n_fft), _mel_bank(sample_rate, n_fft, bands)
        a, b = (torch.stft(x, n_fft, hop, window=window, return_complex=True).abs() for x in (decoded, audio))
        mel = mel + F.l1_loss((bank @ a).clamp(min=1e-3).log(), (bank @ b).clamp(min=1e-3).log())
        magnitude = magnitude + ((a - b).square().sum((1, 2)) / b.square().sum((1, 2)).clamp(min=1e-2)).sqrt().mean()
    return mel / len(RESOLUTIONS), magnitude / len(RESOLUTIONS)


@cache
def _window(n_fft: int) -> Tensor:
    return torch.hann_window(n_fft)


@cache
def _mel_bank(sample_rate: int, n_fft: int, bands: int) -> Tensor:
    bank = mel_filter_bank(n_fft // 2 + 1, bands, 20.0, sample_rate / 2, sample_rate, mel_scale="slaney")
    return torch.from_numpy(bank.T).float()


def train(
    kind: str,
    corpus: Path,
    folder: Path,
    *,
    minutes: float,
    batch: int = 8,
    seconds: float = 1.28,
    config: ModelConfig = SKETCH,
    lr: float = 1e-3,
    matrix_lr: float = 2e-3,
    seed: int = 0,
) -> CodecTrainer:
    """Trains `kind` ("wavtokenizer" or "hifi_codec") and returns it. Resumes from `folder`."""
    torch.manual_seed(seed)
    codec = build(config.wavtokenizer if kind == "wavtokenizer" else config.hifi_codec)
    trainer = CodecTrainer(codec)
    optimizer = Optimizer(codec, lr=lr, matrix_lr=matrix_lr)
    run = Run(folder, {"trainer": trainer, "optimizer": optimizer}, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    frames = round(seconds * 48_000)
    proof = held_out.crops(24, 2 * frames, np.random.default_rng(0), gain_db=0.0) if held_out.names else None

    def at_rate(crops: Tensor) -> Tensor:
        return halve_rate(crops) if trainer.sample_rate == 24_000 else crops

    if run.step == 0:
        encoder = codec.feature_extractor["encodec"]["encoder"] if kind == "wavtokenizer" else codec.encoder
        scale_to_data(encoder, at_rate(training.crops(batch, frames, rng)), codec.encode_features)

    def step(run: Run) -> dict[str, float]:
        trainer.train()
        losses = trainer.loss(at_rate(training.crops(batch, frames, rng)), quantize=run.step >= QUANTIZE_FROM)
        norm = optimizer.step(losses["loss"], run.scale())
        return {name: value.item() for name, value in losses.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        trainer.eval()
        return {f"held_out_{name}": value.item() for name, value in trainer.loss(at_rate(proof)).items()}

    run.loop(step, evaluate=evaluate if proof is not None else None)
    return trainer


def build(config: WavTokenizerConfig | HiFiCodecConfig) -> WavTokenizer | HiFiCodec:
    return WavTokenizer(config) if isinstance(config, WavTokenizerConfig) else HiFiCodec(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("wavtokenizer", "hifi_codec"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.kind, options.corpus, options.run, minutes=options.minutes, batch=options.batch)


if __name__ == "__main__":
    main()
