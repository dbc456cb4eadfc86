"""Command lines of the training's stages: what all of them take."""

from __future__ import annotations

import argparse

import torch


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
