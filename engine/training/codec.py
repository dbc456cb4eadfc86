"""Trains either codec, WavTokenizer or HiFi-Codec: reconstruction in the spectrum, WavTokenizer's codebook by moving averages.

`python -m engine.training.codec wavtokenizer CORPUS RUN --minutes 30`. Loss: distance of levels and magnitudes in the bands
of the encoder, plus commitment of the features to their codes (weights as in EnCodec, arXiv 2210.13438).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import ModelConfig
from engine.corpus.dataset import Corpus, from_48_khz
from engine.models.hifi_codec import HiFiCodec
from engine.models.sketch.spectral import CHORDS, FLOOR, MELODY, STROKES, BandSpectrum, Resolution, TonesAndNoise, log_level
from engine.models.wavtokenizer import WavTokenizer
from engine.training.command import stage_options, stage_parser
from engine.training.discriminator import Critic
from engine.training.loop import Optimizer, Run, Stateful, best_device
from engine.training.sketch import SKETCH

HOP_S = 0.04
# Shorter than a frame: windows as long as one hardly show what a decoder does within it.
ATTACKS = Resolution(5.3, 3, 1000.0, 20_000.0, steps=16)
COMPARED = (ATTACKS, STROKES, replace(MELODY, steps=2), CHORDS)  # the spectra of the loss, so many steps in HOP_S
# For a decoder with tones above those of CHORDS, which change faster than its window: from a tone on, four octaves above the
# lowest, to as high as the decoder's tones reach.
HIGH_TONES = Resolution(85.333, CHORDS.bands, 16 * CHORDS.low, CHORDS.high, steps=2)
# Steps with an auxiliary loss on the tones' levels, whose weight falls to zero: the spectrum of a sum of tones gives a useful
# gradient only once nearly all of them are right.
TONE_LOSS_STEPS = 600
COMMITMENT = 0.5
HELD_OUT_CROPS = 24
DISTURBED = 0.15  # noise on latents that are not rounded: codes fitted afterwards and the flow are no more exact
QUANTIZE_FROM = 200  # steps of plain auto-encoding first: codes drawn from features that already say something stay in use


Codec = WavTokenizer | HiFiCodec
CODECS = ("wavtokenizer", "hifi_codec")  # names of their configurations in ModelConfig
# Those that learn to decode what is rounded to codes. HiFi-Codec's latents are the flow's, not a bit rate's: trained as they are
# they keep more, and codes are fitted to them afterwards (`engine.training.levels`).
THROUGH_CODES = ("wavtokenizer",)


class MovingAverageCodebook(nn.Module):
    """Statistics that keep a codebook at the mean of the vectors it rounds; unused codes restart at live vectors."""

    DECAY = 0.98
    RESTART_BELOW = 0.02  # average uses a step

    count: Tensor
    total: Tensor
    started: Tensor

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

    def __init__(self, codec: Codec):
        super().__init__()
        self.codec = codec
        self.sample_rate = codec.samplerate
        head = codec.synthesis_head
        self.tone_loss = None if head is None else ToneLoss(head, self.sample_rate)
        self._averages = [MovingAverageCodebook(codes) for codes in codec.codebooks]
        self.books = nn.ModuleList(self._averages)

    def keep_codebooks(self) -> None:
        """For a codec that is trained on: its codes stay where they are at first, else they are drawn anew from features."""
        for average in self._averages:
            average.started.fill_(1)

    def loss(
        self, audio: Tensor, *, quantize: bool = True, tone_weight: float = 0.0, critic: Critic | None = None, scale: float = 1.0
    ) -> dict[str, Tensor]:
        """audio: [B, T] → the losses by name. tone_weight: of the auxiliary loss on the tones' levels, which a released
        architecture has not. critic: learns by one step, at `scale` of its rate, and adds its loss.
        """
        with torch.autocast(audio.device.type, torch.bfloat16):
            features = self.codec.encode_features(audio).float()
        codes, quantized = self.codec.quantize(features)
        if quantize:
            if self.training:
                assigned = self.codec.assignments(features.detach(), codes)
                for average, codebook, (vectors, rows) in zip(self._averages, self.codec.codebooks, assigned, strict=True):
                    average.update(codebook, vectors, rows)
            commitment = F.mse_loss(features, quantized.detach()) / quantized.detach().var().clamp(min=1e-3)
            through = features + (quantized - features).detach()
        else:
            commitment, through = 0.02 * features.square().mean(), features + DISTURBED * torch.randn_like(features)
        observing = nullcontext() if self.tone_loss is None else self.tone_loss.observing()
        with torch.autocast(audio.device.type, torch.bfloat16), observing:
            decoded = self.codec.decode_features(through)
        decoded = decoded[..., : audio.shape[-1]].float()
        level, magnitude = spectral_distance(decoded, audio, self.sample_rate, highest_tone(self.codec))
        tones = self.tone_loss(audio) if tone_weight and self.tone_loss is not None else torch.zeros(())
        judged = {} if critic is None else critic.losses(audio, decoded, scale)
        whole = level + 0.5 * magnitude + COMMITMENT * commitment + tone_weight * tones
        return judged | {
            "loss": whole + judged.get("adversarial", 0.0),
            "level": level,
            "magnitude": magnitude,
            "commitment": commitment,
            "used": torch.bincount(codes.flatten()).count_nonzero().float(),
        }


def highest_tone(codec: Codec) -> float:
    """Hz, of a decoder that plays tones; 0 for the released architecture."""
    head = codec.synthesis_head
    return 0.0 if head is None else head.highest


class ToneLoss:
    """How far the levels of a head's tones are from those of a window's bands: one tone stands in the middle of each.

    The window is that of CHORDS; from 16 times its lowest tone on that of HIGH_TONES, for a head whose tones reach above CHORDS.
    """

    def __init__(self, head: TonesAndNoise, sample_rate: int):
        parts = [CHORDS] if head.highest <= CHORDS.high else [
            replace(CHORDS, high=HIGH_TONES.low * 2 ** (-0.5 / CHORDS.bands)), replace(HIGH_TONES, high=head.highest)
        ]  # fmt: skip
        self.spectra = [BandSpectrum(replace(part, steps=head.TONE_STEPS), sample_rate, head.hop) for part in parts]
        self.head = head
        self.levels: Tensor | None = None

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Inside of it the head's output is kept."""
        hook = self.head.out.register_forward_hook(lambda _, __, output: setattr(self, "levels", output))
        yield
        hook.remove()

    def __call__(self, audio: Tensor) -> Tensor:
        """Mean difference of log-levels, of the head's output for this audio, which was observed."""
        assert self.levels is not None, "nothing was decoded while observing"
        target = log_level(torch.cat([spectrum(audio) for spectrum in self.spectra], dim=1)).transpose(1, 2)
        steps = self.levels[..., : self.head.TONE_STEPS * self.head.tones].float()
        steps = torch.unflatten(steps, -1, (self.head.TONE_STEPS, -1)).flatten(1, 2)[..., : target.shape[-1]]
        distance: Tensor = (steps.clamp(min=math.log(FLOOR)) - target).abs().mean()
        return distance


