"""How late music is against its grid, by sounds whose place is known."""

import numpy as np
import pytest

from engine.music.grid import Grid
from engine.music.grid_check import check_grid
from tests import synthetic

RATE = 12_000
CLICK_S = -0.0083  # where a click on the grid is found: instruments take so long to speak


def clicks(bpm, late_s=0.0, seconds=8.0, **how):
    """Clicks whose first one comes `late_s` after the first sample, or so long before it."""
    audio = synthetic.clicks(bpm, seconds + 1, rate=RATE, **how).astype(np.float32)
    move = round(late_s * RATE)
    audio = np.concatenate([np.zeros(move, np.float32), audio]) if move >= 0 else audio[-move:]
    return audio[: round(seconds * RATE)]


@pytest.mark.parametrize("bpm", [63.0, 97.3, 124.0, 174.0])
@pytest.mark.parametrize("late_s", [-0.046, -0.012, 0.0, 0.003, 0.019, 0.12])
def test_clicks_are_found_where_they_are(bpm, late_s):
    found = check_grid(clicks(bpm, late_s), RATE, Grid(bpm))
    assert found.late_s - CLICK_S == pytest.approx(late_s, abs=0.0015)
    assert found.confidence > 0.8 and found.bpm == pytest.approx(bpm, rel=5e-4)


def test_the_piece_need_not_begin_on_a_downbeat():
    audio = clicks(120, 0.01, seconds=10)[round(1.25 * RATE) :]  # two and a half beats in
    assert check_grid(audio, RATE, Grid(120, 4, 2.5)).late_s - CLICK_S == pytest.approx(0.01, abs=0.0015)
    assert check_grid(audio, RATE, Grid(120, 4, 2.4)).late_s - CLICK_S == pytest.approx(-0.04, abs=0.0015)


@pytest.mark.parametrize("bpm", [118.0, 119.5, 121.0])
def test_another_tempo_than_the_asked_one_is_reported(bpm):
    assert check_grid(clicks(bpm, seconds=10), RATE, Grid(120)).bpm == pytest.approx(bpm, abs=0.1)


@pytest.mark.parametrize("late_s", [0.0, 0.012, -0.03])
def test_loud_off_beats_are_not_taken_for_the_beat(late_s):
    audio = 0.2 * clicks(124, late_s) + clicks(124, late_s, pattern=(0.5, 1.5, 2.5, 3.5))
    assert check_grid(audio, RATE, Grid(124)).late_s - CLICK_S == pytest.approx(late_s, abs=0.002)


def test_a_waltz_in_which_drums_play_beside_held_notes():
    audio = clicks(96, 0.008, pattern=(0, 1, 2)) + 0.2 * np.sin(np.arange(8 * RATE) * 2 * np.pi * 220 / RATE).astype(np.float32)
    assert check_grid(audio, RATE, Grid(96)).late_s - CLICK_S == pytest.approx(0.008, abs=0.002)


def test_what_has_no_beat_is_reported_without_confidence():
    rng = np.random.default_rng(0)
    for audio in (rng.standard_normal(8 * RATE), np.cumsum(rng.standard_normal(8 * RATE)) / 100):
        found = check_grid(audio.astype(np.float32), RATE, Grid(120))
        assert found is None or found.confidence < 0.2
    assert check_grid(np.zeros(8 * RATE, np.float32), RATE, Grid(120)) is None
    assert check_grid(clicks(120, seconds=1.5), RATE, Grid(120)) is None
