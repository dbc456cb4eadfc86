"""Events, as every engine reports them."""

import time

import numpy as np

from engine import api
from engine.api import AudioChunk, Progress


def test_a_chunk_knows_where_it_lies_and_how_long_it_lasts():
    chunk = AudioChunk(1, 12_000, 24_000, np.zeros((36_000, 2), np.float32))
    assert (chunk.start_s, chunk.duration_s, chunk.variation) == (0.5, 1.5, 1)
    assert AudioChunk(0, 0, 48_000, np.zeros((0, 1), np.float32)).duration_s == 0.0


def test_progress_keeps_when_it_was_and_is_compared_without_it():
    before = time.monotonic()
    early, late = Progress("generating", 1.0, 4.0), Progress("generating", 1.0, 4.0, at_s=before + 100)
    assert before <= early.at_s <= time.monotonic() and early == late
    assert early != Progress("loading", 1.0, 4.0)


def test_all_that_is_offered_is_there_and_named_once():
    assert len(api.__all__) == len(set(api.__all__)) and all(hasattr(api, name) for name in api.__all__)
