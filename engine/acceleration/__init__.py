"""Device, precision, threads, and whether a step is compiled ahead: the one owner of torch settings."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import torch

from engine.api import ACCELERATIONS, EngineError
from engine.checkpoints.checkpoint import Checkpoint
from engine.models.generation import Decoder
from engine.models.language_model import LanguageModel
from engine.models.packed import onednn_takes
from engine.report import Pace

if TYPE_CHECKING:
    from engine.acceleration.compiled import CompiledNetwork

T = TypeVar("T")

# Weights a decode step reads for each thread it is given. `sketch` (17 MB of them) takes 2 to 3 ms a step on one thread and
# twice that on two, most of which is one waking the other.
BYTES_PER_THREAD = 16_000_000
# Weights that stay in a processor's caches from step to step, so that narrower ones save nothing.
CACHED_WEIGHTS = 8_000_000


@dataclass(frozen=True)
class Runtime:
    """Where and how a model runs."""

    device: torch.device
    language_model_dtype: torch.dtype  # of a large one
    threads: int
    acceleration: str = "off"  # one of ACCELERATIONS

    @property
    def description(self) -> str:
        return (
            "CPU"
            if self.device.type == "cpu"
            else f"{self.device.type} {torch.cuda.get_device_name() if self.device.type == 'cuda' else ''}".strip()
        )


def choose_runtime(device: str | None = None) -> Runtime:
    """The best device there is, or the one asked for (`INSPIRE_DEVICE` sets the default), with the acceleration that
    `INSPIRE_ACCELERATION` names. The first call sets torch's threads.
    """
    here = [name for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())) if there]
    asked = device or os.environ.get("INSPIRE_DEVICE") or [*here, "cpu"][0]
    kind, _, number = asked.partition(":")
    if kind not in (*here, "cpu") or (number and not (number.isdecimal() and int(number) < max(1, torch.cuda.device_count()))):
        known = ", ".join([*here, "cpu"])
        raise EngineError(f"INSPIRE_DEVICE is {asked!r}: this machine has {known}; leave it away for the best")
    threads = int(
        os.environ.get(
            "INSPIRE_THREADS", min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        )
    )
    torch.set_num_threads(threads)
    # A decode step reads every weight once: half the bytes, half the time, on a CPU as long as it multiplies bfloat16 natively.
    narrow = asked != "cpu" or onednn_takes(torch.bfloat16)
    acceleration = os.environ.get("INSPIRE_ACCELERATION", "auto")
    if acceleration not in ACCELERATIONS:
        raise EngineError(f"INSPIRE_ACCELERATION is {acceleration!r}: allowed are {', '.join(ACCELERATIONS)}")
    return Runtime(torch.device(asked), torch.bfloat16 if narrow else torch.float32, threads, acceleration)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A checkpoint made ready to generate: weight norms folded, language model packed, everything on the device."""

    checkpoint: Checkpoint
    decoder: Decoder
    runtime: Runtime
    decoder_threads: int  # that one step is worth

    @property
    def description(self) -> str:
        """What it runs on, for people: "CPU", "CPU, ONNX Runtime in float32"."""
        compiled = getattr(self.decoder.network, "description", None)
        return f"{self.runtime.description}, {compiled}" if compiled else self.runtime.description


