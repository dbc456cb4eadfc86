"""What counts as a shortage of memory, and what it becomes."""

import weakref

import numpy as np
import pytest
import torch

from engine.acceleration.memory import shortage_named
from engine.api import OutOfMemory
from engine.checkpoints.published import PUBLISHED
from engine.pipeline import Pipeline
from tests.released import write_released
from tests.tiny_model import write_tiny_model

CPU = torch.device("cpu")


@pytest.mark.parametrize("allocate", [lambda: torch.empty(2**50), lambda: np.zeros(2**50, np.float32)], ids=["torch", "numpy"])
def test_a_real_allocation_that_fails_is_named_and_what_the_failed_call_held_is_gone(allocate):
    held: list[weakref.ref] = []

    def work():
        large = torch.zeros(1000)
        held.append(weakref.ref(large))
        allocate()

    with pytest.raises(OutOfMemory, match="did not suffice for the test.*given back") as raised, shortage_named(CPU, "the test"):
        work()
    assert held[0]() is None and raised.value.__suppress_context__


@pytest.mark.parametrize("layout", ["ours", "released"])
def test_a_model_that_cannot_be_read_for_want_of_memory_is_not_called_damaged(layout, tmp_path, monkeypatch):
    def reject(*_, **__):
        raise OSError(12, "x") if layout == "ours" else RuntimeError("unable to mmap 32 bytes: Cannot allocate memory (12)")

    if layout == "ours":
        write_tiny_model(tmp_path)
        monkeypatch.setattr("engine.checkpoints.checkpoint.load_file", reject)
    else:
        write_released(tmp_path, PUBLISHED["InspireMusic-Base"])
        monkeypatch.setattr(torch, "load", reject)
    with pytest.raises(OutOfMemory, match="did not suffice for model"):
        Pipeline("cpu").load(str(tmp_path))


def test_what_torch_says_of_a_gpu_is_reported():
    said = "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 8 GiB"
    needed = pytest.raises(OutOfMemory, match=r"the memory did not suffice .*2\.50 GiB more were needed")
    with needed, shortage_named(CPU, "the test"):
        raise torch.OutOfMemoryError(said)


def test_any_other_error_stays_what_it_is():
    with pytest.raises(RuntimeError, match="shape"), shortage_named(CPU, "the test"):
        raise RuntimeError("shape mismatch")
