"""Fine-tunes a copy of a model on someone's own recordings, with low-rank adapters on its language model.

`python -m engine.training.adapt FOLDER --name NAME --models MODELS --base sketch --minutes 20` prints JSON lines and leaves
MODELS/NAME, a model like any other. Interrupted, the same command goes on: its run is MODELS/.NAME.training. Some recordings are
never trained on; by them the best moment is chosen, and without a gain on them there is no model.

Exit codes: 0 done, 1 failed or nothing gained, 2 unusable recordings or options, 130 stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.acceleration import choose_runtime
from engine.api import EngineError
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from engine.checkpoints.library import list_models
from engine.models.language_model import LanguageModel
from engine.music.grid import Grid
from engine.training.language_model import SHORTER, loss
from engine.training.loop import Optimizer, Run, save_whole
from engine.training.low_rank import Adapters
from engine.training.recorded_windows import Batch, Windows, measure
from engine.training.recordings import CAPTIONS, Part, TrainingError, find_recordings, read_recordings, split

RANK = 16
LEARNING_RATE = 7e-4
WARMUP_STEPS = 20
BATCH = 4  # of the longest windows; of shorter ones more
MIN_TOTAL_S = 30.0
MIN_GAIN = 0.01  # nats a token; less is chance
SAVES, MIN_SAVE_MINUTES = 40, 0.25  # how often the held-out recordings are asked
PATIENCE = 12  # so many times without a gain end the training
TELL_EVERY_S = 0.5
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")

Tell = Callable[..., None]  # tell(event, **facts); may raise Stopped


class Stopped(Exception):
    """Someone wants this to end; it can go on later."""


@dataclass
class Best:
    """The adapters as they did best on the held-out recordings; a part of the run."""

    adapters: Adapters
    held_out: float
    weights: dict[str, Tensor]

    def state_dict(self) -> dict:
        return {"held_out": self.held_out, "weights": self.weights}

    def load_state_dict(self, state: dict) -> None:
        self.held_out, self.weights = state["held_out"], state["weights"]

    def offer(self, held_out: float) -> bool:
        """Whether this is better."""
        if held_out >= self.held_out:
            return False
        self.held_out = held_out
        self.weights = {name: tensor.clone() for name, tensor in self.adapters.state_dict().items()}
        return True


def adapt(
    folder: Path, *, name: str, models: Path, base: str = "sketch", minutes: float = 20.0, restart: bool = False,
    save_anyway: bool = False, tell: Tell = lambda event, **facts: None,
) -> Path | None:  # fmt: skip
    """Trains until `minutes` are used up or nothing is gained any more. Returns the new model's directory, None without a gain.

    Raises TrainingError, ModelError, OSError; Stopped when `tell` does, with all progress kept.
    """
    dtype = choose_runtime("cpu").language_model_dtype
    target, known = models / name, list_models(models)
    if not NAME.fullmatch(name):
        raise TrainingError(f"{name!r} is no name for a model: letters, digits, spaces, . _ and - are allowed, 60 at most")
    if name in known or target.exists():
        raise TrainingError(f"there is a model {name} already: choose another name, or delete {target}")
    if not minutes > 0:
        raise TrainingError(f"minutes is {minutes:g}: more than 0 are needed")
    checkpoint = load_checkpoint(known[base].path if base in known else base)
    if not (checkpoint.directory / "model.json").is_file():
        raise TrainingError(f"{base} is in the released layout: only models in inspire's own, such as sketch, can be trained on")
    run_folder = models / f".{name}.training"
    if restart and run_folder.exists():
        shutil.rmtree(run_folder)
    models.mkdir(parents=True, exist_ok=True)
    _check_space(models, checkpoint)
    parts = _parts(folder, run_folder, checkpoint, tell)
    training, held_out = split(parts)
    _tell_material(parts, held_out, checkpoint.config.token_rate, tell)

    windows = Windows(training, checkpoint)
    proof = Windows(held_out, checkpoint).proof()
    model = checkpoint.language_model
    before = measure(model, proof, dtype)
    tell("before", held_out=round(before, 4))
    adapters = Adapters(model, RANK)
    best = Best(adapters, before, {key: tensor.clone() for key, tensor in adapters.state_dict().items()})
    run = _train(run_folder, adapters, best, model, windows, proof, minutes, dtype, tell)
    if best.held_out > before - MIN_GAIN and not save_anyway:
        tell("no_gain", before=round(before, 4), best=round(best.held_out, 4), step=run.step, run=str(run_folder))
        return None

    adapters.load_state_dict(best.weights)
    adapters.merge()
    made = _write(run_folder / "model", name, checkpoint, parts)
    after = measure(load_checkpoint(str(made)).language_model, proof, dtype)
    figures = {"before": round(before, 4), "after": round(after, 4), "step": run.step, "minutes": round(run.elapsed / 60, 1)}
    (made / "README.md").write_text(_card(name, checkpoint, parts, held_out, figures), "utf-8")
    os.replace(made, target)
    shutil.rmtree(run_folder)
    tell("done", model=name, path=str(target), **figures)
    return target


def _train(
    folder: Path, adapters: Adapters, best: Best, model: LanguageModel, windows: Windows, proof: list[Batch],
    minutes: float, dtype: torch.dtype, tell: Tell,
) -> Run:  # fmt: skip
    """Goes on where `folder` stopped. `best` holds the result."""
    optimizer = Optimizer(adapters, lr=LEARNING_RATE, matrix_lr=0.0)
    run = Run(
        folder, {"adapters": adapters, "optimizer": optimizer, "best": best}, minutes=minutes,
        save_minutes=max(minutes / SAVES, MIN_SAVE_MINUTES), warmup_steps=WARMUP_STEPS,
    )  # fmt: skip
    if run.step:
        tell("resumed", step=run.step, done_s=round(run.elapsed, 1))
    rng = np.random.default_rng([1, run.step])
    told_s, without_gain, losses = -TELL_EVERY_S, 0, []

    def step(run: Run) -> dict[str, float]:
        nonlocal told_s
        if run.elapsed - told_s >= TELL_EVERY_S:
            told_s, learnt = run.elapsed, {"loss": round(float(np.mean(losses[-20:])), 3)} if losses else {}
            tell("progress", done_s=round(run.elapsed, 1), total_s=60 * minutes, step=run.step, **learnt,
                 held_out=round(best.held_out, 3))  # fmt: skip
        short = SHORTER[run.step % len(SHORTER)]
        value = loss(model, windows.batch(short * BATCH, rng, max(windows.turn, windows.frames // short)), dtype)
        losses.append(value.item())
        return {"loss": losses[-1], "norm": optimizer.step(value, run.scale())}

    def evaluate() -> dict[str, float]:
        nonlocal without_gain
        held_out = measure(model, proof, dtype)
        without_gain = 0 if best.offer(held_out) else without_gain + 1
        if without_gain >= PATIENCE:
            run.stop()
        return {"held_out": held_out}

    try:
        run.loop(step, evaluate=evaluate)
    except Stopped:
        run.save()
        raise
    return run


def _check_space(models: Path, checkpoint: Checkpoint) -> None:
    needed, free = 2 * checkpoint.bytes, shutil.disk_usage(models).free
    if free < needed:
        raise OSError(f"{models} has {free / 1e6:.0f} MB free, {needed / 1e6:.0f} MB are needed")


def _parts(folder: Path, run_folder: Path, checkpoint: Checkpoint, tell: Tell) -> list[Part]:
    """What `read_recordings` hears, kept for when this goes on. Raises TrainingError also when the recordings are others then."""
    files = [*find_recordings(folder), folder / CAPTIONS]
    known = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files if file.exists()]
    source = hashlib.sha256(json.dumps([checkpoint.weights_sha256, known]).encode()).hexdigest()
    kept = run_folder / "recordings.pt"
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        if state["source"] == source:
            return [
                Part(**(part | {"tokens": part["tokens"].numpy(), "grid": part["grid"] and Grid(**part["grid"])}))
                for part in state["parts"]
            ]
        if (run_folder / "checkpoint.pt").exists():
            raise TrainingError(
                f"{run_folder.name[1:].removesuffix('.training')} was begun with other recordings or another base: "
                "--restart begins again with these, --name makes another model"
            )
    parts = read_recordings(folder, checkpoint, tell)
    seconds = sum(len(part.tokens) for part in parts) / checkpoint.config.token_rate
    if seconds < MIN_TOTAL_S:
        raise TrainingError(
            f"{folder} holds {seconds:.0f} s that can be used: {MIN_TOTAL_S:g} s at least are needed, some minutes are better"
        )
    rows = [vars(part) | {"tokens": torch.from_numpy(part.tokens), "grid": part.grid and vars(part.grid)} for part in parts]
    run_folder.mkdir(exist_ok=True)
    save_whole({"source": source, "parts": rows}, kept)
    return parts


def _tell_material(parts: list[Part], held_out: list[Part], token_rate: float, tell: Tell) -> None:
    seconds, kept_back = (sum(len(part.tokens) for part in some) / token_rate for some in (parts, held_out))
    files = len({part.file for part in parts})
    tell("recordings", files=files, minutes=round(seconds / 60, 2), held_out=sorted({part.file for part in held_out}),
         held_out_s=round(kept_back, 1))  # fmt: skip


def _write(made: Path, name: str, checkpoint: Checkpoint, parts: list[Part]) -> Path:
    """The base's files, with the trained language model in place of its own."""
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for file in (*checkpoint.files, checkpoint.directory / "tokenizer.json"):
        if file.name != "language_model.safetensors":
            shutil.copyfile(file, made / file.name)
    config = replace(checkpoint.config, name=name)
    if tempi := [part.bpm for part in parts if part.bpm]:  # what it plays unless a request or a style says otherwise
        usual = tuple(pair for pair in config.usual_bpm if pair[0])
        config = replace(config, usual_bpm=(*usual, ("", float(round(np.median(tempi))))))
    save_checkpoint(made, config, {"language_model": checkpoint.language_model})
    return made


