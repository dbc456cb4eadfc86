"""Commands about what there is: presets with the numbers that MIDI selects them by, results played and kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.config.presets import Presets
from bridge.config.settings import load_settings


@pytest.fixture
def own(monkeypatch, tmp_path) -> Path:
    """The user's folder of presets, of a user who has no daemon."""
    monkeypatch.setenv("INSPIRE_SETTINGS", str(tmp_path / "settings.toml"))
    folder = load_settings().presets_folder
    folder.mkdir(parents=True)
    return folder


def test_a_preset_is_listed_by_its_number_under_its_bank(call, own):
    (own / "mine.toml").write_text('[[preset]]\nname = "Mine"\nprompt = "dub"\nbpm = 124\n')
    code, shown, reported = call("presets")
    lines = shown.splitlines()
    number = [preset.name for preset in Presets(own).all()].index("Mine")
    assert code == 0 and reported == "" and lines[lines.index("mine") + 1].split()[:2] == [str(number), "Mine"]
    (row,) = [json.loads(line) for line in call("presets", "--bank", "mine", "--json")[1].splitlines()]
    assert (row["name"], row["number"], row["bank"], row["prompt"], row["bpm"]) == ("Mine", number, "mine", "dub", 124)


def test_what_is_wrong_with_a_file_is_said_and_the_others_are_listed(call, own):
    (own / "bad.toml").write_text("[[preset]]\nbpm = 3\n")
    code, shown, reported = call("presets", "--bank", "band")
    assert code == 0 and "  0              Guitar rock  " in shown and "bad.toml, line" in reported


def test_a_favourite_is_kept_until_it_is_no_longer_one(daemon, inspire_here):
    with daemon.client() as client:
        list(client.generate("tune", id="favourite", duration_s=0.5))
    assert inspire_here("keep", "favourite").stdout == ""
    assert "★ " in inspire_here("history", "--kept").stdout and "favourite" in inspire_here("history", "--kept").stdout
    assert inspire_here("keep", "favourite", "--undo").returncode == 0
    assert "favourite" not in inspire_here("history", "--kept").stdout
    limited = inspire_here("history", "--limit", "1")
    assert limited.stdout.count("  done  ") == 1
