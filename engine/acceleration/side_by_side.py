"""Independent pieces of work, each on one of the processor's cores.

A small network spends much of its time between its operations: several inputs are done sooner with one on each core than one
after the other, each on all cores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any, Generic, TypeVar

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


@dataclass(frozen=True, eq=False)
class _End(Generic[T]):
    """Of the call `number`."""

    number: int
    values: tuple[T, ...] = ()  # what it returned
    error: BaseException | None = None

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return self.values[0]


def _ended(calls: Sequence[Callable[[], T]], threads: int | None) -> Generator[_End[T], None, None]:
    """Of each call in its order what it returned or raised, once it has ended."""
    left, ended, before = deque(enumerate(calls)), SimpleQueue[_End[T]](), torch.get_num_threads()
    threads = threads or before
    beside = min(threads, len(calls)) - 1

    def work_on() -> bool:
        """Runs the next call, if there is one."""
        try:
            number, call = left.popleft()
        except IndexError:
            return False
        if beside > 0:
            torch.set_num_threads(1)
        ended.put(_end_of(number, call))
        return True

    def help() -> None:
        while work_on():
            pass

    known: dict[int, _End[T]] = {}
    try:
        for _ in range(beside):
            _helpers(threads).put(help)
        for number in range(len(calls)):
            while number not in known:
                if ended.empty():
                    work_on()
                end = ended.get()
                known[end.number] = end
            yield known[number]
    finally:
        begun = len(calls)
        while left:
            with suppress(IndexError):
                left.pop()
                begun -= 1
        for _ in range(begun - len(known)):
            ended.get()
        torch.set_num_threads(before)  # what is set on one thread holds for those that have not asked yet


def _end_of(number: int, call: Callable[[], T]) -> _End[T]:
    try:
        return _End(number, (call(),))
    except BaseException as error:
        return _End(number, error=error)


@lru_cache
def _helpers(threads: int) -> SimpleQueue[Callable[[], None]]:
    """What all threads but the calling one take their work from. They are there from the first use on, which is when a model is
    loaded: a thread that begins when memory is short can end the whole process, or never answer.
    """
    work, together = SimpleQueue[Callable[[], None]](), Barrier(threads)

    def run() -> None:
        try:
            together.wait()
        except BrokenBarrierError:
            return
        while True:
            work.get()()

    try:
        for number in range(1, threads):
            Thread(target=run, name=f"beside-{number}", daemon=True).start()
    except RuntimeError:  # no memory for one: those that wait for it must end
        together.abort()
        raise
    together.wait()
    return work


def both(one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """What two calls return, run as by `side_by_side`."""
    calls: list[Callable[[], Any]] = [one, other]
    first, second = side_by_side(calls)
    return first, second
