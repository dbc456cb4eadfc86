"""Training runs → a model directory in our layout: weights in half precision, configuration, tokenizer, card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer
from torch import nn

from engine.arrays import Audio
from engine.checkpoints.checkpoint import save_checkpoint
from engine.config import FlowConfig, HiFiCodecConfig, ModelConfig
from engine.corpus.facts import PieceFacts
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.models.language_model import LanguageModel
from engine.models.sketch.codec import FrameGenerator, LatentEncoder
from engine.models.wavtokenizer import WavTokenizer
from engine.training.codec import CodecTrainer

AnyCodec = TypeVar("AnyCodec", WavTokenizer, HiFiCodec)
Model = TypeVar("Model", bound=nn.Module)


def load_codec(codec: AnyCodec, run: Path) -> AnyCodec:
    """A codec with the weights of a codec run, in eval mode."""
    CodecTrainer(codec).load_state_dict(run_part(run, "trainer"))
    return codec.eval()


def load_average(module: Model, run: Path) -> Model:
    """A language model or flow with the moving average of its run's weights, the best ones where it kept them, in eval mode."""
    parts = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)["parts"]
    module.load_state_dict(parts["best"]["weights"] if "best" in parts else parts["average"])
    return module.eval()


def run_part(run: Path, name: str) -> dict[str, Any]:
    """The state dict of one part of a run."""
    state: dict[str, Any] = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)["parts"][name]
    return state


def hifi_config(config: ModelConfig) -> HiFiCodecConfig:
    """Raises ValueError for a model without."""
    if config.hifi_codec is None:
        raise ValueError(f"{config.name} has no HiFi-Codec: training makes models with both codecs and a flow")
    return config.hifi_codec


def flow_config(config: ModelConfig) -> FlowConfig:
    """Raises ValueError for a model without."""
    if config.flow is None:
        raise ValueError(f"{config.name} has no flow: training makes models with both codecs and a flow")
    return config.flow


@torch.no_grad()
def whiten(codec: HiFiCodec, features: torch.Tensor) -> None:
    """Gives the codec's latents mean 0 and deviation 1 in each channel; the same codes still decode to the same audio.

    Between two codes that lie almost equally near, encoding may now choose the other. The flow's noise has deviation 1
    in every channel: latents of another size would spend its capacity on scale.
    features: [B, D, frames] of latents that show the present mean and deviation.
    """
    encoder, generator, groups = codec.encoder, codec.generator, codec.config.n_code_groups
    if not (isinstance(encoder, LatentEncoder) and isinstance(generator, FrameGenerator)):
        raise TypeError("only codecs with a spectral configuration, as sketch has them, can be whitened")
    mean, deviation = features.mean((0, 2)), features.std((0, 2)).clamp(min=1e-4)
    means, deviations = mean.chunk(groups), deviation.chunk(groups)
    for number, codebook in enumerate(codec.codebooks):  # level by level, group by group
        level, group = divmod(number, groups)
        codebook.sub_(means[group] if level == 0 else 0).div_(deviations[group])
    encoder.whiten(mean, deviation)
    generator.whiten(mean, deviation)


def pack(
    directory: Path,
    config: ModelConfig,
    *,
    wavtokenizer: WavTokenizer,
    language_model: LanguageModel,
    flow: FlowMatching | None,
    hifi_codec: HiFiCodec | None,
    tokenizer: Tokenizer,
    card: str,
) -> None:
    """Writes a directory that `engine.checkpoints.checkpoint.load_checkpoint` reads. `card` is the text of its README.md."""
    directory.mkdir(parents=True, exist_ok=True)
    config = replace(
        config, tempo_words=tuple(sorted(int(w) for w in tokenizer.get_vocab() if w.isdigit() and 40 <= int(w) <= 240))
    )
    modules = {"wavtokenizer": wavtokenizer, "language_model": language_model, "flow": flow, "hifi_codec": hifi_codec}
    if flow is None:
        config = replace(config, flow=None, hifi_codec=None)
    save_checkpoint(directory, config, {name: module for name, module in modules.items() if module is not None})
    (directory / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=0))
    (directory / "README.md").write_text(card)


def last_values(run: Path) -> dict[str, float]:
    """The newest value of everything a run logged."""
    values: dict[str, float] = {}
    for line in (run / "log.jsonl").read_text().splitlines():
        values |= json.loads(line)
    return values


def corpus_summary(facts: list[PieceFacts]) -> dict[str, float | int]:
    """Hours, pieces and spread of a corpus, for the card."""
    return {
        "pieces": len(facts), "hours": round(sum(f["seconds"] for f in facts) / 3600, 1),
        "styles": len({f["style"] for f in facts}), "held_out": sum(f["held_out"] for f in facts),
        "bpm_low": round(min(f["bpm"] for f in facts)), "bpm_high": round(max(f["bpm"] for f in facts)),
        "keys": len({(f["key"], f["mode"]) for f in facts}), "augmented": sum("augmentation" in f for f in facts),
    }  # fmt: skip


def sample_latents(codec: HiFiCodec, audio: Audio) -> torch.Tensor:
    """Latents [1, D, frames] of 48 kHz mono audio [N], not quantised."""
    with torch.no_grad():
        return codec.encode_features(torch.from_numpy(audio)[None])
