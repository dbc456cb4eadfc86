"""Musical time on the model's clock."""

from fractions import Fraction

import numpy as np
import pytest

from engine.api import MAX_DURATION_S
from engine.music.grid import (
    BARS_PER_PHRASE,
    CLOCKS_PER_BEAT,
    LOOP_BARS,
    LOOP_TOLERANCE,
    MAX_BEATS_PER_BAR,
    Grid,
    bar_frames,
    clock,
    frames_to_bar,
    lasts_bars,
    loop_bpm,
    stretch_ratio,
)


def exact(grid: Grid, rate: int, frames: int) -> list[list[int]]:
    """What `clock` gives for the first frames of a piece, in whole numbers: clocks are begun + each · (2 · frame + 1) halves."""
    begun, each = Fraction(grid.beat) * CLOCKS_PER_BEAT, Fraction(grid.bpm) * CLOCKS_PER_BEAT / (120 * rate)
    unit = begun.denominator * each.denominator
    begun, each = int(begun * unit), int(each * unit)
    bar = grid.beats_per_bar * CLOCKS_PER_BEAT
    clocks = [(begun + each * (2 * frame + 1)) // unit for frame in range(frames)]
    return [[total % bar, total // bar % BARS_PER_PHRASE] for total in clocks]


@pytest.mark.parametrize("bpm", [60, 97.3, 120, 123.7, 124, 174, 200])
@pytest.mark.parametrize("beats", [3, 4])
def test_bar_frames_is_the_nearest_whole_number_of_steps(bpm, beats):
    frames, wanted = bar_frames(bpm, beats, 50, 2), 60 * beats * 50 / bpm
    assert frames % 2 == 0 and abs(frames - wanted) <= 1 + 1e-9
    assert bar_frames(100_000, beats, 50, 2) == 2  # never none


def test_the_clock_of_a_tempo_that_fits_the_frames():
    """125 bpm at 50 Hz: 24 frames a beat, so each frame is one clock; 96 to a bar, 8 bars to a phrase."""
    rows = clock(Grid(125.0), 50, 0, 2 * 8 * 96)
    assert rows.dtype == np.int64
    np.testing.assert_array_equal(rows[:, 0], np.arange(2 * 8 * 96) % 96)
    np.testing.assert_array_equal(rows[:, 1], np.arange(2 * 8 * 96) // 96 % 8)


def test_a_frame_lies_where_its_middle_is():
    """At 62.5 bpm a frame lasts half a clock, at 187.5 bpm one and a half."""
    np.testing.assert_array_equal(clock(Grid(62.5), 50, 0, 8)[:, 0], [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(clock(Grid(187.5), 50, 0, 4)[:, 0], [0, 2, 3, 5])


@pytest.mark.parametrize("beats", [1, 3, 4, 7, MAX_BEATS_PER_BAR])
def test_the_metre_decides_where_bars_begin(beats):
    rows = clock(Grid(125.0, beats), 50, 0, 9 * beats * 24)
    begins = np.flatnonzero(rows[:, 0] == 0)
    np.testing.assert_array_equal(begins, np.arange(9) * beats * 24)
    assert rows[:, 0].max() == beats * 24 - 1 < CLOCKS_PER_BEAT * MAX_BEATS_PER_BAR
    assert rows[begins, 1].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0]


@pytest.mark.parametrize("grid", [Grid(123.7), Grid(97.31, 3), Grid(171.93, 7, 2.75), Grid(399.7, 16)], ids=str)
def test_an_odd_tempo_never_drifts(grid):
    """Every frame of the longest piece there may be, against exact fractions of the same tempo."""
    frames = round(MAX_DURATION_S * 50)
    assert clock(grid, 50, 0, frames).tolist() == exact(grid, 50, frames)


def test_a_window_of_the_clock_is_the_clocks_window():
    grid = Grid(123.7, 3, 1.25)
    whole = clock(grid, 50, -100, 5100)
    for first, count in ((-100, 7), (-1, 2), (0, 1), (4321, 500)):
        np.testing.assert_array_equal(clock(grid, 50, first, count), whole[100 + first :][:count])
    assert clock(grid, 50, 0, 0).shape == (0, 2)


def test_what_comes_before_the_downbeat_is_the_end_of_the_bar_and_the_phrase_before():
    rows = clock(Grid(125.0), 50, -96, 192)
    np.testing.assert_array_equal(rows[:96, 0], np.arange(96))
    assert (rows[:96, 1] == BARS_PER_PHRASE - 1).all() and (rows[96:, 1] == 0).all()
    upbeat = clock(Grid(125.0, beat=-1.0), 50, 0, 48)  # a piece that begins a beat before
    assert upbeat[:, 0].tolist() == [*range(72, 96), *range(24)]
    assert upbeat[:, 1].tolist() == [7] * 24 + [0] * 24
    later = clock(Grid(125.0, beat=33.0), 50, 0, 2)  # the second beat of the phrase's first bar
    assert later.tolist() == [[24, 0], [25, 0]]


@pytest.mark.parametrize("rate", [50, 75])
@pytest.mark.parametrize("bpm", np.linspace(20, 400, 39))
def test_rows_never_leave_their_tables(bpm, rate):
    rows = clock(Grid(float(bpm), 4, 1 / 3), rate, -1000, 5000)
    assert rows.min() >= 0 and rows[:, 0].max() < 96 and rows[:, 1].max() < BARS_PER_PHRASE


@pytest.mark.parametrize(("bpm", "bars", "beats"), [(124.0, 4, 4), (97.3, 1, 4), (90.0, 8, 3), (174.0, 16, 4)])
@pytest.mark.parametrize("error", [-0.9, 0.0, 0.9])
def test_a_loop_lasts_whole_bars(bpm, bars, beats, error):
    """However inexactly its tempo was measured, the length of a short loop says what it is."""
    measured = bpm * (1 + error * LOOP_TOLERANCE)
    assert loop_bpm(measured, bars * beats * 60 / bpm, beats) == pytest.approx(bpm, rel=1e-9)


def test_what_is_no_loop_keeps_its_measured_tempo():
    beat = 60 / 120
    assert loop_bpm(120.0, 4.5 * 4 * beat) == 120.0  # half a bar too long
    assert loop_bpm(120.0, 3.0 * beat) == 120.0  # less than a bar
    assert loop_bpm(120.3, 4 * beat * (LOOP_BARS + 1)) == 120.3  # that long anything fits nearly
    assert loop_bpm(120.3, 4 * beat * LOOP_BARS) == pytest.approx(120.0)
    edge = 1 + LOOP_TOLERANCE
    assert loop_bpm(120.0, 16 * beat / (edge - 1e-3)) == pytest.approx(120 * (edge - 1e-3))
    assert loop_bpm(120.0, 16 * beat / (edge + 1e-3)) == 120.0


def test_frames_to_a_bar_line_end_at_it():
    grid = Grid(123.7, 3, 4.5)
    for first in (0, 100, 1000):
        beat = grid.beat + (first + frames_to_bar(grid, 50, first, 8)) / 50 * grid.bpm / 60
        assert abs(beat / 24 - round(beat / 24)) * 24 <= 0.5 / 50 * grid.bpm / 60 + 1e-9  # half a frame
    assert frames_to_bar(Grid(120.0), 50, 0, 16) == 1600  # on a line: to the next


@pytest.mark.parametrize(("bars", "whole"), [(1, True), (4, True), (1.5, False), (4.05, False), (17, False)])
def test_loops_last_a_few_whole_bars(bars, whole):
    assert lasts_bars(120.0, bars * 2.0) is whole


@pytest.mark.parametrize(
    ("bpm", "beats", "most", "bars"),
    [
        (125.0, 4, 0.01, 1), (124.0, 4, 0.01, 1), (81.3, 4, 0.01, 1), (123.7, 3, 0.0125, 1), (187.0, 2, 0.0125, 2),
        (199.0, 1, 0.0125, 4), (124.0, 4, 0.003, 2), (128.0, 4, 0.003, 4),
    ],
)  # fmt: skip
def test_stretched_bars_last_whole_groups_of_tokens(bpm, beats, most, bars):
    """As few of them as can be bent by so little."""
    ratio = stretch_ratio(Grid(bpm, beats), 50, 2, most)
    groups = bars * beats * 60 / bpm * ratio * 50 / 2
    assert groups == pytest.approx(round(groups), abs=1e-9) and abs(ratio - 1) <= most


def test_bars_of_whole_tokens_are_left_as_they_are():
    assert stretch_ratio(Grid(120.0), 50, 2, 0.01) == stretch_ratio(Grid(100.0, 3), 50, 2, 0.01) == 1.0


def test_bars_that_would_be_bent_too_much_are_left_as_they_are():
    assert stretch_ratio(Grid(120.0), 50, 64, 0.02) == 1.0  # 100 tokens, 200, 400


@pytest.mark.parametrize(("beat", "expected"), [(0.0, 0.0), (20.5, 0.5), (15.9, -0.1), (14.0, -2.0), (32.0, 0.0)])
def test_a_new_phrase_begins_at_the_nearest_bar_line_and_leaves_bars_where_they_are(beat, expected):
    grid = Grid(123.4, 4, beat)
    assert grid.new_phrase().beat == pytest.approx(expected)
    old, new = (clock(each, 50, -100, 300) for each in (grid, grid.new_phrase()))
    np.testing.assert_array_equal(old[:, 0], new[:, 0])
    assert len(set((new[:, 1] - old[:, 1]) % BARS_PER_PHRASE)) == 1
