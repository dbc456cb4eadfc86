"""Trains the two small networks that transcribe drums and the bass line, on composed pieces whose notes are known.

`python -m engine.training.transcription FOLDER --pieces 220` renders 16 s of each piece, with effects as recordings have them and
through `sketch`'s codec as results have it, learns, and writes `drums.safetensors` and `bass.safetensors`. Pieces that are held
out of the corpus are left out here too. Needs fluidsynth and mma; half an hour on one core.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional

from engine.acceleration import Prepared, choose_runtime, prepare
from engine.arrays import Audio
from engine.checkpoints.checkpoint import load_checkpoint
from engine.corpus.augmentation import apply_chain
from engine.corpus.render import SAMPLE_RATE
from engine.corpus.transcribed import Excerpt, excerpts
from engine.evaluation.codec_trial import FAST, FULL, recode
from engine.evaluation.note_scores import Score, score_bass, score_times
from engine.music import bass_line, drums, networks
from engine.music.networks import Network

RATE = drums.RATE
NEAR_S = 0.03  # of a candidate, a stroke is its
BATCH, DRUM_HIDDEN, BASS_HIDDEN = 512, (64, 32), (24, 16)
SILENT_SHARE = 0.06  # that is learnt from, of places where a pitch does not sound
KEPT = 30  # pieces
THRESHOLDS = np.arange(0.2, 0.85, 0.05)
DECODINGS = ((-1.0, 0.0, 1.0), (3.0, 6.0), (0.5, 1.0), (-0.5, 0.5, 1.5))  # tried: see `engine.music.bass_line.line`


@dataclass(frozen=True, eq=False)
class Example:
    """audio: mono [N] at RATE. The rest as an Excerpt has it."""

    audio: Audio
    drums: dict[str, list[float]]
    bass: list[tuple[float, float, int]]


def examples(prepared: Prepared, of: Iterable[Excerpt], seed: int) -> Iterator[Example]:
    """Two of each excerpt: as rendered, half of them with effects, and through the codec, a third of them by the full path."""
    rng = np.random.default_rng([seed, 99])
    for number, excerpt in enumerate(of):
        audio = apply_chain(excerpt.audio, rng)[0] if number % 2 else excerpt.audio
        decoded = recode(prepared, excerpt.audio, FAST if number % 3 else FULL)
        for one in (audio, decoded):
            yield Example(soxr.resample(one, SAMPLE_RATE, RATE).astype(np.float32), excerpt.drums, excerpt.bass)


def divided(of: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Those that weights are learnt from, and a few that only choose how they are applied; both examples of a piece together."""
    pairs = [of[first : first + 2] for first in range(0, len(of), 2)]
    order = np.random.default_rng(seed).permutation(len(pairs))
    kept = min(KEPT, -(-len(pairs) // 5))
    return [one for place in order[kept:] for one in pairs[place]], [one for place in order[:kept] for one in pairs[place]]


def train_drums(of: Sequence[Example], epochs: int = 12, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    rows, targets = [], []
    learnt, kept = divided(of, seed)
    for example in learnt:
        level = drums.bands(example.audio)
        places = drums.candidates(level)
        rows.append(drums.patches(level, places))
        targets.append(struck(places * drums.HOP / RATE, example.drums))
    x, y = np.concatenate(rows), np.concatenate(targets)
    network = standard(x)
    layers = _perceptron(x.shape[1], *DRUM_HIDDEN, len(drums.CLASSES))
    _fit(layers, network, torch.from_numpy(x), torch.from_numpy(y), epochs, noise=0.1)
    network |= _weights(layers) | {"threshold": np.full(len(drums.CLASSES), 0.5, np.float32)}
    network["threshold"] = best_thresholds(network, kept)
    return network


def struck(times: NDArray[np.float64], truth: dict[str, list[float]]) -> NDArray[np.float32]:
    """[candidates, CLASSES]: 1 for the candidate nearest to a stroke."""
    out = np.zeros((len(times), len(drums.CLASSES)), np.float32)
    for column, name in enumerate(drums.CLASSES):
        for at_s in truth[name]:
            if len(times) and abs(times[nearest := int(np.abs(times - at_s).argmin())] - at_s) <= NEAR_S:
                out[nearest, column] = 1
    return out


def best_thresholds(network: Network, of: Sequence[Example]) -> NDArray[np.float32]:
    """Of each class the likelihood from which it is taken to be struck, with the highest F1."""
    likely, places = [], []
    for example in of:
        level = drums.bands(example.audio)
        places.append(drums.candidates(level))
        x = networks.standardised(network, drums.patches(level, places[-1]))
        likely.append(networks.sigmoid(networks.layers(network, x)))

    def f1(column: int, threshold: float) -> float:
        found = (at[odds[:, column] >= threshold] * drums.HOP / RATE for at, odds in zip(places, likely, strict=True))
        name = drums.CLASSES[column]
        return sum((score_times(times, one.drums[name]) for times, one in zip(found, of, strict=True)), Score()).f1

    columns = range(len(drums.CLASSES))
    return np.array([max(THRESHOLDS, key=lambda threshold: f1(column, threshold)) for column in columns], np.float32)


def train_bass(of: Sequence[Example], epochs: int = 8, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    learnt, kept = divided(of, seed)
    rows, pitches, targets = [], [], []
    for example in learnt:
        seen = bass_line.around(bass_line.spectra(example.audio))
        target = sounding(len(seen), example.bass)
        chosen = target.any(2) | (rng.random(target.shape[:2]) < SILENT_SHARE)
        rows.append(seen[chosen].astype(np.float16))
        pitches.append(np.nonzero(chosen)[1])
        targets.append(target[chosen])
    x, pitch, y = np.concatenate(rows), np.concatenate(pitches), np.concatenate(targets)
    network = standard(x[:: max(1, len(x) // 100_000)].astype(np.float32))
    layers = _perceptron(x.shape[1], *BASS_HIDDEN, 2)
    register = nn.Embedding(bass_line.PITCHES, BASS_HIDDEN[0])
    nn.init.zeros_(register.weight)
    _fit(layers, network, torch.from_numpy(x), torch.from_numpy(y), epochs, register=(register, torch.from_numpy(pitch)))
    network |= _weights(layers) | {"register": register.weight.detach().numpy()}
    network["decoding"] = best_decoding(network, kept)
    return network


def sounding(hops: int, truth: list[tuple[float, float, int]]) -> NDArray[np.float32]:
    """[hops, PITCHES, 2]: 1 where the bass plays a pitch, and where it begins it."""
    out = np.zeros((hops, bass_line.PITCHES, 2), np.float32)
    for start_s, end_s, pitch in truth:
        if bass_line.LOWEST <= pitch <= bass_line.HIGHEST:
            first, last = (round(at_s * RATE / bass_line.HOP) for at_s in (start_s, end_s))
            out[first : max(last, first + 2), pitch - bass_line.LOWEST, 0] = 1
            out[max(0, first) : first + 2, pitch - bass_line.LOWEST, 1] = 1
    return out


def best_decoding(network: Network, of: Sequence[Example]) -> NDArray[np.float32]:
    """As `bass_line.line` has it, with the highest F1."""
    odds_of = [bass_line.likelihoods(network, bass_line.spectra(example.audio)) for example in of]

    def f1(choice: tuple[float, ...]) -> float:
        lines = (bass_line.line(*one, np.array(choice, np.float32)) for one in odds_of)
        return sum((score_bass(notes, example.bass) for notes, example in zip(lines, of, strict=True)), Score()).f1

    return np.array(max(itertools.product(*DECODINGS), key=f1), np.float32)


def standard(x: NDArray[np.float32]) -> Network:
    return {"mean": x.mean(0), "scale": (1 / (x.std(0) + 1e-3)).astype(np.float32)}


def _perceptron(*sizes: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))


def _weights(layers: nn.ModuleList) -> Network:
    out: Network = {}
    for index, layer in enumerate(layers):
        assert isinstance(layer, nn.Linear)
        out[f"{index}.weight"] = np.ascontiguousarray(layer.weight.detach().numpy().T)
        out[f"{index}.bias"] = layer.bias.detach().numpy()
    return out


def _fit(
    layers: nn.ModuleList, network: Network, x: torch.Tensor, y: torch.Tensor, epochs: int, *, noise: float = 0.0,
    register: tuple[nn.Embedding, torch.Tensor] | None = None,
) -> None:  # fmt: skip
    """Binary cross-entropy, AdamW, one cycle."""
    parameters = [*layers.parameters(), *(register[0].parameters() if register else ())]
    mean, scale = torch.from_numpy(network["mean"]), torch.from_numpy(network["scale"])
    steps = epochs * -(-len(x) // BATCH)
    optimizer = torch.optim.AdamW(parameters, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(x)), BATCH):
            h = (x[chosen].float() - mean) * scale
            h = h + noise * torch.randn_like(h)
            for index, layer in enumerate(layers):
                h = layer(h)
                if index == 0 and register:
                    h = h + register[0](register[1][chosen])
                h = functional.relu(h) if index < len(layers) - 1 else h
            loss = functional.binary_cross_entropy_with_logits(h, y[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def save(network: Network, file: Path) -> None:
    """In half precision where that is enough: the weights."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.astype(np.float16 if key.endswith("weight") else np.float32) for key, value in network.items()}, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pieces", type=int, default=220)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    prepared = prepare(load_checkpoint("sketch"), choose_runtime("cpu"))
    of = list(examples(prepared, itertools.islice(excerpts(options.seed, held_out=False), options.pieces), options.seed))
    save(train_drums(of), options.folder / "drums.safetensors")
    save(train_bass(of), options.folder / "bass.safetensors")


if __name__ == "__main__":
    main()
