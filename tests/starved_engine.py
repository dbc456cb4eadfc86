"""The real engine in a process whose memory is limited: what the prompt asks for fails where the kernel allows no more.

"starved": while this request runs, no more than STARVED bytes may be allocated. The engine's process is otherwise as it is.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.api import Event, GenerationRequest, ModelReport
from engine.pipeline import Pipeline

STARVED = 6_000_000
ROOM_FOR_A_MODEL = 100_000_000


def create_engine() -> StarvedEngine:
    return StarvedEngine()


class StarvedEngine:
    """`engine.api.Engine`. A model with "large" in its name is loaded with ROOM_FOR_A_MODEL."""

    def __init__(self) -> None:
        self._engine = Pipeline("cpu")

    def load(self, model: str) -> ModelReport:
        if "large" not in model:
            return self._engine.load(model)
        with limited_to(ROOM_FOR_A_MODEL):
            return self._engine.load(model)

    def generate(self, request: GenerationRequest, cancelled: Callable[[], bool]) -> Iterator[Event]:
        if "starved" not in request.prompt:
            yield from self._engine.generate(request, cancelled)
            return
        with limited_to(STARVED):
            yield from self._engine.generate(request, cancelled)


@contextmanager
def limited_to(more: int) -> Iterator[None]:
    """This process may map so many bytes more, and then everything again."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    found = re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    resource.setrlimit(resource.RLIMIT_AS, (int(found[1]) * 1024 + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
