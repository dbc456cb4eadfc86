"""Command lines of the training's stages: what all of them take."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer

from engine.checkpoints.checkpoint import load_checkpoint
from engine.models.language_model import LanguageModel


def stage_parser(doc: str | None, *, minutes: float, threads: int = 1) -> argparse.ArgumentParser:
    """With `--minutes` and `--threads` and these defaults. doc: the stage's docstring, whose first line describes it."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--threads", type=int, default=threads)
    return parser


def stage_options(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What the command line says; torch then has its threads."""
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    return options


def add_fine_tuning_paths(parser: argparse.ArgumentParser) -> None:
    """What fine-tuning stages read and write: `corpus`, `tokens` and `run`."""
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("run", type=Path)


def load_language_model(name: str) -> tuple[LanguageModel, Tokenizer]:
    """The language model of a model's name or directory, and its text tokenizer. Raises ModelError."""
    checkpoint = load_checkpoint(name)
    return checkpoint.language_model, Tokenizer.from_file(str(checkpoint.directory / "tokenizer.json"))
