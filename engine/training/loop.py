"""The training loop every stage shares: optimisers, a schedule in minutes, checkpoints that resume, a log of JSON lines."""

from __future__ import annotations

import copy
import io
import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

WARMUP_STEPS = 100
DECAY_SHARE = 0.35  # of the run's time, in which the rate falls to zero
EMA_DECAY = 0.998

Model = TypeVar("Model", bound=nn.Module)


class Stateful(Protocol):
    """A part of a run: what a checkpoint keeps of it."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any, /) -> Any: ...


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def hidden_matrices(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Splits parameters into the matrices of linear layers inside blocks, for Muon, and all others, for AdamW."""
    weights = (m.weight for m in module.modules() if isinstance(m, nn.Linear) and min(m.weight.shape) >= 32)
    matrices = {id(weight): weight for weight in weights if isinstance(weight, nn.Parameter)}
    return list(matrices.values()), [p for p in module.parameters() if id(p) not in matrices and p.requires_grad]


class Optimizer:
    """Muon (arXiv 2502.16982) on hidden matrices, AdamW on the rest; one rate scale for both."""

    def __init__(
        self, module: nn.Module, *, lr: float, matrix_lr: float, weight_decay: float = 0.0, exclude: tuple[nn.Module, ...] = ()
    ):
        matrices, others = hidden_matrices(module)
        plain = {id(p) for m in exclude for p in m.parameters()}
        others += [p for p in matrices if id(p) in plain]
        matrices = [p for p in matrices if id(p) not in plain]
        self.parts: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.98), weight_decay=0.0)]
        if matrices:
            self.parts.append(torch.optim.Muon(matrices, lr=matrix_lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"))
        self.base = [part.param_groups[0]["lr"] for part in self.parts]
        self.parameters = matrices + others

    def step(self, loss: Tensor, scale: float) -> float:
        """Backward, clip to norm 1, update. Returns the gradient's norm before clipping."""
        torch.autograd.backward(loss)
        norm = float(nn.utils.clip_grad_norm_(self.parameters, 1.0))
        if norm == norm and norm != float("inf"):  # a single overflow must not poison the weights
            for part, base in zip(self.parts, self.base, strict=True):
                part.param_groups[0]["lr"] = base * scale
                part.step()
        for part in self.parts:
            part.zero_grad(set_to_none=True)
        return norm

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, step: int) -> None:
    """Updates the moving average of a model's weights, faster in the first steps."""
    decay = min(EMA_DECAY, step / (step + 20))
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


class Run:
    """One stage's run in one folder: `log.jsonl`, `checkpoint.pt`. A second start goes on where the first stopped."""

    def __init__(
        self, folder: Path, parts: Mapping[str, Stateful], *, minutes: float, save_minutes: float = 4.0,
        warmup_steps: int | None = None,
    ):  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.parts, self.minutes, self.save_minutes = folder, parts, minutes, save_minutes
        self.warmup_steps = warmup_steps or WARMUP_STEPS
        self.step, self.elapsed = 0, 0.0
        self.path = folder / "checkpoint.pt"
        if self.path.exists():
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            self.step, self.elapsed = state["step"], state["elapsed"]
            for name, part in parts.items():
                part.load_state_dict(state["parts"][name])

    def scale(self) -> float:
        """Learning-rate scale now: warm-up, constant, then linear to zero over the last share of the time."""
        left = 1 - self.elapsed / (60 * self.minutes)
        return min(1.0, (self.step + 1) / self.warmup_steps, max(0.0, left / DECAY_SHARE))

    def stop(self) -> None:
        """Ends the loop before the minutes are used up."""
        self.minutes = self.elapsed / 60

    def loop(
        self, step: Callable[[Run], dict[str, float]], *, evaluate: Callable[[], dict[str, float]] | None = None, every: int = 50
    ) -> None:
        """Calls `step` until the minutes are used up. Logs the mean of what it returned, every so many steps and at the end, and
        at each save the evaluation.
        """
        recent: dict[str, list[float]] = {}  # what the steps since the last line returned
        begun, saved = time.monotonic() - self.elapsed, self.elapsed
        while self.elapsed < 60 * self.minutes:
            for name, value in step(self).items():
                recent.setdefault(name, []).append(value)
            self.step += 1
            self.elapsed = time.monotonic() - begun
            if self.step % every == 0:
                self._log_means(recent)
                recent = {}
            if self.elapsed - saved > 60 * self.save_minutes:
                self.save(evaluate)
                saved = self.elapsed
        if recent:
            self._log_means(recent)
        self.save(evaluate)

    def _log_means(self, recent: dict[str, list[float]]) -> None:
        self.log(**{name: round(sum(values) / len(values), 4) for name, values in recent.items()})

    def log(self, **values: float) -> None:
        with (self.folder / "log.jsonl").open("a") as file:
            print(json.dumps({"step": self.step, "minutes": round(self.elapsed / 60, 2), **values}), file=file)

    def save(self, evaluate: Callable[[], dict[str, float]] | None = None) -> None:
        if evaluate:
            self.log(**{name: round(value, 4) for name, value in evaluate().items()})
        state = {name: part.state_dict() for name, part in self.parts.items()}
        save_whole({"step": self.step, "elapsed": self.elapsed, "parts": state}, self.path)


class Best:
    """A module's weights where the held-out loss was lowest so far; a part of a run. Begins with those it has."""

    def __init__(self, module: nn.Module, held_out: float = float("inf")):
        self.module, self.held_out = module, held_out
        self.weights = self._copied()

    def state_dict(self) -> dict[str, Any]:
        return {"held_out": self.held_out, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.held_out, self.weights = state["held_out"], state["weights"]

    def offer(self, held_out: float) -> bool:
        """Keeps the weights as they are now if this is less than before. Returns whether it is."""
        if held_out >= self.held_out:
            return False
        self.held_out, self.weights = held_out, self._copied()
        return True

    def _copied(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}


class FineTuning(Generic[Model]):
    """A finished model that is trained further: the reference it began as, the model and the moving average of its weights."""

    def __init__(self, model: Model, folder: Path, *, minutes: float, lr: float):
        """Resumes from `folder` if that run began with the same model; otherwise what lies there is removed."""
        self.reference, self.model = copy.deepcopy(model).requires_grad_(False), model.requires_grad_(True)
        self.average = copy.deepcopy(self.reference)
        self.optimizer = Optimizer(model, lr=lr, matrix_lr=0.0, exclude=(model,))
        if not self._began_with_the_same(folder):
            shutil.rmtree(folder, ignore_errors=True)
        parts: dict[str, Stateful] = {
            "reference": self.reference, "model": self.model, "average": self.average, "optimizer": self.optimizer
        }  # fmt: skip
        self.run = Run(folder, parts, minutes=minutes)

    def _began_with_the_same(self, folder: Path) -> bool:
        if not (folder / "checkpoint.pt").exists():
            return False
        state = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)["parts"]["reference"]
        return all(torch.equal(state[name], value) for name, value in self.reference.state_dict().items())

    def step(self, loss: Tensor) -> float:
        """As `Optimizer.step`; the average follows."""
        norm = self.optimizer.step(loss, self.run.scale())
        update_average(self.average, self.model, self.run.step)
        return norm


def save_whole(state: object, path: Path) -> None:
    """`torch.save` that never leaves half a file. Raises OSError: torch's own writer hides that a disk is full."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path.with_suffix(".new").write_bytes(buffer.getbuffer())
    path.with_suffix(".new").replace(path)
