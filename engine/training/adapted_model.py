"""The directory of a fine-tuned model: its base's files with another language model, and a card."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.checkpoints.checkpoint import Checkpoint, save_checkpoint
from engine.checkpoints.library import LOCK
from engine.training.recordings import Part


def write_model(made: Path, name: str, checkpoint: Checkpoint, parts: list[Part]) -> Path:
    """Writes the base's files to `made`, in its layout, with the trained language model in place of its own. Returns `made`."""
    shutil.rmtree(made, ignore_errors=True)
    if checkpoint.layout == "released":
        return copy_released(made, checkpoint, parts=("language_model",))
    made.mkdir()
    for file in (*checkpoint.files, checkpoint.directory / "tokenizer.json"):
        if file.name != "language_model.safetensors":
            shutil.copyfile(file, made / file.name)
    config = replace(checkpoint.config, name=name)
    if tempi := [part.bpm for part in parts if part.bpm]:  # where a request and its style state none
        usual = tuple(pair for pair in config.usual_bpm if pair[0])
        config = replace(config, usual_bpm=(*usual, ("", float(round(np.median(tempi))))))
    config = replace(config, styles=())  # it plays in the keys of its recordings, on their instruments
    save_checkpoint(made, config, {"language_model": checkpoint.language_model})
    return made


def copy_released(
    made: Path, checkpoint: Checkpoint, parts: Sequence[str] = ("language_model", "wavtokenizer", "flow")
) -> Path:
    """A model in the published layout, with the checkpoint's `parts` in place of its own; the language model in half precision.

    Without the lock of a pull and Qwen's own weights, which the language model replaces. Returns `made`.
    """
    shutil.rmtree(made, ignore_errors=True)
    left_out = shutil.ignore_patterns("llm.pt", LOCK, "*.safetensors", "README.md")
    shutil.copytree(checkpoint.directory, made, ignore=left_out)
    tensors = checkpoint.language_model.state_dict()
    torch.save({key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}, made / "llm.pt")
    if "wavtokenizer" in parts:
        torch.save({"state_dict": checkpoint.wavtokenizer.state_dict()}, made / "wavtokenizer" / "model.pt")
    if "flow" in parts and checkpoint.flow is not None:
        torch.save(checkpoint.flow.state_dict(), made / "flow.pt")
    return made


def card(
    name: str, checkpoint: Checkpoint, parts: list[Part], held_out: list[Part], figures: dict[str, float], rank: int
) -> str:
    """The text of its README.md. figures: held-out losses `before` and `after`, `step` and `minutes`. rank: of the adapters."""
    files = sorted({part.file for part in parts})
    seconds = sum(len(part.tokens) for part in parts) / checkpoint.config.token_rate
    return f"""# {name}

{checkpoint.config.name} (weights {checkpoint.weights_sha256}), its language model fine-tuned on {len(files)} recordings, \
{seconds / 60:.1f} minutes, with low-rank
adapters (rank {rank}) that are merged into the weights. What its licence and training allow holds for this one too; the rights in
the recordings are their makers'.

| held-out recordings, nats a token (less is better) | |
|---|---|
| {checkpoint.config.name} | {figures["before"]} |
| {name} | {figures["after"]} |

{figures["step"]} steps in {figures["minutes"]} minutes; the best moment was chosen by the same held-out recordings:
{", ".join(sorted({part.file for part in held_out}))}.
"""
