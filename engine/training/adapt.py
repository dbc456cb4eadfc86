"""Fine-tunes a copy of a model on someone's own recordings, with low-rank adapters on its language model.

`python -m engine.training.adapt FOLDER --name NAME --models MODELS --base sketch --minutes 20` prints JSON lines and leaves
MODELS/NAME, a model like any other. Interrupted, the same command goes on: its run is MODELS/.NAME.training. Some recordings are
held out: they choose the best checkpoint, and without a gain on them there is no model.

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
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from engine.acceleration import choose_runtime
from engine.api import EngineError
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.checkpoints.library import list_models
from engine.models.language_model import LanguageModel
from engine.music.grid import Grid
from engine.training.adapted_model import card, write_model
from engine.training.language_model import SHORTER, loss
from engine.training.loop import Best, Optimizer, Run, save_whole
from engine.training.low_rank import Adapters
from engine.training.recorded_windows import RecordedWindows, measure
from engine.training.recordings import (
    CAPTIONS,
    Part,
    Report,
    TrainingError,
    find_recordings,
    read_recordings,
    report_nothing,
    split,
)  # fmt: skip
from engine.training.windows import Batch

RANK = 16
LEARNING_RATE = 7e-4
WARMUP_STEPS = 20
BATCH = 4  # of the longest windows; of shorter ones more
MIN_TOTAL_S = 30.0
MIN_GAIN = 0.01  # nats a token; less is chance
SAVES, MIN_SAVE_MINUTES = 40, 0.25  # how often the held-out loss is measured
PATIENCE = 12  # so many measurements without a gain end the training
REPORT_EVERY_S = 0.5
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")


class Stopped(Exception):
    """The user ends the training; it can be resumed."""


def adapt(
    folder: Path, *, name: str, models: Path, base: str = "sketch", minutes: float = 20.0, restart: bool = False,
    save_anyway: bool = False, report: Report = report_nothing,
) -> Path | None:  # fmt: skip
    """Trains until `minutes` are used up or nothing is gained any more. Returns the new model's directory, None without a gain.

    Raises TrainingError, ModelError, OSError; Stopped when `report` does, with all progress kept.
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
    run_folder = models / f".{name}.training"
    if restart and run_folder.exists():
        shutil.rmtree(run_folder)
    models.mkdir(parents=True, exist_ok=True)
    _check_space(models, checkpoint)
    parts = _parts(folder, run_folder, checkpoint, report)
    training, held_out = split(parts)
    _report_recordings(parts, held_out, checkpoint.config.token_rate, report)

    windows = RecordedWindows(training, checkpoint)
    validation = RecordedWindows(held_out, checkpoint).validation()
    model = checkpoint.language_model
    before = measure(model, validation, dtype)
    report("before", held_out=round(before, 4))
    adapters = Adapters(model, RANK)
    best = Best(adapters, before)
    run = _train(run_folder, adapters, best, model, windows, validation, minutes, dtype, report)
    if best.held_out > before - MIN_GAIN and not save_anyway:
        report("no_gain", before=round(before, 4), best=round(best.held_out, 4), step=run.step, run=str(run_folder))
        return None

    adapters.load_state_dict(best.weights)
    adapters.merge()
    made = write_model(run_folder / "model", name, checkpoint, parts)
    after = measure(load_checkpoint(str(made)).language_model, validation, dtype)
    figures = {"before": round(before, 4), "after": round(after, 4), "step": run.step, "minutes": round(run.elapsed / 60, 1)}
    (made / "README.md").write_text(card(name, checkpoint, parts, held_out, figures, RANK), "utf-8")
    os.replace(made, target)
    shutil.rmtree(run_folder)
    report("done", model=name, path=str(target), **figures)
    return target


