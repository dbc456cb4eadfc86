"""What was computed last, by what it was computed from: the same clip is asked for again and again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Recent(Generic[T]):
    """The last `most` results of a function that gives the same for the same. Any number of threads: what two ask for at once is
    computed by both.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def of(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result that belongs to `key`. It is shared: not to be changed."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        result = compute()
        with self._lock:
            self._kept[key] = result
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return result


def digest(*arrays: NDArray[Any]) -> bytes:
    """Of their values, shapes and types."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.digest()
