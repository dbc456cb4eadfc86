"""Independent pieces of work, each on one of the processor's cores.

A small network spends much of its time between its operations: several inputs are done sooner with one on each core than one
after the other, each on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch

T = TypeVar("T")
U = TypeVar("U")


def side_by_side(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What the calls return, in their order, run on as many threads as torch has here, torch's operations on one thread in each.
    Raises what the first that fails raises, once all have ended.
    """
    threads = torch.get_num_threads()
    if min(threads, len(calls)) < 2:
        return [call() for call in calls]
    try:
        with ThreadPoolExecutor(min(threads, len(calls)), "beside", torch.set_num_threads, (1,)) as pool:
            running = [pool.submit(call) for call in calls]
        return [one.result() for one in running]
    finally:
        torch.set_num_threads(threads)  # what is set on one thread holds for those that begin later


def both(one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """What two calls return, run as by `side_by_side`."""
    calls: list[Callable[[], Any]] = [one, other]
    first, second = side_by_side(calls)
    return first, second
