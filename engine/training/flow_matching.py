"""Trains the flow on pairs (tokens, codec latents) of the same audio.

`python -m engine.training.flow_matching CORPUS TOKENS HIFI_CODEC RUN --minutes 30`. Latents are the summed code vectors, as the
released models are trained (arXiv 2503.00084, section 2.3).
"""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.arrays import TokenArray
from engine.config import FlowConfig, ModelConfig
from engine.corpus.dataset import Corpus
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.training.command import stage_options, stage_parser
from engine.training.loop import Optimizer, Run, best_device, update_average
from engine.training.pack import flow_config, hifi_config
from engine.training.sketch import SKETCH

HELD_OUT_CROPS = 32


def crops(
    names: list[str], data: dict[str, TokenArray], codec: HiFiCodec, count: int, frames: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """tokens [B, frames] and latents [B, D, ratio·frames] at random places."""
    ratio = round(len(data[f"{names[0]}.codes"]) / len(data[names[0]]))
    tokens, codes = [], []
    for name in rng.choice(names, count):
        first = int(rng.integers(0, len(data[name]) - frames))
        tokens.append(data[name][first : first + frames])
        codes.append(data[f"{name}.codes"][first * ratio : (first + frames) * ratio])
    with torch.no_grad():
        latents = codec.embed(torch.from_numpy(np.stack(codes).astype(np.int64)))
    return torch.from_numpy(np.stack(tokens).astype(np.int64)), latents


def load_hifi_codec(config: ModelConfig, weights: Path) -> HiFiCodec:
    """The codec of `hifi_codec.safetensors`, float32, in eval mode."""
    codec = HiFiCodec(hifi_config(config)).eval()
    codec.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return codec


def train(corpus: Path, tokens_file: Path, codec: HiFiCodec, folder: Path, *, minutes: float, batch: int = 16,
          frames: int = 150, config: FlowConfig | None = None, lr: float = 1e-3, matrix_lr: float = 2e-3,
          flow: FlowMatching | None = None, warmup_steps: int | None = None, seed: int = 0,
          device: torch.device | None = None) -> FlowMatching:  # fmt: skip
    """Trains and returns the moving average of the weights. Resumes from `folder`. config: `sketch`'s when None. flow: one that
    is trained on; a new one when None.
    """
    torch.manual_seed(seed)
    device = device or best_device()
    flow = (flow or FlowMatching(config or flow_config(SKETCH))).train().requires_grad_(True).to(device)
    average = copy.deepcopy(flow).requires_grad_(False)
    optimizer = Optimizer(flow, lr=lr, matrix_lr=matrix_lr)
    run = Run(folder, {"model": flow, "average": average, "optimizer": optimizer}, minutes=minutes, warmup_steps=warmup_steps)
    rng = np.random.default_rng([seed, run.step])
    data = dict(np.load(tokens_file))
    names = {held_out: [n for n in Corpus(corpus, held_out=held_out).names if f"{n}.codes" in data] for held_out in (False, True)}
    validation = crops(names[True], data, codec, HELD_OUT_CROPS, frames, np.random.default_rng(0)) if names[True] else None

    def step(run: Run) -> dict[str, float]:
        tokens, latents = crops(names[False], data, codec, batch, frames, rng)
        with torch.autocast(device.type, torch.bfloat16):
            value = flow.loss(tokens.to(device), latents.to(device))
        norm = optimizer.step(value, run.scale())
        update_average(average, flow, run.step)
        return {"loss": value.item(), "norm": norm}

    @torch.no_grad()
    def evaluate(tokens: Tensor, latents: Tensor) -> dict[str, float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return {"held_out": float(average.loss(tokens.to(device), latents.to(device)))}

    run.loop(step, evaluate=partial(evaluate, *validation) if validation else None)
    return average


def main() -> None:
    parser = stage_parser(__doc__, minutes=30)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("hifi_codec", type=Path, help="hifi_codec.safetensors")
    parser.add_argument("run", type=Path)
    options = stage_options(parser)
    train(options.corpus, options.tokens, load_hifi_codec(SKETCH, options.hifi_codec), options.run, minutes=options.minutes)


if __name__ == "__main__":
    main()
