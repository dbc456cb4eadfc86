"""The panel's layout as it is drawn: everything has its place, and the committed picture shows it."""

from __future__ import annotations

import pytest

from bridge.reaper import build, draw_panel
from tests.missing import needs


@pytest.mark.parametrize("state", draw_panel.STATES)
@pytest.mark.parametrize("width, height", [(460, 420), (380, 300), (900, 1000)])
def test_nothing_overlaps_and_text_fits(state, width, height):
    needs("lua5.4", "lua5.4")
    steps = draw_panel.recorded(state, width, height)
    areas = [step for step in steps if step[0] == "area"]
    assert len(areas) >= 12 and len({area[5] for area in areas}) == len(areas)
    for _, x, y, w, h, *_rest in steps:
        assert x >= 0 and y >= 0 and x + w <= width + 1e-6 and y + h <= height + 1e-6
    for number, (_, x, y, w, h, id) in enumerate(areas):
        for _, x2, y2, w2, h2, id2 in areas[number + 1 :]:
            apart = x + w <= x2 + 1e-6 or x2 + w2 <= x + 1e-6 or y + h <= y2 + 1e-6 or y2 + h2 <= y + 1e-6
            assert apart, f"{id} and {id2} overlap"
    if width >= 460:  # as it opens
        texts = [step for step in steps if step[0] == "text"]
        assert all(len(text) * 7 <= w + 4 for _, _, _, w, _, text, *_ in texts), [t[5] for t in texts if len(t[5]) * 7 > t[3] + 4]


def test_the_picture_is_drawn_from_the_layout_as_it_is(tmp_path, monkeypatch):
    needs("lua5.4", "lua5.4")
    pytest.importorskip("PIL")
    from PIL import Image, ImageChops

    monkeypatch.setattr(draw_panel, "PICTURE", tmp_path / "panel.png")
    draw_panel.draw()
    drawn, committed = Image.open(tmp_path / "panel.png"), Image.open(build.FOLDER / "panel.png")
    assert drawn.size == committed.size
    differs = ImageChops.difference(drawn, committed).convert("L").point(lambda level: 255 * (level > 64))
    assert sum(differs.histogram()[1:]) < 0.001 * drawn.width * drawn.height  # another FreeType draws letters a little otherwise
