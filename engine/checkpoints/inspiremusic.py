"""InspireMusic's model directories as they are published: their files, their settings, their tensors.

    llm.pt  flow.pt (absent in the variants without flow)  inspiremusic.yaml
    config.json  tokenizer.json, or vocab.json and merges.txt           (Qwen's)
    wavtokenizer/{config.yaml,model.pt}  music_tokenizer/{config.json,model.pt}

Everything here is data. Pickles are read with `weights_only`; the YAML, whose tags ask for Python calls, with a loader
that ignores every tag. Sizes come from the settings; where those leave one out, from the tensors.
"""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from engine.api import ModelError
from engine.checkpoints import memory
from engine.config import FlowConfig, HiFiCodecConfig, LanguageModelConfig, ModelConfig, WavTokenizerConfig

MAX_PROMPT_S = 5.0  # the longest audio prompt that the released models' own programs give them

# Our fields ← the settings' dotted names. What a file does not say keeps our default, which is the released size: were it
# wrong, the tensors' shapes would show it.
QWEN_NAMES = {
    name: name
    for name in (
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "rms_norm_eps",
        "rope_theta",
    )
}
CODEC_NAMES = {
    name: name
    for name in (
        "sampling_rate",
        "upsample_rates",
        "upsample_kernel_sizes",
        "upsample_initial_channel",
        "resblock_kernel_sizes",
        "resblock_dilation_sizes",
        "n_code_groups",
        "n_codes",
    )
}
WAVTOKENIZER_NAMES = {
    "sample_rate": "sample_rate",
    "ratios": "feature_extractor.init_args.dowmsamples",  # their spelling
    "codebook_size": "feature_extractor.init_args.vq_bins",
    "dim": "backbone.init_args.dim",
    "intermediate_dim": "backbone.init_args.intermediate_dim",
    "num_layers": "backbone.init_args.num_layers",
    "adanorm_num_embeddings": "backbone.init_args.adanorm_num_embeddings",
}
FLOW_NAMES = {
    "token_vocab_size": "vocab_size",
    "input_size": "input_size",
    "encoder_proj_size": "output_size",
    "width": "encoder.output_size",
    "encoder_layers": "encoder.num_blocks",
    "encoder_heads": "encoder.attention_heads",
    "encoder_ffn": "encoder.linear_units",
    "channels": "decoder.estimator.channels",
    "transformer_blocks": "decoder.estimator.n_blocks",
    "mid_blocks": "decoder.estimator.num_mid_blocks",
    "attention_heads": "decoder.estimator.num_heads",
    "attention_head_dim": "decoder.estimator.attention_head_dim",
    "guidance_rate": "decoder.cfm_params.content.inference_cfg_rate",
}


def read(directory: Path) -> tuple[ModelConfig, dict[str, Path], dict[str, dict[str, Tensor]]]:
    """Configuration, and each network's weight file and tensors by our names and keys. Raises ModelError."""
    files = {"wavtokenizer": directory / "wavtokenizer/model.pt", "language_model": directory / "llm.pt"}
    settings = [directory / "inspiremusic.yaml", directory / "config.json", directory / "wavtokenizer/config.yaml"]
    if (directory / "flow.pt").is_file():
        files |= {"flow": directory / "flow.pt", "hifi_codec": directory / "music_tokenizer/model.pt"}
        settings.append(directory / "music_tokenizer/config.json")
    tokenizer = ["tokenizer.json"] if (directory / "tokenizer.json").is_file() else ["vocab.json", "merges.txt"]
    require([*files.values(), *settings, *(directory / name for name in tokenizer)])

    tensors = {name: _read_tensors(name, file) for name, file in files.items()}
    music = _read_yaml(settings[0])
    fast_path = ModelConfig(
        name=directory.resolve().name,
        language_model=_language_model_config(settings[1], files["language_model"], tensors["language_model"]),
        wavtokenizer=_wavtokenizer_config(settings[2], files["wavtokenizer"], tensors["wavtokenizer"]),
        flow=None,
        hifi_codec=None,
        max_prompt_s=MAX_PROMPT_S,
    )
    if "flow" not in files:
        return fast_path, files, tensors
    # One codec layout serves both rates: the model's own settings, where they say so, decide which this one plays at.
    played = _stated({"sampling_rate": "target_sample_rate"}, music, settings[0], music)
    codec = _codec_config(settings[3], played, files["hifi_codec"], tensors["hifi_codec"])
    frames_per_token = codec.frame_rate / fast_path.token_rate
    if frames_per_token not in (1, 2):
        raise ModelError(
            f"{directory}: {codec.frame_rate:g} latents a second do not go with {fast_path.token_rate:g} tokens "
            "a second, once or twice as many are allowed; take all files from one release"
        )
    stated = _stated(FLOW_NAMES, music.get("flow"), settings[0], music)
    flow = FlowConfig(**stated, frames_per_token=round(frames_per_token))
    return replace(fast_path, flow=flow, hifi_codec=codec), files, tensors


def require(files: Iterable[Path]) -> None:
    missing = [file for file in files if not file.is_file()]
    if missing:
        names = ", ".join(str(file) for file in missing[:3])
        raise ModelError(f"missing {'file' if len(missing) == 1 else 'files'}: {names}; the download is incomplete, get it again")


# --- tensors ---------------------------------------------------------------------------------------------------------


