"""Model directories in InspireMusic's published layout with seeded random weights: `python -m tests.released DIRECTORY VARIANT`.

At full size the shapes are those of the released models (0.5B: 2.9 GB in float32, half of it with `--half`); at tiny size the
architecture is the same and every width small. What they sound like means nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.checkpoints.inspiremusic import CODEC_NAMES
from engine.checkpoints.published import PUBLISHED, Published, find_published
from engine.config import FlowConfig, HiFiCodecConfig, LanguageModelConfig, WavTokenizerConfig
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.models.language_model import LanguageModel
from engine.models.wavtokenizer import WavTokenizer

Configs = tuple[LanguageModelConfig, WavTokenizerConfig, FlowConfig, HiFiCodecConfig]
_LARGE = {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12}


def configs(variant: Published, tiny: bool) -> Configs:
    ratio = variant.samplerate // 24_000
    if not tiny:
        language_model = LanguageModelConfig(**(_LARGE if variant.size == "1.5B" else {}))
        codec = HiFiCodecConfig(sampling_rate=variant.samplerate)
        return language_model, WavTokenizerConfig(), FlowConfig(frames_per_token=ratio), codec
    depth = 3 if variant.size == "1.5B" else 2
    return (
        LanguageModelConfig(
            text_vocab_size=300, audio_vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=depth,
            num_attention_heads=4, num_key_value_heads=2,
        ),
        WavTokenizerConfig(n_filters=4, dimension=32, codebook_size=64, dim=32, intermediate_dim=48, num_layers=1),
        FlowConfig(
            token_vocab_size=64, input_size=16, width=32, encoder_layers=1, encoder_heads=2, encoder_ffn=32, encoder_proj_size=8,
            regulator_blocks=4, channels=(32, 32), transformer_blocks=1, mid_blocks=1, attention_heads=2, attention_head_dim=8,
            frames_per_token=ratio,
        ),
        HiFiCodecConfig(
            sampling_rate=variant.samplerate, upsample_initial_channel=32, resblock_kernel_sizes=(3,),
            resblock_dilation_sizes=((1, 3),), encoder_channels=4, latent_dim=32, n_codes=16,
        ),
    )  # fmt: skip


def write_released(directory: Path, variant: Published, *, tiny: bool = True, half: bool = False, seed: int = 0) -> Path:
    """Writes what a pull of `variant` would bring. half: the language model's weights in half precision."""
    for part in ("wavtokenizer", "music_tokenizer") if variant.has_flow else ("wavtokenizer",):
        (directory / part).mkdir(parents=True, exist_ok=True)
    language_model, wavtokenizer, flow, codec = configs(variant, tiny)
    torch.manual_seed(seed)

    llm = {key: tensor.half() if half else tensor for key, tensor in _seeded(LanguageModel(language_model)).items()}
    for tied in ("lm_head", "model.embed_tokens"):  # one storage, as published
        llm[f"llm.model.{tied}.weight"] = llm["text_embedding.weight"]
    torch.save(llm, directory / "llm.pt")
    del llm
    tokenizer = WavTokenizer(wavtokenizer)
    _spread_codes(tokenizer)
    tokens = _seeded(tokenizer) | {"multiperioddisc.discriminators.0.conv.weight": torch.zeros(3)}
    torch.save({"state_dict": tokens, "epoch": 3, "global_step": 7}, directory / "wavtokenizer/model.pt")
    if variant.has_flow:
        torch.save(_seeded(FlowMatching(flow)), directory / "flow.pt")
        parts: dict[str, dict[str, torch.Tensor]] = {part: {} for part in ("generator", "encoder", "quantizer")}
        for key, tensor in _seeded(HiFiCodec(codec)).items():
            part, rest = key.split(".", 1)
            parts[part][rest] = tensor
        torch.save({**parts, "steps": 5}, directory / "music_tokenizer/model.pt")
        fields = {key: value for key, value in dataclasses.asdict(codec).items() if key in CODEC_NAMES}
        (directory / "music_tokenizer/config.json").write_text(json.dumps({"resblock": "1", "batch_size": 40, **fields}))
    _write_settings(directory, variant, language_model, wavtokenizer, flow)
    _write_tokenizer(directory)
    return directory


