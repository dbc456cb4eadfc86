"""An allocation that fails: one error by its name, and what was allocated on the way is given back."""

from __future__ import annotations

import gc
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.api import OutOfMemory
from engine.checkpoints.memory import is_shortage


@contextmanager
def shortage_named(device: torch.device, doing: str) -> Iterator[None]:
    """Raises OutOfMemory where an allocation fails inside, when all that the failed frames held is gone."""
    try:
        yield
        return
    except (MemoryError, OSError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        asked = _asked_for(error)
        traceback.clear_frames(error.__traceback__)
    give_back(device)
    where = "memory" if device.type == "cpu" else f"memory of {device}"
    raise OutOfMemory(
        f"the {where} did not suffice for {doing}{asked}, and what it had taken was given back: ask for a shorter piece, fewer "
        "variations or a smaller model, or end other programs"
    ) from None


def give_back(device: torch.device) -> None:
    """What nobody holds any more, to the system."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _asked_for(error: BaseException) -> str:
    found = re.search(r"allocate (\d+) bytes|[Tt]ried to allocate ([\d.]+ \w+)", str(error))
    if not found:
        return ""
    return f" ({int(found[1]) / 1e6:.0f} MB more were needed)" if found[1] else f" ({found[2]} more were needed)"
