"""Scores by networks that others trained, where the user has them: CLAP, openl3, PaSST. None of them is needed or fetched.

CLAP: a folder as published for transformers (`ClapModel`). openl3 and PaSST: the packages `openl3` and `hear21passt` with the
weights they bring or have fetched before. What each score means is in its class; all take mono float clips.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soxr
import torch

from engine.api import EngineError, ModelError
from engine.arrays import Audio, FloatArray
from engine.evaluation.measures import frechet_distance

_PASST_S = 10.0  # that PaSST reads at once


class Scorer(Protocol):
    """`name` heads the column, `better` says which way."""

    name: str
    better: str

    def score(self, made: Sequence[Audio], words: Sequence[str], real: Sequence[Audio], samplerate: int) -> float:
        """made: clips, one for each of `words`; real: clips of music they are compared with, where the score needs some."""


class ClapScore:
    """Mean cosine of each clip's and its prompt's embedding (arXiv 2211.06687), from -1 to 1, over stretches of what it reads."""

    name, better = "CLAP score", "higher"

    def __init__(self, folder: Path) -> None:
        """Raises ModelError."""
        from transformers import AutoProcessor, ClapModel

        try:
            model: Any = ClapModel.from_pretrained(folder, local_files_only=True)
            processor: Any = AutoProcessor
            self._model, self._processor = model.eval(), processor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            said = " ".join(str(error).split())[:200]
            raise ModelError(f"{folder} cannot be read as a CLAP model ({said}); give one published for transformers") from None
        extractor = self._processor.feature_extractor
        self._rate, self._most = int(extractor.sampling_rate), int(extractor.nb_max_samples)

    @torch.inference_mode()
    def score(self, made: Sequence[Audio], words: Sequence[str], real: Sequence[Audio], samplerate: int) -> float:
        cosines = []
        for clip, text in zip(made, words, strict=True):
            audio = soxr.resample(clip, samplerate, self._rate)
            parts = [audio[first : first + self._most] for first in range(0, max(1, len(audio) - self._most // 2), self._most)]
            features = self._processor.feature_extractor(parts, sampling_rate=self._rate, return_tensors="pt")
            read = self._processor.tokenizer([text], return_tensors="pt", padding=True, truncation=True)
            out = self._model(**read, **features)
            cosines.append(float(torch.nn.functional.cosine_similarity(out.audio_embeds, out.text_embeds).mean()))
        return float(np.mean(cosines))


class OpenL3Distance:
    """Fréchet distance of openl3's embeddings (mel256, music, 512 numbers, every half second), as the paper's FD."""

    name, better = "FD openl3", "lower"

    def __init__(self) -> None:
        self._openl3 = _package("openl3", "openl3")
        self._model: Any = self._openl3.models.load_audio_embedding_model("mel256", "music", 512)

    def score(self, made: Sequence[Audio], words: Sequence[str], real: Sequence[Audio], samplerate: int) -> float:
        return frechet_distance(self._embed(made, samplerate), self._embed(real, samplerate))

    def _embed(self, clips: Sequence[Audio], samplerate: int) -> FloatArray:
        how = {"model": self._model, "hop_size": 0.5, "verbose": False}
        found = [self._openl3.get_audio_embedding(clip, samplerate, **how) for clip in clips]
        return np.concatenate([embedding for embedding, _ in found])


class PasstDivergence:
    """Kullback-Leibler divergence of PaSST's 527 AudioSet classes in the reference clips from those in what was made, each
    averaged over its clips and 10 s stretches, as the paper's KL.
    """

    name, better = "KL PaSST", "lower"
    _RATE = 32_000

    def __init__(self) -> None:
        self._model: Any = _package("hear21passt.base", "hear21passt").get_basic_model(mode="logits").eval()

    def score(self, made: Sequence[Audio], words: Sequence[str], real: Sequence[Audio], samplerate: int) -> float:
        found, wanted = self._classes(made, samplerate), self._classes(real, samplerate)
        return float(np.sum(wanted * np.log((wanted + 1e-8) / (found + 1e-8))))

    @torch.inference_mode()
    def _classes(self, clips: Sequence[Audio], samplerate: int) -> FloatArray:
        """Shares of the classes: [527], sum 1."""
        size, rows = round(_PASST_S * self._RATE), []
        for clip in clips:
            audio = soxr.resample(clip, samplerate, self._RATE)
            for first in range(0, max(1, len(audio) - size // 2), size):
                part = np.pad(audio[first : first + size], (0, max(0, size - len(audio[first : first + size]))))
                rows.append(torch.softmax(self._model(torch.from_numpy(part).float()[None]), -1)[0].numpy())
        return np.asarray(np.mean(rows, 0))


def scorers(clap: Path | None, openl3: bool, passt: bool) -> list[Scorer]:
    """Those that were asked for. Raises EngineError for one that is not there."""
    found: list[Scorer] = []
    if clap is not None:
        found.append(ClapScore(clap))
    if openl3:
        found.append(OpenL3Distance())
    if passt:
        found.append(PasstDivergence())
    return found


def _package(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise EngineError(f"this score needs the package {package}: pip install {package}, or leave it out") from None
