"""A clock that counts steps, so that a smoke run trains the same number on any machine."""

import json
from itertools import count
from types import SimpleNamespace

import pytest

from engine.training import loop


@pytest.fixture
def one_second_a_step(monkeypatch):
    """`minutes` of a run then mean 60 steps each, of which the first ten warm up."""
    ticks = count()
    monkeypatch.setattr(loop, "WARMUP_STEPS", 10)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def read_log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
