"""Whole audio in pieces."""

from __future__ import annotations

import numpy as np

from engine.rendering.chunks import LONGEST_S, in_chunks


def test_pieces_follow_one_another_and_are_all_of_it():
    audio = np.arange(2 * 2_345, dtype=np.float32).reshape(-1, 2)
    chunks = list(in_chunks(audio, samplerate=100, variation=3))
    places = [(chunk.index, chunk.start_frame, len(chunk.samples)) for chunk in chunks]
    assert places == [(0, 0, 1_000), (1, 1_000, 1_000), (2, 2_000, 345)]
    assert {(chunk.samplerate, chunk.variation) for chunk in chunks} == {(100, 3)} and LONGEST_S == 10
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks]), audio)
    assert list(in_chunks(audio[:0], 100, 1)) == []
