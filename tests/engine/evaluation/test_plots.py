"""The report's pictures: in which form they stand in the page, and that their axes show what they should."""

import base64
import sys

import numpy as np
import pytest

from engine.api import EngineError
from engine.evaluation import plots

pytest.importorskip("matplotlib")


def content(picture, kind):
    head, _, data = picture.source.partition(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(data)


@pytest.fixture
def figures(monkeypatch):
    """What would be drawn, without the time that drawing takes."""
    seen = []
    monkeypatch.setattr(plots, "picture", lambda figure, shows, **_: seen.append(figure))
    return seen


def test_a_picture_stands_in_the_page_as_vectors_or_as_pixels_and_in_words():
    drawn = plots.bars("distance", [("ours", 1.5), ("theirs", 2.25)])
    assert b"<svg" in content(drawn, "image/svg+xml") and drawn.shows == "distance: ours 1.50, theirs 2.25"
    pixels = plots.picture(plots.new_figure(0.5, 0.5), "nothing", pixels=True)
    assert content(pixels, "image/png").startswith(b"\x89PNG") and pixels.shows == "nothing"


def test_spectrograms_are_on_one_scale(figures):
    """Of two tones 20 dB apart the softer one is darker."""
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    plots.spectrograms([("loud", tone), ("soft", 0.1 * tone)], 48_000)
    loud, soft = (axes.images[0] for axes in figures[0].axes)
    assert loud.get_clim() == soft.get_clim() and loud.get_array().max() == pytest.approx(loud.get_clim()[1])
    assert loud.get_array().max() - soft.get_array().max() == pytest.approx(20, abs=0.5)
    assert loud.get_extent()[:2] == [0, 1]


def test_a_missing_value_is_a_gap_and_what_hardly_moves_looks_so(figures):
    plots.lines("tempo", "bpm", [("tempo", [0, 30, 60], [120.0, None, 120.1])])
    (axes,) = figures[0].axes
    low, high = axes.get_ylim()
    assert low < 0.99 * 120 and high > 1.01 * 120 and axes.get_legend() is None
    assert np.isnan(axes.lines[0].get_ydata()[1])
    plots.lines("share", "%", [("a", [0, 1], [0.0, 50.0]), ("b", [0, 1], [100.0, 50.0])])
    low, high = figures[1].axes[0].get_ylim()
    assert low <= 0 and high >= 100 and len(figures[1].axes[0].get_legend().get_texts()) == 2


def test_guidance_without_a_distance_has_its_shares_still(figures):
    plots.guidance([(1.0, (0.5, 0.25), None), (3.0, (1.0, 0.75), 2.0)], 20)
    shares, distance = figures[0].axes
    assert [list(line.get_ydata()) for line in shares.lines] == [[50, 100], [25, 75]]
    assert list(distance.lines[0].get_xdata()) == [3.0]


def test_of_few_prompts_no_frechet_distance_is_drawn(figures):
    plots.guidance([(1.0, (0.5, 0.25), 7.0), (3.0, (1.0, 0.75), 2.0)], 4)
    (shares,) = figures[0].axes
    assert len(shares.lines) == 2 and shares.get_ylabel() == "%"


@pytest.mark.parametrize(("levels", "least"), [([-17.4, -17.9], 6.0), ([-30.0, -10.0], 20.0)])
def test_a_change_of_half_a_decibel_does_not_look_like_a_fall(figures, levels, least):
    plots.lines("loudness", "LUFS", [("loudness", [0, 30], levels)])
    low, high = figures[0].axes[0].get_ylim()
    assert high - low >= least and low < min(levels) and high > max(levels)


def test_a_matrix_is_as_many_seconds_wide_as_its_blocks_last(figures):
    plots.matrix(np.eye(6), 0.5)
    assert figures[0].axes[0].images[0].get_extent() == [0, 3, 0, 3]


def test_without_matplotlib_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(EngineError, match=r"need matplotlib: pip install 'inspire-daw\[training\]'"):
        plots.bars("distance", [])
