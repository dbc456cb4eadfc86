"""Presets: the factory's are sound, the user's are read again, and what is wrong in a file is reported and stops nothing."""

from __future__ import annotations

import os

import pytest

from bridge.config.presets import MAX_NAME_CHARS, SELECTED, Presets
from bridge.errors import PresetError
from engine.api import GenerationRequest, parse_key
from engine.corpus.styles import STYLES
from engine.words import PLAIN_KEY
from tests.bridge.conftest import ROOT

FACTORY = Presets(ROOT / "no such folder").all()
PLAYABLE = [preset for preset in FACTORY if "prompt" in preset.values]


def write(file, text: str) -> None:
    """A file changed just now: its time stamp moves even where the clock is coarse."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text, "utf-8")
    os.utime(file, ns=(before + 10**9, before + 10**9))


# ---- the factory's


def test_there_are_enough_and_nothing_is_wrong_with_them():
    assert len(FACTORY) >= 32
    assert {preset.bank for preset in FACTORY} == {"electronic", "band", "jazz_latin", "cinematic", "utilities"}
    assert Presets(ROOT / "no such folder").problems == []


@pytest.mark.parametrize("preset", PLAYABLE, ids=lambda preset: preset.name)
def test_a_preset_is_a_request_in_words_that_its_style_was_trained_with(preset):
    request = GenerationRequest(**preset.values)
    assert request.bars and request.bpm and parse_key(request.key) and preset.description
    assert "bpm" not in request.prompt and not PLAIN_KEY.search(request.prompt)  # else a request's own could not win
    style_word, *words = request.prompt.split(", ")
    style = next(style for style in STYLES if style_word in (style.name, *style.synonyms))
    parts = [part for part in (style.bass, style.chords, style.pad, style.lead) if part]
    assert set(words) <= {*style.moods, *(name for part in parts for name in part.instruments), "drums", "no drums", "three four"}


@pytest.mark.parametrize("preset", PLAYABLE, ids=lambda preset: preset.name)
def test_a_tempo_is_one_its_style_was_trained_at(preset):
    style_word = preset.values["prompt"].split(", ")[0]
    style = next(style for style in STYLES if style_word in (style.name, *style.synonyms))
    assert style.bpm[0] <= preset.values["bpm"] <= style.bpm[1]
    assert preset.values.get("beats_per_bar", 4) == style.beats
    assert preset.values["key"].split()[1] in style.modes


@pytest.mark.parametrize("preset", [p for p in FACTORY if p not in PLAYABLE], ids=lambda preset: preset.name)
def test_what_has_no_words_is_for_a_clip(preset):
    GenerationRequest(**preset.values, clip="loop.wav")
    assert preset.bank == "utilities" and "for continue" in preset.description


# ---- a request's own keys win


def test_a_requests_own_keys_win():
    house = Presets(ROOT / "none").get("deep HOUSE")
    asked = GenerationRequest(**house.under({"prompt": "", "bpm": 100.0, "seed": 3}))
    assert (asked.bpm, asked.key, asked.bars, asked.seed) == (100.0, "A minor", 8, 3)
    assert asked.prompt == house.values["prompt"]
    seconds = GenerationRequest(**house.under({"prompt": "polka", "duration_s": 3.0}))
    assert (seconds.prompt, seconds.duration_s, seconds.bars) == ("polka", 3.0, None)


# ---- the user's


def test_the_users_are_read_again_when_they_change(tmp_path):
    presets, mine = Presets(tmp_path), tmp_path / "mine.toml"
    with pytest.raises(PresetError, match="'mine'"):
        presets.get("mine")
    write(mine, '[[preset]]\nname = "mine"\nprompt = "a"\n[[preset]]\nname = "Deep house"\nprompt = "of my own"\n')
    assert presets.get("Mine").values == {"prompt": "a"}
    assert presets.get("deep house").values["prompt"] == "of my own"  # in place of the factory's
    assert len(presets.all()) == len(FACTORY) + 1 and [p.name for p in presets.all("mine")] == ["Deep house", "mine"]
    write(mine, '[[preset]]\nname = "mine"\nprompt = "b"\n')
    assert presets.get("mine").values == {"prompt": "b"}
    mine.unlink()
    assert len(presets.all()) == len(FACTORY)


@pytest.mark.parametrize(
    ("text", "line", "reported"),
    [
        ('[[preset]]\nname = "x"\nbpm = \n', 3, "Invalid value"),
        ('[[preset]]\nname = "x"\ntempo = 3\n', 3, "unknown key 'tempo'"),
        ('[[preset]]\nname = "x"\n\nclip = "a.wav"\n', 4, "unknown key 'clip'"),
        ('[[preset]]\nname = "x"\nbpm = 1000.0\n', 3, "20 to 400"),
        ('[[preset]]\nname = "x"\nprompt = "a"\nkey = "H major"\n', 4, "unknown key 'H major'"),
        ('[[preset]]\nprompt = "a"\n', 1, "name is None"),
        (f'[[preset]]\nname = "{"x" * 61}"\n', 2, "at most 60"),
        (f'[[preset]]\nname = "{SELECTED}"\n', 2, "stands for"),
        ('[[preset]]\nname = "x"\n[[preset]]\nname = "X"\n', 4, "stands above"),
        ('bpm = 3\n[[preset]]\nname = "x"\n', 1, "[[preset]]"),
        ("# mine\npreset = [1]\n", 2, "[[preset]]"),
    ],
)
def test_a_bad_file_reports_its_line_and_stops_nothing(tmp_path, text, line, reported):
    (tmp_path / "bad.toml").write_text(text)
    (tmp_path / "good.toml").write_text('[[preset]]\nname = "good"\n')
    presets = Presets(tmp_path)
    assert presets.get("good") and len(presets.all()) >= len(FACTORY) + 1
    assert len(presets.problems) == 1
    assert "bad.toml" in presets.problems[0] and f"line {line}" in presets.problems[0] and reported in presets.problems[0]
    with pytest.raises(PresetError, match="bad.toml"):  # it may be why
        presets.get("lost")


def test_files_that_are_no_text_are_reported_too(tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")  # half a character of UTF-16
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "list.toml").write_text("preset = [1]")
    presets = Presets(tmp_path)
    assert len(presets.problems) == 3 and len(presets.all()) == len(FACTORY)


def test_saving_keeps_what_was_asked_but_clip_and_seed(tmp_path):
    presets = Presets(tmp_path / "new")
    prompt = 'say "hey" \\ \x7f ümlaut\n🎹'
    request = GenerationRequest(prompt, bars=2, bpm=90.5, clip="a.wav", from_s=2.0, seed=3, join="new")
    saved = presets.save("My preset", request)
    assert saved.values == {"prompt": prompt, "bars": 2, "bpm": 90.5, "join": "new"} and saved.bank == "user"
    assert presets.save("My preset", request) == saved  # sent twice
    presets.save("Another", GenerationRequest("b"))
    assert Presets(tmp_path / "new").get("my preset") == saved and not presets.problems
    for name in ("my preset", "Deep house"):
        with pytest.raises(PresetError, match="already"):
            presets.save(name, GenerationRequest("c"))
    for name in (" ", SELECTED, "x" * (MAX_NAME_CHARS + 1)):
        with pytest.raises(PresetError, match="cannot save"):
            presets.save(name, GenerationRequest("c"))
    assert len(presets.all()) == len(FACTORY) + 2


def test_what_was_made_of_a_recording_is_saved_without_the_place_in_it(tmp_path):
    presets, clip = Presets(tmp_path), {"clip": "a.wav", "seed": 3}
    fill = presets.save("Fill", GenerationRequest("dub", from_s=1.0, to_s=2.0, candidates=4, **clip))
    bars = presets.save("Bars", GenerationRequest("dub", from_bar=1, to_bar=3, bpm=90.0, **clip))
    part = presets.save("Part", GenerationRequest("dub", arrangement="a:1 b:2", part="b", bpm=90.0, **clip))
    assert (fill.values, bars.values) == ({"prompt": "dub"}, {"prompt": "dub", "bpm": 90.0})
    assert part.values == {"prompt": "dub", "bpm": 90.0, "arrangement": "a:1 b:2"} and not presets.problems


def test_a_length_of_ones_own_replaces_a_presets_arrangement(tmp_path):
    preset = Presets(tmp_path).save("Piece", GenerationRequest("dub", arrangement="a:1 b:2", bpm=90.0))
    assert "bars" not in preset.values and GenerationRequest(**preset.under({})).bars == 3
    for own, bars in [({"bars": 8}, 8), ({"duration_s": 4.0}, None), ({"loop": True}, 4), ({"arrangement": "c:5"}, 5)]:
        request = GenerationRequest(**preset.under(own))
        assert request.bars == bars and request.arrangement == own.get("arrangement")
    loop = Presets(tmp_path).save("Loop", GenerationRequest("dub", loop=True, bars=2, bpm=90.0))
    assert GenerationRequest(**loop.under({"arrangement": "c:5"})).bars == 5


def test_a_damaged_file_is_not_written_over(tmp_path):
    file = tmp_path / "user.toml"
    file.write_text("[[preset")
    with pytest.raises(PresetError, match="cannot save"):
        Presets(tmp_path).save("x", GenerationRequest("c"))
    assert file.read_text() == "[[preset"


def test_select_takes_a_name_or_a_number(tmp_path):
    write(tmp_path / "mine.toml", '[[preset]]\nname = "5"\nprompt = "dub"\n')
    presets = Presets(tmp_path)
    count = len(FACTORY)
    for name, selected in {"FUNK": "Funk", "0": FACTORY[0].name, "7": FACTORY[7].name, "5": "5", str(count): "5"}.items():
        assert presets.select(name).name == presets.get(SELECTED).name == selected
    for name, reported in {str(count + 1): f"there are 0 to {count}", "-1": "no preset '-1'", "²": "no preset '²'"}.items():
        with pytest.raises(PresetError, match=reported):
            presets.select(name)


def test_next_previous_and_bank():
    presets = Presets(ROOT / "none")
    with pytest.raises(PresetError, match="none|no preset is selected"):
        presets.get(SELECTED)
    assert presets.step(1) == FACTORY[0] and presets.get(SELECTED) == FACTORY[0]
    assert presets.step(-1) == FACTORY[-1]
    assert presets.step(1) == FACTORY[0]
    assert presets.select_bank("cinematic").bank == "cinematic"
    with pytest.raises(PresetError, match="electronic"):
        presets.select_bank("polka")
