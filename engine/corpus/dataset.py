"""What training reads: random crops of a corpus folder's audio, and its pieces' facts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy import signal
from torch import Tensor

from engine.arrays import Audio
from engine.corpus.facts import read_facts

SAMPLE_RATE = 48_000


class Corpus:
    """The pieces of a folder that `engine.corpus.render` wrote (or any WAV + JSON pairs of its form)."""

    def __init__(self, folder: Path, *, held_out: bool = False):
        self.facts = {path.stem: read_facts(path) for path in sorted(folder.glob("p*.json"))}
        self.folder = folder
        self.names = [name for name, facts in self.facts.items() if facts["held_out"] == held_out]

    def read(self, name: str, start: int = 0, frames: int = -1) -> Audio:
        """Mono float32 [N] at SAMPLE_RATE (of stereo the middle), from frame `start` on; all of the piece with `frames` -1."""
        path = self.folder / f"{name}.wav"
        audio: Audio = soundfile.read(path, start=start, frames=frames, dtype="float32", always_2d=True)[0].mean(1)
        return audio

    def crops(self, count: int, frames: int, rng: np.random.Generator, *, gain_db: float = 8.0) -> Tensor:
        """[count, frames] of 48 kHz mono audio at random places, each at a random level within ±gain_db."""
        rows = []
        for name in rng.choice(self.names, count):
            length = round(self.facts[name]["seconds"] * SAMPLE_RATE)
            row = self.read(name, int(rng.integers(0, max(1, length - frames))), frames)
            rows.append(np.pad(row, (0, frames - len(row))) * 10 ** (rng.uniform(-gain_db, gain_db / 4) / 20))
        return torch.from_numpy(np.stack(rows).astype(np.float32))


def from_48_khz(audio: Tensor, samplerate: int) -> Tensor:
    """[B, T] at 48 kHz → at 48 or 24 kHz. Raises ValueError for another rate."""
    if samplerate == SAMPLE_RATE:
        return audio
    if 2 * samplerate == SAMPLE_RATE:
        return halve_rate(audio)
    raise ValueError(f"codecs of {samplerate} Hz cannot be trained: only 24000 and 48000 Hz are supported")


def halve_rate(audio: Tensor) -> Tensor:
    """[B, T] at 48 kHz → [B, T/2] at 24 kHz through a half-band filter."""
    n = np.arange(-31, 32)
    taps = np.sinc(n / 2) * np.kaiser(63, 8.0)
    halved = signal.oaconvolve(audio.numpy(), (taps / taps.sum()).astype(np.float32)[None], mode="same", axes=1)[:, ::2]
    return torch.from_numpy(np.ascontiguousarray(halved))