def _train(
    folder: Path, adapters: Adapters, best: Best, model: LanguageModel, windows: RecordedWindows, validation: list[Batch],
    minutes: float, dtype: torch.dtype, report: Report,
) -> Run:  # fmt: skip
    """Resumes from `folder`. `best` holds the result."""
    optimizer = Optimizer(adapters, lr=LEARNING_RATE, matrix_lr=0.0)
    run = Run(
        folder, {"adapters": adapters, "optimizer": optimizer, "best": best}, minutes=minutes,
        save_minutes=max(minutes / SAVES, MIN_SAVE_MINUTES), warmup_steps=WARMUP_STEPS,
    )  # fmt: skip
    if run.step:
        report("resumed", step=run.step, done_s=round(run.elapsed, 1))
    rng = np.random.default_rng([1, run.step])
    reported_s, without_gain = -REPORT_EVERY_S, 0
    losses: list[float] = []

    def step(run: Run) -> dict[str, float]:
        nonlocal reported_s
        if run.elapsed - reported_s >= REPORT_EVERY_S:
            reported_s, recent = run.elapsed, {"loss": round(float(np.mean(losses[-20:])), 3)} if losses else {}
            report("progress", done_s=round(run.elapsed, 1), total_s=60 * minutes, step=run.step, **recent,
                   held_out=round(best.held_out, 3))  # fmt: skip
        short = SHORTER[run.step % len(SHORTER)]
        value = loss(model, windows.batch(short * BATCH, rng, max(windows.views, windows.frames // short)), dtype)
        losses.append(value.item())
        return {"loss": losses[-1], "norm": optimizer.step(value, run.scale())}

    def evaluate() -> dict[str, float]:
        nonlocal without_gain
        held_out = measure(model, validation, dtype)
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


def _parts(folder: Path, run_folder: Path, checkpoint: Checkpoint, report: Report) -> list[Part]:
    """As `read_recordings`, kept in `run_folder` for a resumed run. Raises TrainingError, also when recordings have changed."""
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
    parts = read_recordings(folder, checkpoint, report)
    seconds = sum(len(part.tokens) for part in parts) / checkpoint.config.token_rate
    if seconds < MIN_TOTAL_S:
        raise TrainingError(
            f"{folder} holds {seconds:.0f} s that can be used: {MIN_TOTAL_S:g} s at least are needed, some minutes are better"
        )
    rows = [vars(part) | {"tokens": torch.from_numpy(part.tokens), "grid": part.grid and vars(part.grid)} for part in parts]
    run_folder.mkdir(exist_ok=True)
    save_whole({"source": source, "parts": rows}, kept)
    return parts


def _report_recordings(parts: list[Part], held_out: list[Part], token_rate: float, report: Report) -> None:
    seconds, kept_back = (sum(len(part.tokens) for part in some) / token_rate for some in (parts, held_out))
    files = len({part.file for part in parts})
    report("recordings", files=files, minutes=round(seconds / 60, 2), held_out=sorted({part.file for part in held_out}),
           held_out_s=round(kept_back, 1))  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.training.adapt", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="of the recordings")
    parser.add_argument("--name", required=True, help="of the new model")
    parser.add_argument("--models", type=Path, required=True, help="folder in which it becomes a folder")
    parser.add_argument("--base", default="sketch", help="a model's name or folder")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--restart", action="store_true", help="begin anew where an interrupted run is")
    parser.add_argument("--save-anyway", action="store_true", help="also without a gain on the held-out recordings")
    options = vars(parser.parse_args(arguments))
    asked_to_stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, frame: asked_to_stop.append(signum))
    if hasattr(os, "nice"):
        os.nice(10)  # someone may be playing

    def report(event: str, /, **figures: Any) -> None:
        try:
            print(json.dumps({"event": event, **figures}), flush=True)
        except BrokenPipeError:  # nobody reads any more
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the end
            asked_to_stop.append(signal.SIGPIPE)
        if asked_to_stop and event in ("encoded", "progress"):
            raise Stopped

    try:
        return 0 if adapt(**options, report=report) else 1
    except Stopped:
        report("stopped")
        return 130
    except EngineError as error:
        report("fail", message=str(error))
        return 2
    except OSError as error:
        report("fail", message=f"{error.filename or options['models']}: {error.strerror}" if error.strerror else str(error))
        return 1
    except SafetensorError as error:  # a model's file cannot be written
        report("fail", message=str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
