"""The pictures: drawn from the patch that is committed, in both themes."""

from __future__ import annotations

import json
import subprocess

import pytest

from max_for_live.build import FOLDER
from max_for_live.theme import THEMES
from tests.max_for_live.conftest import HOST, node

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


def test_the_banner_and_the_grid_line_are_what_the_script_would_say():
    """The pictures promise nothing that the device does not do."""
    code = """
    const { run } = require(process.argv[1]);
    const { Words } = run("({ Words: Words })");
    const say = (now) => Words.status(now).text;
    console.log(JSON.stringify([
        say({ state: "done", bars: 8, takes: 4 }),
        say({ state: "making", done_s: 6.5, total_s: 15.48, rtf: 0.66, bar_s: 1.935 }),
        Words.grid({ bpm: 124, asked_bpm: 124, downbeat_ms: 3, key: "A minor", join_click_db: -31, seed: 4711 }),
        Words.go(1, 8), Words.host({ tempo: 124, numerator: 4, denominator: 4 }, "A minor"),
        Words.source({ name: "loop_compus", start_s: 0, end_s: 7.7 }, "4 bars"),
        Words.result({ kept: 1, prompt: "dub techno, warm chords" }),
        say({ state: "ready", model: "sketch", first_s: 0.31 }), Words.go(3, 40),
        Words.sections({ names: ["Intro 8", "Verse 8", "Drop 16", "Outro 8"] }),
    ]));
    """
    said = json.loads(
        subprocess.run([node(), "-e", code, str(HOST / "max.js")], capture_output=True, text=True, check=True).stdout
    )
    done, making = preview.SCENES["done"].texts, preview.SCENES["making"].texts
    names = ("grid", "go", "host", "source", "results")
    arranged = [preview.SCENES["arranged"].texts[name] for name in ("status", "go", "source")]
    assert said == [done["status"], making["status"], *(done[name] for name in names), *arranged]


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
