"""Independent pieces of work, each on one of the processor's cores.

A small network spends much of its time between its operations: several inputs are done sooner with one on each core than one
after the other, each on all cores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import lru_cache
from threading import Barrier
from typing import Any, TypeVar

import torch

T = TypeVar("T")
U = TypeVar("U")


def side_by_side(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What the calls return, in their order, run on as many threads as torch has here, this one among them, torch's operations on
    one thread in each. Raises what the first that fails raises, once all have ended.
    """
    threads = torch.get_num_threads()
    if min(threads, len(calls)) < 2:
        return [call() for call in calls]
    ends: list[Future[T]] = [Future() for _ in calls]
    left = deque(zip(calls, ends, strict=True))

    def work() -> None:
        torch.set_num_threads(1)
        with suppress(IndexError):
            while True:
                _settle(*left.popleft())

    try:
        helpers = [_helpers(threads).submit(work) for _ in range(min(threads, len(calls)) - 1)]
        work()
        wait(helpers)
    finally:
        torch.set_num_threads(threads)  # what is set on one thread holds for those that have not asked yet
    return [end.result() for end in ends]


def _settle(call: Callable[[], T], end: Future[T]) -> None:
    try:
        end.set_result(call())
    except BaseException as error:
        end.set_exception(error)


@lru_cache
def _helpers(threads: int) -> ThreadPoolExecutor:
    """All but the calling thread, and all there from the first use on, which is a model's warm-up: a thread that begins when
    memory is short can end the whole process, or never answer.
    """
    pool, together = ThreadPoolExecutor(threads - 1, "beside"), Barrier(threads)
    for _ in range(threads - 1):
        pool.submit(together.wait)
    together.wait()
    return pool


def both(one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """What two calls return, run as by `side_by_side`."""
    calls: list[Callable[[], Any]] = [one, other]
    first, second = side_by_side(calls)
    return first, second
