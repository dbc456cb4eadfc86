"""The pictures: drawn from the patch that is committed, in both themes."""

from __future__ import annotations

import json

import pytest

from max_for_live.build import FOLDER
from max_for_live.theme import THEMES

preview = pytest.importorskip("max_for_live.preview", reason="needs Pillow and matplotlib")
Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def patcher() -> dict:
    return json.loads((FOLDER / "Inspire.maxpat").read_text("utf-8"))["patcher"]


@pytest.mark.parametrize("name", preview.PICTURES)
def test_the_picture_shows_the_committed_patch(patcher, name):
    with Image.open(FOLDER / name) as picture:
        assert picture.text["patch"] == preview.digest(patcher), "run python -m max_for_live.build"
        assert picture.width == patcher["devicewidth"] * preview.SCALE


@pytest.mark.parametrize("theme", THEMES)
def test_letters_can_be_read_on_what_they_stand_on(theme):
    """Contrast as WCAG counts it; 4.5 is what it wants of small text."""
    colours = THEMES[theme]
    for letters, ground in (
        *(("live_control_fg", ground) for ground in ("live_surface_bg", "live_control_bg", "live_control_text_bg")),
        *(("live_control_fg_on", ground) for ground in ("live_control_selection", "live_value_arc", "live_alert")),
        *((wave, "live_lcd_bg") for wave in ("live_control_selection", "live_value_arc")),
    ):
        assert _contrast(colours[letters], colours[ground]) >= 4.5, (letters, ground)


def test_another_patch_is_drawn_otherwise(patcher):
    before = preview.draw(patcher, preview.SCENES["done"], THEMES["dark"])
    go = next(entry["box"] for entry in patcher["boxes"] if entry["box"].get("varname") == "go")
    moved = json.loads(json.dumps(patcher))
    next(entry["box"] for entry in moved["boxes"] if entry["box"]["id"] == go["id"])["presentation_rect"] = [624, 6, 60, 40]
    assert preview.draw(moved, preview.SCENES["done"], THEMES["dark"]).tobytes() != before.tobytes()
    assert preview.digest(moved) != preview.digest(patcher)


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