def _seeded(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Its tensors, without those that are zero at first, so that no part is idle."""
    tensors = network.state_dict()
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.any():
            tensors[key] = torch.randn(tensor.shape) * 0.02
    return tensors


@torch.no_grad()
def _spread_codes(tokenizer: WavTokenizer) -> None:
    """Puts the codes where sounds are, so that different ones have different tokens."""
    rate = tokenizer.samplerate
    seconds = min(4.0, 2 * tokenizer.config.codebook_size / tokenizer.frame_rate)
    time = torch.arange(round(seconds * rate)) / rate
    tones = torch.sin(2 * torch.pi * (200 + 3_000 * time / seconds) * time) * torch.rand(len(time)).round()
    audio = (torch.randn(len(time)) * 0.1 + 0.3 * tones) * torch.linspace(0.05, 1, len(time))
    points = tokenizer.encode_features(audio[None])[0].T
    chosen = points[torch.randint(len(points), (tokenizer.config.codebook_size,))]
    tokenizer.codebook.copy_(chosen + 0.1 * points.std(0) * torch.randn_like(chosen))


def _write_settings(
    directory: Path, variant: Published, llm: LanguageModelConfig, tokens: WavTokenizerConfig, flow: FlowConfig
) -> None:  # fmt: skip
    qwen = {
        "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "tie_word_embeddings": True,
        "vocab_size": llm.text_vocab_size,
        **{name: getattr(llm, name) for name in (
            "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "rms_norm_eps",
            "rope_theta",
        )},
    }  # fmt: skip
    (directory / "config.json").write_text(json.dumps(qwen))
    extractor = {"dowmsamples": list(tokens.ratios), "vq_bins": tokens.codebook_size, "num_quantizers": 1}
    backbone = {name: getattr(tokens, name) for name in ("dim", "intermediate_dim", "num_layers", "adanorm_num_embeddings")}
    args: dict[str, Any] = {
        "sample_rate": tokens.sample_rate, "feature_extractor": {"init_args": extractor}, "backbone": {"init_args": backbone},
    }  # fmt: skip
    (directory / "wavtokenizer/config.yaml").write_text(yaml.safe_dump({"model": {"init_args": args}}))
    estimator = {
        "channels": list(flow.channels), "n_blocks": flow.transformer_blocks, "num_mid_blocks": flow.mid_blocks,
        "num_heads": flow.attention_heads, "attention_head_dim": flow.attention_head_dim,
    }  # fmt: skip
    encoder = {
        "output_size": flow.width, "num_blocks": flow.encoder_layers, "attention_heads": flow.encoder_heads,
        "linear_units": flow.encoder_ffn,
    }  # fmt: skip
    flow_yaml = {
        "vocab_size": flow.token_vocab_size, "input_size": flow.input_size, "output_size": flow.encoder_proj_size,
        "encoder": encoder, "decoder": {"estimator": estimator, "cfm_params": {"content": {"inference_cfg_rate": 0.7}}},
    }  # fmt: skip
    music = {"sample_rate": 24_000, "target_sample_rate": variant.samplerate, "flow": flow_yaml}
    text = yaml.safe_dump(music).replace("flow:\n", "flow: !new:inspiremusic.Flow\n", 1)
    (directory / "inspiremusic.yaml").write_text("__set_seed: !apply:random.seed [1024]\n" + text)


def _write_tokenizer(directory: Path) -> None:
    """Byte-level pairs as Qwen's, without any merges: every byte is a word."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*alphabet, "<|endoftext|>"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "vocab.json").write_text(json.dumps(vocabulary))
    (directory / "merges.txt").write_text("#version: 0.2\n")
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "Qwen2Tokenizer", "model_max_length": 32_768, "eos_token": "<|endoftext|>"})
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.released", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("variant", help=", ".join(PUBLISHED))
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--half", action="store_true", help="the language model in half precision")
    options = parser.parse_args()
    variant = find_published(options.variant)
    print(write_released(options.directory / variant.name, variant, tiny=options.tiny, half=options.half))


if __name__ == "__main__":
    main()
