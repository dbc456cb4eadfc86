"""Arrangements by way of the daemon: exact frames, markers in the WAV and in the MIDI file, one clear error for each mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mido
import pytest
import soundfile

from bridge.osc.replies import Done, Fail
from tests import synthetic
from tests.bridge.conftest import ROOT
from tests.bridge.results.test_tags import CUES, INSTRUMENT, SFC_GET_CUE, SFC_GET_INSTRUMENT, read

SECTIONS = "intro:1 Verse 1:2 drop:1=dark, drums outro:1"


def markers(path: str) -> list[tuple[int, str]]:
    """Frame and name of each, as libsndfile finds them."""
    cues = read(path, SFC_GET_CUE, CUES)
    return [(int(p["offset"]), bytes(p["name"]).split(b"\0")[0].decode()) for p in cues["points"][: int(cues["count"])]]


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (7, 8)])
@pytest.mark.parametrize("bpm", [124.0, 119.3, 87.77])
def test_sections_begin_on_their_bars_in_the_wav_and_in_the_midi_file(daemon, metre, bpm):
    beats, unit = metre
    with daemon.client() as client:
        asked = {"prompt": "tune", "bpm": bpm, "beats_per_bar": beats, "beat_unit": unit}
        end = list(client.arrange(SECTIONS, **asked))[-1]
    assert isinstance(end, Done)
    (bpm,) = {json.loads(Path(end.path).with_suffix(".json").read_text())["request"]["bpm"]}  # as a float32 has it
    bar_s = beats * 4 / unit * 60 / bpm
    assert soundfile.info(end.path).frames == round(5 * bar_s * 48_000)
    places = [(0, "intro"), (1, "Verse 1"), (3, "drop"), (4, "outro")]
    assert markers(end.path) == [(round(bar * bar_s * 48_000), name) for bar, name in places]
    assert read(end.path, SFC_GET_INSTRUMENT, INSTRUMENT) is None  # a piece that ends is no loop
    reported, now_s = [], 0.0
    for message in mido.MidiFile(Path(end.path).with_suffix(".mid"), charset="utf-8"):
        now_s += message.time
        reported += [(now_s, message.text)] if message.type == "marker" else []
    assert [name for _, name in reported] == [name for _, name in places]
    assert [at for at, _ in reported] == pytest.approx([bar * bar_s for bar, _ in places], abs=2e-3)


def test_names_of_any_script_and_variations(daemon):
    with daemon.client() as client:
        end = list(client.arrange("Brücke:1 | サビ:1", prompt="tune", bpm=240, variations=2))[-1]
    for name in (end.path, str(Path(end.path).with_name(end.pairs["others"]))):
        assert [marker for _, marker in markers(name)] == ["Brücke", "サビ"]


def test_again_and_history_know_it(daemon):
    with daemon.client() as client:
        first = list(client.arrange("a:1=pads b:1=drums", id="piece", bpm=240))[-1]
        again = list(client.again("piece"))[-1]
        assert markers(first.path) == markers(again.path) != []
        assert first.pairs["seed"] == again.pairs["seed"]
        saved = client.save_preset("My piece", "piece")
        assert not isinstance(saved, Fail)
        assert markers(list(client.generate("", preset="My piece"))[-1].path) == markers(first.path)


def test_a_preset_gives_words_and_tempo_and_not_its_length(daemon):
    with daemon.client() as client:
        end = list(client.arrange("intro:1 drop:1", preset="Deep house"))[-1]
    reported = json.loads(Path(end.path).with_suffix(".json").read_text())["request"]
    assert reported["bars"] == 2 and "house" in reported["prompt"].lower() and len(markers(end.path)) == 2


@pytest.mark.parametrize(
    ("sections", "pairs", "code", "reported"),
    [
        ("intro", {}, "bad_request", "NAME:BARS"),
        ("intro:0", {}, "bad_request", "1 to 512"),
        ("intro:4 verse:8", {"bpm": None}, "bad_request", "bpm"),
        ("intro:4 verse:8", {"prompt": None}, "bad_request", "prompt is empty"),
        ("intro:400", {}, "bad_request", "480 s are allowed"),
        ("intro:4", {"bars": 8}, "bad_request", "leave bars"),
        ("", {}, "bad_value", "1 to 4000 characters"),
        (" ".join(f"s{n}:1" for n in range(65)), {}, "bad_request", "at most 64"),
    ],
)
def test_each_mistake_is_one_clear_error(daemon, sections, pairs, code, reported):
    with daemon.client() as client:
        replies = list(client.arrange(sections, **({"prompt": "tune", "bpm": 120.0} | pairs)))
    (fail,) = replies
    assert isinstance(fail, Fail) and fail.code == code and reported in fail.message


def test_a_section_of_another_variation(daemon):
    with daemon.client() as client:
        first = list(client.arrange("a:1 b:1", id="two", prompt="24k tune", bpm=240, variations=2))[-1]
        anew = list(client.again("two", section="b", variation=2))[-1]
    assert isinstance(first, Done) and isinstance(anew, Done), (first, anew)
    source = json.loads(Path(anew.path).with_suffix(".json").read_text())["source"]["path"]
    assert Path(source).name == first.pairs["others"] != Path(first.path).name


@pytest.mark.parametrize(
    ("pairs", "code", "reported"),
    [
        ({"section": "a", "variation": 3}, "bad_request", "has 2 variations"),
        ({"variation": 2}, "bad_request", "say which section"),
        ({"section": "a", "variations": 9}, "bad_value", "1 to 8"),
    ],
)
def test_a_variation_that_is_not_there_is_one_clear_error(daemon, pairs, code, reported):
    with daemon.client() as client:
        list(client.arrange("a:1 b:1", id="both", prompt="tune", bpm=240, variations=2))
        (fail,) = client.again("both", **pairs)
    assert isinstance(fail, Fail) and fail.code == code and reported in fail.message


def test_from_the_command_line(daemon, tmp_path):
    soundfile.write(tmp_path / "riff.wav", 0.5 * synthetic.clicks(120, 2.0, rate=24_000), 24_000)
    command = [sys.executable, "-m", "bridge", "arrange", "verse:1 drop:1", "--clip", "riff.wav", "--join", "new", "--bpm", "120"]
    made = subprocess.run(
        [*command, "--json", "--no-play", "--port", str(daemon.port)], cwd=tmp_path,
        env=daemon.environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    end = json.loads(made.stdout.splitlines()[-1])
    assert soundfile.info(end["path"]).frames == 4 * 48_000
    assert json.loads(Path(end["path"]).with_suffix(".json").read_text())["source"]["path"].endswith("riff.wav")


def test_again_with_another_number_of_variations(daemon):
    with daemon.client() as client:
        list(client.generate("tune", id="one", duration_s=0.5, seed=4))
        again = list(client.again("one", variations=3))[-1]
    assert isinstance(again, Done) and again.pairs["seed"] == 4 and len(again.pairs["others"].split("/")) == 2
