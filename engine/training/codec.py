"""Trains either codec, WavTokenizer or HiFi-Codec: reconstruction in the spectrum, codebooks by moving averages.

`python -m engine.training.codec wavtokenizer CORPUS RUN --minutes 30`. Loss: distance of levels and magnitudes in the bands
that the encoder hears, plus commitment of the features to their codes (weights as in EnCodec, arXiv 2210.13438).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import HiFiCodecConfig, ModelConfig, WavTokenizerConfig
from engine.corpus.dataset import Corpus, halve_rate
from engine.models.hifi_codec import HiFiCodec
from engine.models.sketch.spectral import CHORDS, FLOOR, MELODY, STROKES, BandSpectrum, Resolution, TonesAndNoise, log_level
from engine.models.wavtokenizer import WavTokenizer
from engine.training.loop import Optimizer, Run, best_device
from engine.training.sketch import SKETCH

HOP_S = 0.04
# Shorter than a frame: windows as long as one hardly tell what a decoder does within it.
ATTACKS = Resolution(5.3, 3, 1000.0, 20_000.0, steps=16)
COMPARED = (ATTACKS, STROKES, replace(MELODY, steps=2), CHORDS)  # the spectra of the loss, so many steps in HOP_S
# Steps in which the tones are also told directly how strong to be, less and less: the spectrum of a sum of tones says it only
# once nearly all of them are right.
SHOWN_UNTIL = 600
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
        self.sample_rate = codec.samplerate
        head = codec.head if isinstance(codec, WavTokenizer) else codec.generator.head
        self.shown = ToneTarget(head, self.sample_rate)
        self.books = nn.ModuleList(MovingAverageCodebook(codes) for codes in self._tables())

    def _tables(self) -> list[Tensor]:
        if isinstance(self.codec, WavTokenizer):
            return list(self.codec.codebook.chunk(self.codec.views))
        return [book.embedding.weight.detach() for level in self.codec.quantizer.levels for book in level]

    def loss(self, audio: Tensor, *, quantize: bool = True, show: float = 0.0) -> dict[str, Tensor]:
        """audio: [B, T] → the losses by name. show: weight of the tones' direct target."""
        with torch.autocast(audio.device.type, torch.bfloat16):
            features = self.codec.encode_features(audio).float()
        codes, quantized = self.codec.quantize(features)
        if quantize:
            if self.training:
                self._update(features.detach(), codes)
            commitment = F.mse_loss(features, quantized.detach()) / quantized.detach().var().clamp(min=1e-3)
            through = features + (quantized - features).detach()
        else:
            commitment, through = 0.02 * features.square().mean(), features
        with torch.autocast(audio.device.type, torch.bfloat16), self.shown.watching():
            decoded = self.codec.decode_features(through)
        level, magnitude = spectral_distance(decoded[..., : audio.shape[-1]].float(), audio, self.sample_rate)
        shown = self.shown.distance(audio) if show else torch.zeros(())
        return {
            "loss": level + 0.5 * magnitude + COMMITMENT * commitment + show * shown,
            "level": level,
            "magnitude": magnitude,
            "commitment": commitment,
            "used": torch.tensor(float(codes.unique().numel())),
        }

    def _update(self, features: Tensor, codes: Tensor) -> None:
        if isinstance(self.codec, WavTokenizer):
            views, points = self.codec.views, features.transpose(1, 2)
            tables = self._tables()
            for view, (book, table) in enumerate(zip(self.books, tables, strict=True)):
                indices = codes[:, view::views].flatten() - view * len(table)
                book.update(table, points[:, view::views].flatten(0, 1), indices)
            return
        residual, columns, books = features.transpose(1, 2), iter(codes.unbind(-1)), iter(self.books)
        for level in self.codec.quantizer.levels:
            rounded = []
            for group, book in zip(residual.chunk(len(level), -1), level, strict=True):
                indices = next(columns).flatten()
                rounded.append(book.embedding.weight.detach()[indices].view_as(group))
                next(books).update(book.embedding.weight.data, group.flatten(0, 1), indices)
            residual = residual - torch.cat(rounded, -1)


class ToneTarget:
    """What a head's tones should be, had they to sound like the long window's bands: one tone stands in the middle of each."""

    def __init__(self, head: TonesAndNoise, sample_rate: int):
        self.spectrum = BandSpectrum(replace(CHORDS, steps=head.TONE_STEPS), sample_rate, head.hop)
        self.head, self.levels = head, None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keeps what the head says inside of it."""
        hook = self.head.out.register_forward_hook(lambda _, __, output: setattr(self, "levels", output))
        yield
        hook.remove()

    def distance(self, audio: Tensor) -> Tensor:
        """Mean difference of log-levels, of what the head said of this audio while watched."""
        target = log_level(self.spectrum(audio)).transpose(1, 2)
        steps = self.levels[..., : self.head.TONE_STEPS * self.head.tones].float()
        steps = steps.unflatten(-1, (self.head.TONE_STEPS, -1)).flatten(1, 2)[..., : target.shape[-1]]
        return (steps.clamp(min=math.log(FLOOR)) - target).abs().mean()


def spectral_distance(decoded: Tensor, audio: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """[B, T] twice → L1 of the bands' log-levels (0.115 is one decibel) and spectral convergence, means over COMPARED."""
    level = magnitude = torch.zeros(())
    for resolution in COMPARED:
        spectrum = BandSpectrum(resolution, sample_rate, round(HOP_S * sample_rate))
        a, b = spectrum(decoded), spectrum(audio)
        level = level + F.l1_loss(log_level(a), log_level(b))
        magnitude = magnitude + ((a - b).square().sum((1, 2)) / b.square().sum((1, 2)).clamp(min=1e-4)).sqrt().mean()
    return level / len(COMPARED), magnitude / len(COMPARED)


def train(
    kind: str,
    corpus: Path,
    folder: Path,
    *,
    minutes: float,
    batch: int = 8,
    seconds: float = 2.56,
    config: ModelConfig = SKETCH,
    lr: float = 1e-3,
    matrix_lr: float = 2e-3,
    seed: int = 0,
    device: torch.device | None = None,
) -> CodecTrainer:
    """Trains `kind` ("wavtokenizer" or "hifi_codec") and returns it. Resumes from `folder`. device: the best one when None."""
    torch.manual_seed(seed)
    device = device or best_device()
    codec = build(config.wavtokenizer if kind == "wavtokenizer" else config.hifi_codec)
    trainer = CodecTrainer(codec).to(device)
    optimizer = Optimizer(codec, lr=lr, matrix_lr=matrix_lr)
    run = Run(folder, {"trainer": trainer, "optimizer": optimizer}, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    frames = round(seconds * 48_000)
    proof = held_out.crops(24, 2 * frames, np.random.default_rng(0), gain_db=0.0) if held_out.names else None

    def at_rate(crops: Tensor) -> Tensor:
        return (halve_rate(crops) if trainer.sample_rate == 24_000 else crops).to(device)

    def step(run: Run) -> dict[str, float]:
        trainer.train()
        audio = at_rate(training.crops(batch, frames, rng))
        losses = trainer.loss(audio, quantize=run.step >= QUANTIZE_FROM, show=max(0.0, 1 - run.step / SHOWN_UNTIL))
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
