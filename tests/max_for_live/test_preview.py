"""The pictures: drawn from the patch that is committed, in both themes."""

from __future__ import annotations

import json

import pytest

from max_for_live.build import FOLDER
from max_for_live.scenes import PICTURES, SCENES
from max_for_live.theme import THEMES

preview = pytest.importorskip("max_for_live.preview", reason="needs Pillow and matplotlib")
Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def patcher() -> dict:
    return json.loads((FOLDER / "Inspire.maxpat").read_text("utf-8"))["patcher"]


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_shows_the_committed_patch(patcher, name):
    with Image.open(FOLDER / name) as picture:
        assert picture.text["patch"] == preview.digest(patcher), "run python -m max_for_live.build"
        assert picture.width == patcher["devicewidth"] * preview.SCALE


def test_another_patch_is_drawn_otherwise(patcher):
    before = preview.draw(patcher, SCENES["done"], THEMES["dark"])
    go = next(entry["box"] for entry in patcher["boxes"] if entry["box"].get("varname") == "go")
    moved = json.loads(json.dumps(patcher))
    next(entry["box"] for entry in moved["boxes"] if entry["box"]["id"] == go["id"])["presentation_rect"] = [624, 6, 60, 40]
    assert preview.draw(moved, SCENES["done"], THEMES["dark"]).tobytes() != before.tobytes()
    assert preview.digest(moved) != preview.digest(patcher)
