"""A corpus of three synthetic pieces and a clock that counts steps, so that a smoke run trains the same number on any machine."""

import json
import shutil
from itertools import count
from types import SimpleNamespace

import pytest

from engine.training import loop
from engine.training.corpus import SOUNDFONT
from tests.synthetic import write_corpus

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not SOUNDFONT.exists(),
    reason="needs the packages fluidsynth and fluid-soundfont-gm",
)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, pieces=3, held_out=1)
    return folder


@pytest.fixture
def one_second_a_step(monkeypatch):
    """`minutes` of a run then mean 60 steps each, of which the first ten warm up."""
    ticks = count()
    monkeypatch.setattr(loop, "WARMUP_STEPS", 10)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def read_log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