def spectral_distance(decoded: Tensor, audio: Tensor, sample_rate: int, highest_tone: float = 0.0) -> tuple[Tensor, Tensor]:
    """[B, T] twice → L1 of the bands' log-levels (0.115 is one decibel) and spectral convergence, means over COMPARED and, where
    tones reach above those of CHORDS, HIGH_TONES as far as they do.
    """
    level = magnitude = torch.zeros(())
    compared = [*COMPARED] if highest_tone <= CHORDS.high else [*COMPARED, replace(HIGH_TONES, high=highest_tone)]
    for resolution in compared:
        spectrum = BandSpectrum(resolution, sample_rate, round(HOP_S * sample_rate))
        a, b = spectrum(decoded), spectrum(audio)
        level = level + F.l1_loss(log_level(a), log_level(b))
        magnitude = magnitude + ((a - b).square().sum((1, 2)) / b.square().sum((1, 2)).clamp(min=1e-4)).sqrt().mean()
    return level / len(compared), magnitude / len(compared)


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
    codec: Codec | None = None,
    adversarial: bool = False,
    warmup_steps: int | None = None,
    seed: int = 0,
    device: torch.device | None = None,
) -> CodecTrainer:
    """Trains `kind` ("wavtokenizer" or "hifi_codec") and returns it. Resumes from `folder`. device: the best one when None.

    codec: one that is trained on, in place; a new one when None. adversarial: against a discriminator as well.
    """
    torch.manual_seed(seed)
    device, begun, through_codes = device or best_device(), codec is not None, kind in THROUGH_CODES
    codec = codec or build(kind, config)
    trainer = CodecTrainer(codec.train().requires_grad_(True)).to(device)
    if begun:
        trainer.keep_codebooks()
    optimizer = Optimizer(codec, lr=lr, matrix_lr=matrix_lr)
    parts: dict[str, Stateful] = {"trainer": trainer, "optimizer": optimizer}
    critic = Critic(codec.samplerate, device) if adversarial else None
    if critic is not None:
        parts |= {"discriminator": critic.discriminator, "discriminator_optimizer": critic.optimizer}
    run = Run(folder, parts, minutes=minutes, warmup_steps=warmup_steps)
    rng = np.random.default_rng([seed, run.step])
    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    frames = round(seconds * 48_000)
    validation = held_out.crops(HELD_OUT_CROPS, 2 * frames, np.random.default_rng(0), gain_db=0.0) if held_out.names else None

    def step(run: Run) -> dict[str, float]:
        trainer.train()
        audio = from_48_khz(training.crops(batch, frames, rng), codec.samplerate).to(device)
        tone_weight = 0.0 if begun else max(0.0, 1 - run.step / TONE_LOSS_STEPS)
        quantize = through_codes and (begun or run.step >= QUANTIZE_FROM)
        losses = trainer.loss(audio, quantize=quantize, tone_weight=tone_weight, critic=critic, scale=run.scale())
        norm = optimizer.step(losses["loss"], run.scale())
        if critic is not None:
            critic.discriminator.zero_grad(set_to_none=True)  # of the adversarial loss
        return {name: value.item() for name, value in losses.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate(crops: Tensor) -> dict[str, float]:
        trainer.eval()
        losses = trainer.loss(from_48_khz(crops, codec.samplerate).to(device), quantize=through_codes)
        return {f"held_out_{name}": value.item() for name, value in losses.items()}

    run.loop(step, evaluate=None if validation is None else partial(evaluate, validation))
    return trainer


def build(kind: str, config: ModelConfig) -> Codec:
    """A codec with random weights. kind: one of CODECS. Raises ValueError for one that the configuration lacks."""
    if kind == "wavtokenizer":
        return WavTokenizer(config.wavtokenizer)
    if kind == "hifi_codec" and config.hifi_codec is not None:
        return HiFiCodec(config.hifi_codec)
    raise ValueError(f"{config.name} has no codec {kind}: there are {', '.join(CODECS)}")


def main() -> None:
    parser = stage_parser(__doc__, minutes=30)
    parser.add_argument("kind", choices=CODECS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    options = stage_options(parser)
    train(options.kind, options.corpus, options.run, minutes=options.minutes, batch=options.batch)


if __name__ == "__main__":
    main()
