"""A complete model of the real classes at tiny size with seeded random weights, for tests of the path, not of the sound."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from tokenizers import Tokenizer, models

from engine.checkpoints.checkpoint import save_checkpoint
from engine.config import FlowConfig, HiFiCodecConfig, LanguageModelConfig, ModelConfig, SpectralConfig, WavTokenizerConfig
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.models.sketch.language_model import build_language_model
from engine.models.sketch.spectral import TonesAndNoise
from engine.models.wavtokenizer import WavTokenizer
from engine.music.grid import BARS_PER_PHRASE, CLOCKS_PER_BEAT, MAX_BEATS_PER_BAR

TINY = ModelConfig(
    name="tiny",
    clip_guidance=2.0,
    wavtokenizer=WavTokenizerConfig(
        ratios=(6, 5, 4, 4),
        dimension=8,
        spectral=SpectralConfig(blocks=1),
        codebook_size=32,
        dim=32,
        intermediate_dim=32,
        num_layers=2,
        adanorm_num_embeddings=1,
        pos_net=False,
    ),
    language_model=LanguageModelConfig(
        text_vocab_size=16,
        audio_vocab_size=32,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        negative="null",
        clocks_per_bar=CLOCKS_PER_BEAT * MAX_BEATS_PER_BAR,
        bars_per_phrase=BARS_PER_PHRASE,
    ),
    flow=FlowConfig(
        token_vocab_size=32,
        input_size=16,
        width=16,
        encoder_layers=1,
        encoder_heads=2,
        encoder_ffn=16,
        regulator_blocks=1,
        channels=(16, 16),
        transformer_blocks=1,
        mid_blocks=1,
        attention_heads=2,
        attention_head_dim=8,
        steps=4,
    ),
    hifi_codec=HiFiCodecConfig(
        upsample_rates=(8, 5, 4, 3),
        upsample_initial_channel=16,
        latent_dim=16,
        n_codes=16,
        spectral=SpectralConfig(blocks=2),
    ),
    max_tokens=200,
    usual_bpm=(("techno", 131.0), ("", 90.0)),
)


def write_tiny_model(directory: Path, *, flow: bool = True, **changes) -> Path:
    """Writes the tiny model in our layout. `changes` replace fields of its ModelConfig."""
    config = dataclasses.replace(TINY, **changes)
    return write_seeded_model(directory, config if flow else dataclasses.replace(config, flow=None, hifi_codec=None))


def write_seeded_model(directory: Path, config: ModelConfig) -> Path:
    """Writes a model of any size with seeded random weights in our layout. What it sounds like depends on its tokens."""
    torch.manual_seed(0)
    modules = {"wavtokenizer": WavTokenizer(config.wavtokenizer), "language_model": build_language_model(config.language_model)}
    if config.flow is not None:
        modules |= {"flow": FlowMatching(config.flow), "hifi_codec": HiFiCodec(config.hifi_codec)}
    for module in modules.values():
        for part in module.modules():
            if isinstance(part, TonesAndNoise):  # which begins so near to its bias that everything sounds alike
                part.out.weight.data *= 10
    save_checkpoint(directory, config, modules)
    vocabulary = {word: i for i, word in enumerate(["<null>", "<unknown>", "dub", "techno", "124", "bpm"])}
    Tokenizer(models.WordLevel(vocabulary, "<unknown>")).save(str(directory / "tokenizer.json"))
    return directory
