"""Goes on training a codec's decoder while its encoder and codes stay as they are.

`python -m engine.training.decoder wavtokenizer CORPUS sketch RUN --minutes 30`, or `weights.safetensors` of `engine.training
all` in place of a model. Tokens keep their meaning, so the
language model and the flow can be trained at the same time, on tokens that are final, and profit from the better decoder.
`--adversarial` adds the loss of a discriminator (`discriminator.py`), for when the reconstruction loss has flattened.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.checkpoints.checkpoint import load_checkpoint
from engine.config import ModelConfig
from engine.corpus.dataset import Corpus, from_48_khz
from engine.training.codec import CODECS, Codec, build, highest_tone, spectral_distance
from engine.training.command import stage_options, stage_parser
from engine.training.discriminator import Critic
from engine.training.loop import Optimizer, Run, Stateful, best_device
from engine.training.sketch import SKETCH


def train(
    kind: str,
    corpus: Path,
    weights: Path,
    folder: Path,
    *,
    minutes: float,
    batch: int = 8,
    seconds: float = 2.56,
    config: ModelConfig = SKETCH,
    lr: float = 7e-4,
    matrix_lr: float = 1.5e-3,
    adversarial: bool = False,
    seed: int = 0,
    device: torch.device | None = None,
) -> Codec:
    """Refines the decoder of a codec and returns the whole codec. Resumes from `folder`. weights: see `read_codec`."""
    torch.manual_seed(seed)
    codec = build(kind, config)
    device = device or best_device()
    codec.load_state_dict(read_codec(kind, weights))
    codec.to(device)
    rate = codec.samplerate
    optimizer = Optimizer(nn.ModuleList(codec.decoder), lr=lr, matrix_lr=matrix_lr)
    parts: dict[str, Stateful] = {"codec": codec, "optimizer": optimizer}
    critic = Critic(rate, device) if adversarial else None
    if critic is not None:
        parts |= {"discriminator": critic.discriminator, "discriminator_optimizer": critic.optimizer}
    run = Run(folder, parts, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    frames = round(seconds * 48_000)
    validation = held_out.crops(24, 2 * frames, np.random.default_rng(0), gain_db=0.0) if held_out.names else None

    def recode(crops: Tensor) -> tuple[Tensor, Tensor]:
        """The audio at the codec's rate, and what it makes of it."""
        audio = from_48_khz(crops, rate).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                vectors = codec.quantize(codec.encode_features(audio).float())[1]
            decoded = codec.decode_features(vectors)
        return audio, decoded[..., : audio.shape[-1]].float()

    def step(run: Run) -> dict[str, float]:
        audio, decoded = recode(training.crops(batch, frames, rng))
        losses = {} if critic is None else critic.losses(audio, decoded, run.scale())
        level, magnitude = spectral_distance(decoded, audio, rate, highest_tone(codec))
        norm = optimizer.step(level + 0.5 * magnitude + losses.get("adversarial", 0.0), run.scale())
        if critic is not None:
            critic.discriminator.zero_grad(set_to_none=True)  # of the adversarial loss
        losses |= {"level": level, "magnitude": magnitude}
        return {name: value.item() for name, value in losses.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate(crops: Tensor) -> dict[str, float]:
        audio, decoded = recode(crops)
        level, magnitude = spectral_distance(decoded, audio, rate, highest_tone(codec))
        return {"held_out_level": level.item(), "held_out_magnitude": magnitude.item()}

    run.loop(step, evaluate=None if validation is None else partial(evaluate, validation))
    return codec.eval()


def read_codec(kind: str, weights: Path) -> dict[str, Tensor]:
    """A codec's state dict, float32, from a run's safetensors or from a model, by its name or directory. Raises ModelError for
    no such model and ValueError for one without this codec.
    """
    if weights.suffix == ".safetensors":
        return {name: value.float() for name, value in load_file(weights).items()}
    module: nn.Module | None = getattr(load_checkpoint(str(weights)), kind)  # whose matrices may be kept in eight bits
    if module is None:
        raise ValueError(f"{weights} has no {kind}")
    return module.float().state_dict()


def main() -> None:
    parser = stage_parser(__doc__, minutes=30)
    parser.add_argument("kind", choices=CODECS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("weights", type=Path, help="safetensors of the whole codec, or a model")
    parser.add_argument("run", type=Path)
    parser.add_argument("--adversarial", action="store_true")
    options = stage_options(parser)
    train(options.kind, options.corpus, options.weights, options.run, minutes=options.minutes, adversarial=options.adversarial)


if __name__ == "__main__":
    main()
