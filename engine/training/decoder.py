"""Goes on training a codec's decoder while its encoder and codes stay as they are.

`python -m engine.training.decoder wavtokenizer CORPUS weights.safetensors RUN --minutes 30`. Tokens keep their meaning, so the
language model and the flow can be trained at the same time, on tokens that are final, and profit from the better decoder.
With `--adversarial` a judge of spectrograms (`adversary.py`) has its say, for when the reconstruction loss has flattened.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.config import ModelConfig
from engine.corpus.dataset import Corpus, halve_rate
from engine.models.hifi_codec import HiFiCodec
from engine.models.wavtokenizer import WavTokenizer
from engine.training.adversary import Discriminator, fooling_loss, judging_loss
from engine.training.codec import build, spectral_distance
from engine.training.loop import Optimizer, Run, best_device
from engine.training.sketch import SKETCH


def decoder_parts(codec: WavTokenizer | HiFiCodec) -> nn.ModuleList:
    """What turns codes' vectors into audio."""
    return nn.ModuleList([codec.backbone, codec.head] if isinstance(codec, WavTokenizer) else [codec.generator])


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
) -> WavTokenizer | HiFiCodec:
    """Refines the decoder of the codec in `weights` and returns the whole codec. Resumes from `folder`."""
    torch.manual_seed(seed)
    codec = build(getattr(config, kind))
    device = device or best_device()
    codec.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    codec.to(device)
    rate = codec.samplerate
    parts = decoder_parts(codec)
    optimizer = Optimizer(parts, lr=lr, matrix_lr=matrix_lr)
    judge = Discriminator(rate).to(device) if adversarial else None
    judging = Optimizer(judge, lr=3e-4, matrix_lr=3e-4) if judge else None
    extra = {"judge": judge, "judging": judging} if judge else {}
    run = Run(folder, {"codec": codec, "optimizer": optimizer} | extra, minutes=minutes)
    rng = np.random.default_rng([seed, run.step])
    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    frames = round(seconds * 48_000)
    proof = held_out.crops(24, 2 * frames, np.random.default_rng(0), gain_db=0.0) if held_out.names else None

    def recode(crops: Tensor) -> tuple[Tensor, Tensor]:
        """The audio at the codec's rate, and what it makes of it."""
        audio = (halve_rate(crops) if rate == 24_000 else crops).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                vectors = codec.quantize(codec.encode_features(audio).float())[1]
            decoded = codec.decode_features(vectors)
        return audio, decoded[..., : audio.shape[-1]].float()

    def step(run: Run) -> dict[str, float]:
        audio, decoded = recode(training.crops(batch, frames, rng))
        told = {}
        if judge:
            told["judging"] = judging_loss(judge(audio), judge(decoded.detach()))
            judging.step(told["judging"], run.scale())
            told["fooling"] = fooling_loss(judge(audio), judge(decoded))
        level, magnitude = spectral_distance(decoded, audio, rate)
        norm = optimizer.step(level + 0.5 * magnitude + told.get("fooling", 0.0), run.scale())
        if judge:
            judge.zero_grad(set_to_none=True)  # what fooling it left behind
        told |= {"level": level, "magnitude": magnitude}
        return {name: value.item() for name, value in told.items()} | {"norm": norm}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        audio, decoded = recode(proof)
        level, magnitude = spectral_distance(decoded, audio, rate)
        return {"held_out_level": level.item(), "held_out_magnitude": magnitude.item()}

    run.loop(step, evaluate=evaluate if proof is not None else None)
    return codec.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("wavtokenizer", "hifi_codec"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("weights", type=Path, help="safetensors of the whole codec")
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--adversarial", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.kind, options.corpus, options.weights, options.run, minutes=options.minutes, adversarial=options.adversarial)


if __name__ == "__main__":
    main()
