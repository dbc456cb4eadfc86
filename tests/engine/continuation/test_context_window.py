"""Pieces in windows: every token once, nothing longer than the model was trained to read, whole turns of the codec's views."""

import itertools

import numpy as np
import pytest

from engine.continuation.context_window import IDEA_BARS, ContextWindow
from engine.music.grid import Grid, clock

CLIP = tuple(np.random.default_rng(0).integers(0, 32, 250).tolist())


def context(clip_tokens=(), grid=None, max_tokens=200):
    return ContextWindow(tuple(clip_tokens), grid, token_rate=50.0, views=2, max_tokens=max_tokens)


@pytest.mark.parametrize("clip_tokens", [(), CLIP[:100], CLIP])
@pytest.mark.parametrize("grid", [None, Grid(120.0), Grid(123.7, 3, 5.0)])
@pytest.mark.parametrize("begun", [0, 300])
def test_every_token_is_made_once_in_windows_no_longer_than_the_model_reads(clip_tokens, grid, begun):
    piece = context(clip_tokens, grid)
    windows, made = list(piece.windows(1000, begun)), begun
    assert len(windows) > 3
    for number, window in enumerate(windows):
        prompt = window.prompt(piece.clip_tokens, range(1000, 1000 + made))
        recent = made - window.first_made
        assert prompt == [*clip_tokens[window.clip], *range(1000 + window.first_made, 1000 + made)]
        assert window.clip_count + recent == len(prompt) and window.first_made % 2 == 0 and window.count > 0
        if number:  # the first reads all of the clip, however long it is
            assert len(prompt) + window.count <= 200
        if window.clock is not None:
            exact = clock(grid, 50.0, window.first_made, recent + window.count)
            np.testing.assert_array_equal(window.clock[window.clip_count :], exact)
        made += window.count
    assert made == 1000


def test_without_a_limit_a_piece_without_time_is_one_window():
    (window,) = context(CLIP, max_tokens=0).windows(4000)
    assert (window.clip, window.first_made, window.count, window.clock) == (slice(0, 250), 0, 4000, None)


def test_a_new_idea_begins_on_its_bar_from_the_last_bar_alone():
    """At 120 bpm a bar is 100 tokens."""
    windows, made = list(context(grid=Grid(120.0)).windows(4000)), 0
    begins = []
    for before, window in itertools.pairwise(windows):
        made += before.count
        if made - window.first_made == 100 and made % (IDEA_BARS * 100) == 0:
            begins.append(made)
    assert begins == [1600, 3200]


def test_the_clip_stays_in_the_context():
    windows = list(context(CLIP).windows(1000))
    assert all(window.clip_count >= 50 and window.clip.stop == 250 for window in windows)


def test_windows_may_be_asked_for_again():
    piece = context(CLIP, Grid(124.0))
    assert [(w.clip, w.first_made, w.count) for w in piece.windows(900)] == [
        (w.clip, w.first_made, w.count) for w in piece.windows(900)
    ]
