"""Device, precision, threads, and whether a step is compiled ahead: the one owner of torch settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.acceleration.pace import PaceMeter
from engine.acceleration.side_by_side import side_by_side
from engine.api import ACCELERATIONS, EngineError
from engine.checkpoints.checkpoint import Checkpoint
from engine.models.flow_matching import FlowMatching
from engine.models.generation import Decoder
from engine.models.language_model import LanguageModel
from engine.models.packed import onednn_takes

if TYPE_CHECKING:
    from engine.acceleration.compiled import CompiledNetwork

# Weights a decode step reads for each thread it is given. `sketch` (17 MB of them in float32) takes 1 to 3 ms a step in
# float32 on one thread and twice that on two, most of which is one waking the other.
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
    def takes_at_once(self) -> int:
        """How many takes are rendered side by side: one on each core, where a small model's operations leave all but one core
        idle. A large one's fill them all, and its windows need their memory.
        """
        return self.runtime.threads if self.runtime.device.type == "cpu" and self.decoder_threads == 1 else 1

    @property
    def rendering_threads(self) -> int:
        """Of torch, for one take: what is rounded depends on it, and a take is the same alone and beside others."""
        return 1 if self.takes_at_once > 1 else self.runtime.threads

    def pace_meter(self) -> PaceMeter:
        """Of a generation that begins now."""
        return PaceMeter(takes_at_once=self.takes_at_once, rows_apart=getattr(self.decoder.network, "rows_apart", False))

    @property
    def description(self) -> str:
        """What it runs on, for people: "CPU", "CPU, numba in float32"."""
        compiled = getattr(self.decoder.network, "description", None)
        return f"{self.runtime.description}, {compiled}" if compiled else self.runtime.description


def prepare(checkpoint: Checkpoint, runtime: Runtime) -> Prepared:
    """Folds, moves and packs, and begins the threads that takes are made on. The checkpoint's modules are changed in place."""
    side_by_side([lambda: None] * 2, runtime.threads)
    for codec in (checkpoint.wavtokenizer, checkpoint.hifi_codec):
        if codec is not None:
            codec.fold()
    for module in (checkpoint.wavtokenizer, checkpoint.flow, checkpoint.hifi_codec, checkpoint.language_model):
        if module is not None:
            module.to(runtime.device).requires_grad_(False)
    if checkpoint.flow is not None:
        checkpoint.flow.narrow(flow_dtype(checkpoint.flow, runtime))
    weights = sum(weight.numel() for weight in checkpoint.language_model.backbone.parameters())
    small = runtime.device.type == "cpu" and weights < CACHED_WEIGHTS
    dtype = torch.float32 if small else runtime.language_model_dtype
    threads = max(1, min(runtime.threads, weights * dtype.itemsize // BYTES_PER_THREAD))
    network = _compiled(checkpoint.language_model, runtime, small, threads)
    return Prepared(checkpoint, Decoder(checkpoint.language_model, dtype, network), runtime, threads)


def flow_dtype(flow: FlowMatching, runtime: Runtime) -> torch.dtype:
    """Of a flow's estimator: bfloat16 for a large one on a CPU that multiplies it natively, at less than half the work."""
    large = sum(weight.numel() for weight in flow.decoder.parameters()) >= CACHED_WEIGHTS
    wanted = runtime.device.type == "cpu" and runtime.acceleration not in ("exact", "off") and onednn_takes(torch.bfloat16)
    return torch.bfloat16 if large and wanted else torch.float32


def _compiled(model: LanguageModel, runtime: Runtime, small: bool, threads: int) -> CompiledNetwork | None:
    """The step compiled ahead where that is wanted, possible, and right; None: torch does it."""
    if runtime.device.type != "cpu" or runtime.acceleration == "off" or (runtime.acceleration == "auto" and not small):
        return None
    try:
        from engine.acceleration.compiled import compile_network

        return compile_network(model, threads=threads, eight_bits=runtime.acceleration == "int8", cores=runtime.threads)
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
