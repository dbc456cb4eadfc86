"""Independent pieces of work, each on one of the processor's cores.

A small network spends much of its time between its operations: several inputs are done sooner with one on each core than one
after the other, each on all cores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from functools import lru_cache
from threading import Barrier
from typing import Any, TypeVar

import torch

T = TypeVar("T")
U = TypeVar("U")


def side_by_side(calls: Sequence[Callable[[], T]], threads: int | None = None) -> list[T]:
    """What the calls return, in their order, run on as many threads as torch has here, or on `threads`, this one among them,
    torch's operations on one thread in each. Raises what the first that fails raises, once all have ended.
    """
    return [end.result() for end in list(_ended(calls, threads))]


def in_turn(calls: Sequence[Callable[[], T]], threads: int | None = None) -> Iterator[T]:
    """The same, but each result as soon as it and those before it are there. Where one fails, or no more are asked for, what has
    not begun is left out, and what has begun is waited for.
    """
    with closing(_ended(calls, threads)) as ends:
        for end in ends:
            yield end.result()


def _ended(calls: Sequence[Callable[[], T]], threads: int | None) -> Generator[Future[T], None, None]:
    """Of each call in its order what it returned or raised, once it has ended."""
    ends: list[Future[T]] = [Future() for _ in calls]
    left, before = deque(zip(calls, ends, strict=True)), torch.get_num_threads()
    threads = threads or before
    beside = min(threads, len(calls)) - 1

    def work_on() -> bool:
        """The next call; whether there was one."""
        try:
            call, end = left.popleft()
        except IndexError:
            return False
        if beside > 0:
            torch.set_num_threads(1)
        _settle(call, end)
        return True

    def help() -> None:
        while work_on():
            pass

    try:
        for _ in range(beside):
            _helpers(threads).submit(help)
        for end in ends:
            while not end.done() and work_on():
                pass
            wait([end])
            yield end
    finally:
        begun = set(ends)
        while left:
            with suppress(IndexError):
                begun.discard(left.popleft()[1])
        wait(begun)
        torch.set_num_threads(before)  # what is set on one thread holds for those that have not asked yet


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
