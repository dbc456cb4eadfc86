"""Device, precision and threads: the one owner of torch settings."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from engine.checkpoints.checkpoint import Checkpoint
from engine.models.generation import Decoder

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

    @property
    def description(self) -> str:
        return (
            "CPU"
            if self.device.type == "cpu"
            else f"{self.device.type} {torch.cuda.get_device_name() if self.device.type == 'cuda' else ''}".strip()
        )


def choose_runtime(device: str | None = None) -> Runtime:
    """The best device there is, or the one asked for (`INSPIRE_DEVICE` sets the default). The first call sets torch's threads."""
    asked = device or os.environ.get("INSPIRE_DEVICE")
    if asked is None:
        asked = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    threads = int(
        os.environ.get(
            "INSPIRE_THREADS", min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        )
    )
    torch.set_num_threads(threads)
    # A decode step reads every weight once: half the bytes, half the time, on a CPU as long as it multiplies bfloat16 natively.
    narrow = asked != "cpu" or (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return Runtime(torch.device(asked), torch.bfloat16 if narrow else torch.float32, threads)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A checkpoint made ready to generate: weight norms folded, language model packed, everything on the device."""

    checkpoint: Checkpoint
    decoder: Decoder
    runtime: Runtime
    decoder_threads: int  # that one step is worth


def prepare(checkpoint: Checkpoint, runtime: Runtime) -> Prepared:
    """Folds, moves and packs. The checkpoint's modules are changed in place."""
    for module in (checkpoint.wavtokenizer, checkpoint.flow, checkpoint.hifi_codec, checkpoint.language_model):
        if module is not None:
            if hasattr(module, "fold"):
                module.fold()
            module.to(runtime.device).requires_grad_(False)
    weights = sum(weight.numel() for weight in checkpoint.language_model.backbone.parameters())
    small = runtime.device.type == "cpu" and weights < CACHED_WEIGHTS
    decoder = Decoder(checkpoint.language_model, torch.float32 if small else runtime.language_model_dtype)
    threads = max(1, min(runtime.threads, weights * decoder.dtype.itemsize // BYTES_PER_THREAD))
    return Prepared(checkpoint, decoder, runtime, threads)


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """torch's threads inside of it; costs less than a microsecond."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.begun = time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() - self.begun