def _card(name: str, checkpoint: Checkpoint, parts: list[Part], held_out: list[Part], figures: dict) -> str:
    files = sorted({part.file for part in parts})
    seconds = sum(len(part.tokens) for part in parts) / checkpoint.config.token_rate
    return f"""# {name}

{checkpoint.config.name} (weights {checkpoint.weights_sha256}), its language model fine-tuned on {len(files)} recordings, \
{seconds / 60:.1f} minutes, with low-rank
adapters (rank {RANK}) that are merged into the weights. What its licence and training allow holds for this one too; the rights in
the recordings are their makers'.

| held-out recordings, nats a token (less is better) | |
|---|---|
| {checkpoint.config.name} | {figures["before"]} |
| {name} | {figures["after"]} |

{figures["step"]} steps in {figures["minutes"]} minutes; the best moment was chosen by the same held-out recordings:
{", ".join(sorted({part.file for part in held_out}))}.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.training.adapt", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the recordings")
    parser.add_argument("--name", required=True, help="of the new model")
    parser.add_argument("--models", type=Path, required=True, help="folder in which it becomes a folder")
    parser.add_argument("--base", default="sketch", help="a model's name or folder")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--restart", action="store_true", help="forget what an interrupted run has learnt")
    parser.add_argument("--save-anyway", action="store_true", help="also without a gain on the held-out recordings")
    options = vars(parser.parse_args(arguments))
    asked_to_stop = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, frame: asked_to_stop.append(signum))
    if hasattr(os, "nice"):
        os.nice(10)  # someone may be playing

    def tell(event: str, **facts) -> None:
        try:
            print(json.dumps({"event": event, **facts}), flush=True)
        except BrokenPipeError:  # nobody listens any more
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the end
            asked_to_stop.append(signal.SIGPIPE)
        if asked_to_stop and event in ("heard", "progress"):
            raise Stopped

    try:
        return 0 if adapt(**options, tell=tell) else 1
    except Stopped:
        tell("stopped")
        return 130
    except EngineError as error:
        tell("fail", message=str(error))
        return 2
    except (OSError, SafetensorError) as error:  # the latter where a model's file cannot be written
        strerror = getattr(error, "strerror", None)
        tell("fail", message=f"{error.filename or options['models']}: {strerror}" if strerror else str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
