"""Finds, verifies and loads a model directory; writes our own layout.

Two layouts are read: ours (`model.json`, a safetensors file for each network, `tokenizer.json`) and InspireMusic's as
published (engine.checkpoints.inspiremusic). Every tensor must be there, known, and of the shape the configuration implies;
anything else is one ModelError that names the file, what is wrong in it, and what to do. Nothing in a model directory is
ever executed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.api import ModelError
from engine.checkpoints import inspiremusic, memory
from engine.checkpoints.library import find_model
from engine.config import ModelConfig, load_model_config, to_mapping
from engine.models import flow_matching, language_model, wavtokenizer
from engine.models.flow_matching import FlowMatching
from engine.models.hifi_codec import HiFiCodec
from engine.models.language_model import LanguageModel
from engine.models.sketch.language_model import build_language_model
from engine.models.wavtokenizer import WavTokenizer

SCALE = ".scale"  # suffix of the row scales of a matrix kept in eight bits
NETWORKS: dict[str, type[nn.Module]] = {
    "wavtokenizer": WavTokenizer,
    "language_model": LanguageModel,
    "flow": FlowMatching,
    "hifi_codec": HiFiCodec,
}
# What a released file may hold beyond the network: (regular expression, reason).
IGNORED_KEYS: dict[str, Sequence[tuple[str, str]]] = {
    "wavtokenizer": wavtokenizer.IGNORED_KEYS,
    "language_model": language_model.IGNORED_KEYS,
    "flow": flow_matching.IGNORED_KEYS,
    "hifi_codec": (),
}
KEYS_NAMED = 3  # in an error message

Layout = Literal["own", "released"]  # "own": with model.json, as `save_checkpoint` writes it; "released": as InspireMusic's are
Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A complete model on the CPU, in float32 and eval mode. Without the full path `flow` and `hifi_codec` are None."""

    config: ModelConfig
    directory: Path
    wavtokenizer: WavTokenizer
    language_model: LanguageModel
    flow: FlowMatching | None
    hifi_codec: HiFiCodec | None
    files: tuple[Path, ...]  # the weights
    layout: Layout = "own"  # of the directory

    @property
    def has_own_words(self) -> bool:
        """Whether it knows only the words of its own tokenizer.json; a released model reads any, with Qwen's tokenizer."""
        return self.layout == "own"

    @property
    def full(self) -> FullPath | None:
        """The networks of the full path; None for a model that has none."""
        return None if self.flow is None or self.hifi_codec is None else FullPath(self.flow, self.hifi_codec)

    @property
    def bytes(self) -> int:
        """Size of the weights on disk."""
        return sum(file.stat().st_size for file in self.files)

    @functools.cached_property
    def weights_sha256(self) -> str:
        """The first 16 digits of a hash of all weights: says which model made a result. Reads every file, once."""
        digest = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]


class FullPath(NamedTuple):
    """Tokens → latents → audio at the codec's rate."""

    flow: FlowMatching
    codec: HiFiCodec


def load_checkpoint(name_or_path: str | Path) -> Checkpoint:
    """Loads a model of either layout. Raises ModelError."""
    directory = find_model(name_or_path)
    layout: Layout = "own" if (directory / "model.json").is_file() else "released"
    config, files, tensors = _read_ours(directory) if layout == "own" else inspiremusic.read(directory)
    _check_fit(config, files)
    ignored = IGNORED_KEYS if layout == "released" else {}
    memory.require(_bytes_to_come(tensors, ignored), f"model {config.name}")

    def network(name: str, build: Callable[[Config], Network], own: Config) -> Network:
        return _network(name, build, own, tensors.pop(name), files[name], ignored.get(name, ()))

    return Checkpoint(
        config,
        directory,
        wavtokenizer=network("wavtokenizer", WavTokenizer, config.wavtokenizer),
        language_model=network("language_model", build_language_model, config.language_model),
        flow=None if config.flow is None else network("flow", FlowMatching, config.flow),
        hifi_codec=None if config.hifi_codec is None else network("hifi_codec", HiFiCodec, config.hifi_codec),
        files=tuple(files.values()),
        layout=layout,
    )


def _bytes_to_come(networks: Mapping[str, Mapping[str, Tensor]], ignored: Mapping[str, Sequence[tuple[str, str]]]) -> int:
    """What loading takes at least, beyond what is read: float32 copies of narrower tensors, and what is only mapped so far."""
    wanted = [
        tensor
        for name, tensors in networks.items()
        for key, tensor in tensors.items()
        if not any(re.fullmatch(pattern, key) for pattern, _ in ignored.get(name, ()))
    ]
    return sum(4 * tensor.numel() for tensor in wanted if ignored or tensor.dtype != torch.float32)


