"""Musical time on the model's clock."""

import pytest

from engine.music.grid import bar_frames, grid_bpm, retime


@pytest.mark.parametrize("bpm", [60, 97.3, 120, 123.7, 124, 174, 200])
@pytest.mark.parametrize("beats", [3, 4])
def test_grid_bpm_is_the_nearest_whose_bars_are_whole_steps(bpm, beats):
    frames = bar_frames(bpm, beats, 50, 2)
    assert frames % 2 == 0 and grid_bpm(bpm, beats, 50, 2) == pytest.approx(60 * beats * 50 / frames)
    wanted = 60 * beats * 50 / bpm
    assert abs(frames - wanted) <= 1 + 1e-9


@pytest.mark.parametrize("ratio", [1.0, 0.97, 1.008, 1.05, 0.5, 2.0])
def test_retime_moves_nothing_by_more_than_half_a_frame(ratio):
    made = list(retime(iter(range(2000)), ratio))
    assert len(made) == round(2000 * ratio) and made == sorted(made)
    for place, token in enumerate(made):
        # a token covers [token, token + 1) of the original; where it is heard must lie within half a frame of that, stretched
        assert token * ratio - 0.5 - 1e-9 <= place <= (token + 1) * ratio + 0.5


def test_retime_by_one_changes_nothing():
    assert list(retime(iter([3, 1, 4]), 1.0)) == [3, 1, 4]
