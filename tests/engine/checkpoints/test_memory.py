"""How much memory there is for a model, and what tells that it was not enough."""

import errno

import pytest

from engine.api import OutOfMemory
from engine.checkpoints import memory
from engine.checkpoints.memory import fits, is_shortage, machine_memory
from engine.checkpoints.published import PUBLISHED


def test_whether_a_model_fits_follows_from_the_machines_memory():
    large = PUBLISHED["InspireMusic-1.5B-Long"].memory_bytes
    assert 10e9 < large < 20e9 and fits(large, 24 * 2**30) and not fits(large, 8 * 2**30) and fits(large, 0)
    assert fits(80, 100) and not fits(81, 100)  # the system and a DAW want the rest
    assert 100e6 < machine_memory() < 1e14


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(), OSError(errno.ENOMEM, "x"), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), RuntimeError("std::bad_alloc"),
        RuntimeError("could not create a primitive"),
    ],
)  # fmt: skip
def test_a_failed_allocation_is_known_in_each_of_its_forms(error):
    assert is_shortage(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "x"), RuntimeError("shape mismatch"), ValueError("out of memory"),
        RuntimeError("could not create a primitive descriptor for a convolution"),
    ],
)  # fmt: skip
def test_other_errors_are_no_shortage(error):
    assert not is_shortage(error)


def test_a_model_larger_than_what_is_free_is_rejected_with_figures(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1_500_000_000)
    with pytest.raises(OutOfMemory, match="model huge takes 3.00 GB of memory, and 1.50 GB are free: end other programs"):
        memory.require(3_000_000_000, "model huge")
    memory.require(1_400_000_000, "model small")


def test_the_limits_of_the_process_and_its_container_count(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("2000000\n")
    (tmp_path / "memory.current").write_text("500000\n")
    assert memory.available_memory() == 1_500_000
    (tmp_path / "memory.max").write_text("max\n")
    free = memory.available_memory()
    assert free is None or 1_500_000 < free <= memory.machine_memory()