def save_checkpoint(
    directory: Path, config: ModelConfig, modules: Mapping[str, nn.Module], dtype: torch.dtype = torch.float16
) -> None:
    """Writes `model.json` and each of `modules`, by the names of NETWORKS, unfolded. `tokenizer.json` is the caller's to add.

    Matrices of linear layers are kept in eight bits with one scale a row (`<key>.scale`), all else in `dtype`: a quarter of the
    size at an error of half a percent of a row's largest weight. Each file is replaced at once, so that a reader never meets
    half of one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, module in modules.items():
        assert isinstance(module, NETWORKS[name]), f"{name} is a {type(module).__name__}"
        tensors = {key: _narrowed(tensor, dtype) for key, tensor in module.state_dict().items()}
        for key in [f"{path}.weight" for path, part in module.named_modules() if isinstance(part, nn.Linear)]:
            tensors[key], tensors[key + SCALE] = _in_eight_bits(module.state_dict()[key])
        with _replacing(directory / f"{name}.safetensors") as partial:
            save_file(tensors, partial)
    with _replacing(directory / "model.json") as partial:
        partial.write_text(json.dumps(to_mapping(config), indent=2) + "\n", "utf-8")


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    partial = path.with_name(path.name + ".partial")
    yield partial
    os.replace(partial, path)


def _narrowed(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    kept = tensor.detach().cpu().contiguous()
    narrow = kept.to(dtype) if kept.is_floating_point() else kept
    return narrow if narrow.isfinite().all() else kept  # counts of codes used outgrow half precision


def _in_eight_bits(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """[out, in] → int8 [out, in] and float32 scales [out, 1]."""
    scale = (matrix.detach().abs().amax(1, keepdim=True) / 127).clamp(min=1e-12)
    return (matrix.detach() / scale).round().to(torch.int8), scale


def _read_ours(directory: Path) -> tuple[ModelConfig, dict[str, Path], dict[str, dict[str, Tensor]]]:
    """As inspiremusic.read does."""
    path = directory / "model.json"
    try:
        config = load_model_config(path)
        assert config.token_rate > 0
    except (ArithmeticError, AssertionError, TypeError) as error:
        raise ModelError(f"{path}: a value of the wrong kind ({error}); get the model's own file again") from None
    files = {name: directory / f"{name}.safetensors" for name in NETWORKS if getattr(config, name) is not None}
    inspiremusic.require([*files.values(), directory / "tokenizer.json"])
    return config, files, {name: _read_safetensors(file) for name, file in files.items()}


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        if memory.is_shortage(error):
            raise
        raise ModelError(f"{file} is damaged or cut short ({error}); get it again") from None
    for key in [key for key in tensors if key + SCALE in tensors]:
        tensors[key] = tensors[key].float() * tensors.pop(key + SCALE)
    return tensors


def _check_fit(config: ModelConfig, files: Mapping[str, Path]) -> None:
    """The networks against each other: each file may be whole and still be another variant's."""
    flow, codec = config.flow, config.hifi_codec
    if (flow is None) != (codec is None):
        raise ModelError(f"{config.name}: flow and hifi_codec work only together; configure both, or neither for the fast path")
    if flow is None or codec is None:
        return
    claims = (
        ("audio tokens", flow.token_vocab_size, config.language_model.audio_vocab_size, "language_model"),
        ("latent channels", flow.width, codec.latent_dim, "hifi_codec"),
        ("latents a second", config.token_rate * flow.frames_per_token, codec.frame_rate, "hifi_codec"),
    )
    for what, here, there, other in claims:
        if not math.isclose(here, there):
            raise ModelError(
                f"{files['flow']} is for {here:g} {what}, but {files[other]} for {there:g}: they belong to different variants; "
                "take all files from one release"
            )


def _network(
    name: str,
    build: Callable[[Config], Network],
    config: Config,
    tensors: dict[str, Tensor],
    file: Path,
    ignored: Sequence[tuple[str, str]],
) -> Network:
    """A network built without memory of its own, then given the file's tensors."""
    try:
        with torch.device("meta"):
            network = build(config)
    except (ArithmeticError, AssertionError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"{file}: no {NETWORKS[name].__name__} can be built as configured: {error}") from None
    tensors = {key: tensor for key, tensor in tensors.items() if not any(re.fullmatch(pattern, key) for pattern, _ in ignored)}
    _check_tensors(network.state_dict(), tensors, file)
    network.load_state_dict({key: t.float() if t.is_floating_point() else t for key, t in tensors.items()}, assign=True)
    assert not any(t.is_meta for t in (*network.parameters(), *network.buffers())), f"{name} has state without a key"
    network.eval()
    return network


def _check_tensors(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], file: Path) -> None:
    misshapen = [
        f"{key} is {list(found[key].shape)} instead of {list(tensor.shape)}"
        for key, tensor in expected.items()
        if key in found and found[key].shape != tensor.shape
    ]
    missing = [key for key in expected if key not in found]
    unknown = [key for key in found if key not in expected]
    kinds = (("of another shape", misshapen), ("missing", missing), ("unknown", unknown))
    faults = [(f"{len(keys)} {kind}", keys) for kind, keys in kinds if keys]
    if not faults:
        return
    first, keys = faults[0]
    named = ", ".join(keys[:KEYS_NAMED]) + (", …" if len(keys) > KEYS_NAMED else "")
    rest = "".join(f", {fault}" for fault, _ in faults[1:])
    raise ModelError(
        f"{file} does not fit its configuration: of {len(expected)} tensors {first} ({named}){rest}; "
        "it is damaged or of another variant, take all files from one release"
    )
