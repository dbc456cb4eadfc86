"""Trains the flow on pairs (tokens, codec latents) of the same audio.

`python -m engine.training.flow_matching CORPUS TOKENS HIFI_CODEC RUN --minutes 30`. Latents are the summed code vectors, as the
released models are trained (arXiv 2503.00084, section 2.3).
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.config import FlowConfig
from engine.corpus.dataset import Corpus
from engine.corpus.piece import FRAME_RATE
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.training.loop import Optimizer, Run, best_device, follow
from engine.training.sketch import SKETCH


def crops(
    names: list[str], data: dict[str, np.ndarray], codec: HiFiCodec, count: int, frames: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """tokens [B, frames] and latents [B, D, ratio·frames] at random places."""
    ratio = round(codec.config.frame_rate / FRAME_RATE)
    tokens, codes = [], []
    for name in rng.choice(names, count):
        first = int(rng.integers(0, len(data[name]) - frames))
        tokens.append(data[name][first : first + frames])
        codes.append(data[f"{name}.codes"][first * ratio : (first + frames) * ratio])
    with torch.no_grad():
        latents = codec.embed(torch.from_numpy(np.stack(codes).astype(np.int64)))
    return torch.from_numpy(np.stack(tokens).astype(np.int64)), latents


def train(corpus: Path, tokens_file: Path, codec: HiFiCodec, folder: Path, *, minutes: float, batch: int = 16,
          frames: int = 150, config: FlowConfig = SKETCH.flow, lr: float = 1e-3, matrix_lr: float = 2e-3,
          seed: int = 0, device: torch.device | None = None) -> FlowMatching:  # fmt: skip
    """Trains and returns the moving average of the weights. Resumes from `folder`."""
    torch.manual_seed(seed)
    device = device or best_device()
    flow = FlowMatching(config).to(device)
    average = copy.deepcopy(flow).requires_grad_(False)
    optimizer = Optimizer(flow, lr=lr, matrix_lr=matrix_lr)
    run = Run(folder, {"model": flow, "average": average, "optimizer": optimizer}, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    data = dict(np.load(tokens_file))
    names = {held_out: [n for n in Corpus(corpus, held_out=held_out).names if f"{n}.codes" in data] for held_out in (False, True)}
    proof = crops(names[True], data, codec, 32, frames, np.random.default_rng(0)) if names[True] else None

    def step(run: Run) -> dict[str, float]:
        tokens, latents = crops(names[False], data, codec, batch, frames, rng)
        with torch.autocast(device.type, torch.bfloat16):
            value = flow.loss(tokens.to(device), latents.to(device))
        norm = optimizer.step(value, run.scale())
        follow(average, flow, run.step)
        return {"loss": value.item(), "norm": norm}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return {"held_out": float(average.loss(*(part.to(device) for part in proof)))}

    run.loop(step, evaluate=evaluate if proof else None)
    return average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("hifi_codec", type=Path, help="hifi_codec.safetensors")
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    from safetensors.torch import load_file

    codec = HiFiCodec(SKETCH.hifi_codec).eval()
    codec.load_state_dict({name: value.float() for name, value in load_file(options.hifi_codec).items()})
    train(options.corpus, options.tokens, codec, options.run, minutes=options.minutes)


if __name__ == "__main__":
    main()