def _read_tensors(name: str, file: Path) -> dict[str, Tensor]:
    """A network's tensors out of its file, under our keys, less what only its training needed."""
    content = _read_pickle(file)
    if name == "wavtokenizer":  # a training checkpoint, with discriminators beside the three parts
        parts = ("feature_extractor.", "backbone.", "head.")
        return {key: tensor for key, tensor in _tensors(content, "state_dict", file).items() if key.startswith(parts)}
    if name == "hifi_codec":  # three dictionaries, and possibly discriminators and optimisers
        parts = ("generator", "encoder", "quantizer")
        return {f"{part}.{key}": tensor for part in parts for key, tensor in _tensors(content, part, file).items()}
    return _tensors({name: content}, name, file)


def _tensors(content: Mapping[str, Any], part: str, file: Path) -> dict[str, Tensor]:
    found = content.get(part)
    if not isinstance(found, Mapping) or not any(isinstance(value, Tensor) for value in found.values()):
        raise ModelError(f"{file} holds no tensors for {part!r}; it is damaged or not the published file, get it again")
    return {key: value for key, value in found.items() if isinstance(value, Tensor)}


def _read_pickle(file: Path) -> Mapping[str, Any]:
    try:
        # Only a zip can be mapped, and a file cut short is none any more.
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except pickle.UnpicklingError as error:
        wanted = re.search(r"GLOBAL (\S+)", str(error))
        what = f"asks for {wanted[1]}, which is not allowed: a model is tensors, and no code" if wanted else "holds no tensors"
        raise ModelError(f"{file} {what}; it is damaged or not the published file, get it again") from None
    except Exception as error:  # a damaged file can raise anything at all
        if memory.is_shortage(error):
            raise
        raise ModelError(f"{file} is damaged or cut short ({type(error).__name__}); get it again") from None
    if not isinstance(content, Mapping):
        raise ModelError(f"{file} holds a {type(content).__name__} instead of a dictionary of tensors; get it again")
    return content


# --- settings --------------------------------------------------------------------------------------------------------


def _language_model_config(settings: Path, file: Path, tensors: Mapping[str, Tensor]) -> LanguageModelConfig:
    qwen = _read_json(settings)
    if qwen.get("model_type") != "qwen2":
        raise ModelError(f"{settings}: model_type is {qwen.get('model_type')!r}, only 'qwen2' is known; get the published file")
    absent = [name for name in QWEN_NAMES if name not in qwen]
    if absent:
        raise ModelError(f"{settings} lacks {', '.join(absent[:3])}; get the published file")
    return LanguageModelConfig(
        **_stated(QWEN_NAMES, qwen, settings),
        text_vocab_size=_size(tensors, "text_embedding.weight", 0, file),
        audio_vocab_size=_size(tensors, "speech_embedding.weight", 0, file),
        n_sections=_size(tensors, "chorus_embedding.weight", 0, file),
    )


def _wavtokenizer_config(settings: Path, file: Path, tensors: Mapping[str, Tensor]) -> WavTokenizerConfig:
    content = _read_yaml(settings)
    return WavTokenizerConfig(
        **_stated(WAVTOKENIZER_NAMES, _lookup(content, "model.init_args"), settings, content),
        n_filters=_size(tensors, "feature_extractor.encodec.encoder.model.0.conv.conv.weight_v", 0, file),
        dimension=_size(tensors, "feature_extractor.encodec.quantizer.vq.layers.0._codebook.embed", 1, file),
    )


def _codec_config(settings: Path, played: dict[str, Any], file: Path, tensors: Mapping[str, Tensor]) -> HiFiCodecConfig:
    content = _read_json(settings)
    if str(content.get("resblock", "1")) != "1":
        raise ModelError(f"{settings}: resblock is {content['resblock']!r}, only '1' is known; get the published file")
    return HiFiCodecConfig(
        **_stated(CODEC_NAMES, content, settings) | played,
        latent_dim=_size(tensors, "generator.conv_pre.weight_v", 1, file),
        encoder_channels=_size(tensors, "encoder.conv_pre.weight_v", 0, file),
    )


def _size(tensors: Mapping[str, Tensor], key: str, dim: int, file: Path) -> int:
    if key not in tensors or tensors[key].dim() <= dim:
        raise ModelError(f"{file} lacks {key}: it is incomplete or of another kind; get it again")
    return tensors[key].shape[dim]


def _stated(names: Mapping[str, str], content: Any, file: Path, root: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Our fields that `content` states, checked to be numbers or lists of them. References are looked up in `root`."""
    found = {}
    for field, name in names.items():
        value = _lookup(content, name)
        reference = re.fullmatch(r"<(\w+)>", value) if isinstance(value, str) else None
        if reference:
            value = _lookup(root or {}, reference[1])
        if value is None:
            continue
        if not _is_numeric(value):
            raise ModelError(f"{file}: {name} is {value!r}, a number or a list of numbers is needed; get the published file")
        found[field] = _frozen(value)
    return found


def _lookup(content: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_is_numeric, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} is not valid JSON ({error}); get it again") from None
    return _mapping(content, file)


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # the library has no types
    """YAML whose tags (`!new:`, `!apply:`, `!!python/…`) mean nothing: what they stand before is read as plain data."""


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_PlainLoader.add_constructor(None, _plain)


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_text("utf-8"), _PlainLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{file} is not valid YAML ({reason}); get it again") from None
    return _mapping(content, file)


def _mapping(content: Any, file: Path) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ModelError(f"{file} holds a {type(content).__name__} instead of named settings; get it again")
    return content
