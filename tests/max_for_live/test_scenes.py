"""The scenes of the pictures: they promise nothing that the device does not do."""

from __future__ import annotations

import json
import subprocess

from max_for_live.layout import CONTROLS
from max_for_live.scenes import PICTURES, SCENES
from max_for_live.theme import THEMES
from tests.max_for_live.conftest import HOST, node


def test_they_show_controls_and_values_that_the_device_has():
    controls = {control.name: control for control in CONTROLS}
    for scene in SCENES.values():
        assert {*scene.texts, *scene.values, *scene.inactive} <= set(controls)
        for name, value in scene.values.items():
            assert controls[name].low <= value <= controls[name].high, name


def test_a_picture_is_of_a_scene_in_a_theme():
    assert {scene for scene, _ in PICTURES.values()} == set(SCENES)
    assert {theme for _, theme in PICTURES.values()} == set(THEMES)


def test_the_banner_and_the_grid_line_are_what_the_script_would_say():
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
    done, making = SCENES["done"].texts, SCENES["making"].texts
    names = ("grid", "go", "host", "source", "results")
    arranged = [SCENES["arranged"].texts[name] for name in ("status", "go", "source")]
    assert said == [done["status"], making["status"], *(done[name] for name in names), *arranged]