def prepare(checkpoint: Checkpoint, runtime: Runtime) -> Prepared:
    """Folds, moves and packs. The checkpoint's modules are changed in place."""
    for codec in (checkpoint.wavtokenizer, checkpoint.hifi_codec):
        if codec is not None:
            codec.fold()
    for module in (checkpoint.wavtokenizer, checkpoint.flow, checkpoint.hifi_codec, checkpoint.language_model):
        if module is not None:
            module.to(runtime.device).requires_grad_(False)
    weights = sum(weight.numel() for weight in checkpoint.language_model.backbone.parameters())
    small = runtime.device.type == "cpu" and weights < CACHED_WEIGHTS
    dtype = torch.float32 if small else runtime.language_model_dtype
    threads = max(1, min(runtime.threads, weights * dtype.itemsize // BYTES_PER_THREAD))
    network = _compiled(checkpoint.language_model, runtime, small, threads)
    return Prepared(checkpoint, Decoder(checkpoint.language_model, dtype, network), runtime, threads)


def _compiled(model: LanguageModel, runtime: Runtime, small: bool, threads: int) -> CompiledNetwork | None:
    """The step compiled ahead where that is wanted, possible, and right; None: torch does it."""
    if runtime.device.type != "cpu" or runtime.acceleration == "off" or (runtime.acceleration == "auto" and not small):
        return None
    try:
        from engine.acceleration.compiled import compile_network

        return compile_network(model, threads=threads, eight_bits=runtime.acceleration == "int8")
    except Exception as error:  # whatever another version of a library does: the music shall play all the same
        logging.getLogger(__name__).warning("the language model's step is not compiled, torch runs it: %s", error)
        return None


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """torch's threads inside of it; costs less than a microsecond."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class PaceMeter:
    """Measures how long the parts of a generation take, in seconds of work; begins with what prepares it."""

    begun: float = field(default_factory=time.monotonic)
    prepare_s: float | None = None  # before the first token
    steps_s: float = 0.0
    steps: int = 0  # tokens of each variation
    windows: list[tuple[float, float]] = field(default_factory=list)  # (seconds of audio, contexts included; of work)

    @contextmanager
    def stepping(self) -> Iterator[None]:
        begun = time.monotonic()
        if self.prepare_s is None:
            self.prepare_s = begun - self.begun
        yield
        self.steps_s += time.monotonic() - begun
        self.steps += 1

    @contextmanager
    def rendering(self, windows_s: Callable[[], float]) -> Iterator[None]:
        """windows_s: how much audio was rendered so far; what renders none is not counted."""
        begun, before = time.monotonic(), windows_s()
        yield
        if (window_s := windows_s() - before) > 0:
            self.windows.append((window_s, time.monotonic() - begun))

    @contextmanager
    def playing(self, audio_s: float) -> Iterator[None]:
        """What plays so much audio, however it does that."""
        begun = time.monotonic()
        yield
        self.windows.append((audio_s, time.monotonic() - begun))

    def of_whole(self, first_s: float, new_s: float, steps_per_s: float, margin_s: float, candidates: int) -> Pace:
        """`summary` of what goes out once it is whole: what is no step nor `playing` takes as long whatever the length.

        margin_s: of audio that is played with each candidate.
        """
        pace = self.summary(first_s, new_s, steps_per_s, (0.0, 0.0), candidates)
        fixed_s = pace["prepare_s"] + pace["rest_per_s"] * new_s
        return {**pace, "prepare_s": fixed_s, "rest_per_s": 0.0, "render_s": pace["render_s"] + margin_s * pace["render_per_s"]}

    def each(self, chunks: Iterator[T], windows_s: Callable[[], float]) -> Iterator[T]:
        """The chunks, each of which is rendered when it is asked for."""
        while True:
            with self.rendering(windows_s):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def summary(self, first_s: float, new_s: float, steps_per_s: float, margins_s: tuple[float, float], variations: int) -> Pace:
        """first_s: up to the first new audio, 0 where there was none. new_s: seconds of it, steps_per_s: tokens to one.
        margins_s: of audio that a window has before and after what is kept.
        """
        render_s, render_per_s = _line(self.windows)
        rest_s = time.monotonic() - self.begun - (self.prepare_s or 0.0) - self.steps_s - sum(work for _, work in self.windows)
        return {
            "variations": variations, "first_s": first_s, "prepare_s": self.prepare_s or 0.0,
            "step_s": self.steps_s / max(1, self.steps),
            "steps_per_s": steps_per_s, "render_s": render_s, "render_per_s": render_per_s,
            "left_s": margins_s[0], "ahead_s": margins_s[1], "rest_per_s": max(0.0, rest_s) / max(new_s, 1e-3),
        }  # fmt: skip


def _line(windows: list[tuple[float, float]]) -> tuple[float, float]:
    """What a window costs, and each second of it: through all of them as near as may be, neither below 0, the sum kept."""
    if not windows:
        return 0.0, 0.0
    mean_window = sum(window for window, _ in windows) / len(windows)
    mean_work = sum(work for _, work in windows) / len(windows)
    spread = sum((window - mean_window) ** 2 for window, _ in windows)
    slope = sum((window - mean_window) * (work - mean_work) for window, work in windows) / spread if spread else 0.0
    slope = min(max(slope, 0.0), mean_work / mean_window) if spread else mean_work / mean_window
    return mean_work - slope * mean_window, slope


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.begun = time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() - self.begun
