"""What models there are, and where. No torch here: the daemon and the command line ask too."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from engine.api import ModelError

EMBEDDED_MODELS = Path(__file__).parents[1] / "weights"
# Of the weights, and where that was read (November 2026):
# embedded: this repository's LICENSE.
# released: LICENSE.txt of https://github.com/FunAudioLLM/InspireMusic (0aefb55), and the card of
#     https://huggingface.co/FunAudioLLM/InspireMusic-Base (0939bba); the repository's README adds that it is for research. The
#     WavTokenizer among the files comes from https://github.com/jishengpeng/WavTokenizer (5cf440d), whose LICENSE is MIT.
# musicgen: LICENSE_weights and README of https://github.com/facebookresearch/audiocraft (896ec7c); its code is under MIT.
# stable-audio: the agreement of July 5, 2024, that https://huggingface.co/stabilityai/stable-audio-open-1.0 links to. That page
#     asks for consent, so the agreement was read as others quote it: no commercial use by who earns more than 1,000,000 USD a
#     year; the others register at https://stability.ai/community-license. What was published before was for research alone.
LICENCES = {
    "embedded": "Apache-2.0", "released": "Apache-2.0", "musicgen": "CC-BY-NC-4.0 (not for commercial use)",
    "stable-audio": "Stability AI Community License (commercial use up to 1 M USD a year, once registered with them)",
}  # fmt: skip
LOCK = "pulled.json"  # in a model's directory: what it was pulled from, and its files' hashes (engine.checkpoints.pull)
MODELS_FOLDER = "INSPIRE_MODELS_FOLDER"  # in the environment: the user's models, in place of `default_models_folder`


@dataclass(frozen=True)
class ModelInfo:
    """A model by its name. `kind`: embedded; own, in our layout; released, as InspireMusic publishes them; musicgen, as published
    for transformers; stable-audio, as published for diffusers.
    """

    name: str
    path: Path
    kind: str

    @property
    def bytes(self) -> int:
        """Size of its weights on disk."""
        return sum(file.stat().st_size for pattern in ("*.safetensors", "*.pt") for file in self.path.rglob(pattern))

    @property
    def licence(self) -> str:
        """Of its weights, as their publishers state it; empty for the user's own."""
        return LICENCES.get(self.kind, "")

    @property
    def samplerate(self) -> int:
        """Of its best path in Hz, as a model in our layout says it; else 0."""
        try:
            content = json.loads((self.path / "model.json").read_text("utf-8"))
            return int((content["hifi_codec"] or {}).get("sampling_rate") or content["wavtokenizer"]["sample_rate"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return 0


def default_models_folder() -> Path:
    return Path(platformdirs.user_data_dir("inspire", appauthor=False)) / "models"


def list_models(folder: Path | None = None) -> dict[str, ModelInfo]:
    """By name: the embedded models, then those in `folder` (the user's when None); an embedded name wins."""
    found: dict[str, ModelInfo] = {}
    for root in (EMBEDDED_MODELS, folder or Path(os.environ.get(MODELS_FOLDER) or default_models_folder())):
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            if kind := kind_of(path):
                kind = "embedded" if root == EMBEDDED_MODELS else kind
                found.setdefault(path.name, ModelInfo(path.name, path, kind))
    return found


def find_model(name_or_path: str | Path) -> Path:
    """The directory of a model given by name (see list_models) or by path. Raises ModelError."""
    known = list_models()
    if str(name_or_path) in known:
        return known[str(name_or_path)].path
    path = Path(os.path.expanduser(name_or_path))
    if not os.path.isdir(path):  # unlike Path's own, takes any text for an answer
        raise ModelError(f"no model {str(name_or_path)!r}: give a directory or one of {', '.join(known) or '(none installed)'}")
    if not kind_of(path):
        raise ModelError(f"{path} is no model: it has neither model.json nor llm.pt; give the directory that holds the weights")
    return path


def kind_of(path: Path) -> str:
    """What a directory holds: own, released, musicgen or stable-audio, see `ModelInfo`; empty for no model."""
    if (path / "model.json").is_file():
        return "own"
    if (path / "llm.pt").is_file():
        return "released"
    if _json_of(path / "config.json").get("model_type") == "musicgen":
        return "musicgen"
    return "stable-audio" if _json_of(path / "model_index.json").get("_class_name") == "StableAudioPipeline" else ""


def _json_of(path: Path) -> dict[str, Any]:
    """Empty where there is no JSON object."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
