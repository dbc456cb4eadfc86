"""What is written beside a result: reserved before it, whole or not at all, and what it says of tempo, join and sections."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from bridge.results import sidecar
from engine.api import GenerationRequest


@dataclass(frozen=True)
class Audio:
    samplerate: int = 48_000
    channels: int = 2
    frames: int = 96_000
    duration_s: float = 2.0


def entries(state: str = "done", engine: dict | None = None, **request: object) -> sidecar.Entries:
    asked = asdict(GenerationRequest(**{"prompt": "dub", **request}))
    return {"id": "j", "state": state, "created": "2026-11-28", "request": asked, "engine": engine or {}}


def test_a_name_is_reserved_once_and_says_that_the_job_runs(tmp_path):
    target = tmp_path / "x.wav"
    sidecar.reserve(target, {"id": "j"})
    assert sidecar.read(target) == {"audio": {"file": "x.wav"}, "id": "j", "state": sidecar.RUNNING}
    with pytest.raises(FileExistsError):
        sidecar.reserve(target, {"id": "other"})
    assert sidecar.belongs_to(target, "j") and not sidecar.belongs_to(target, "other")


def test_an_ended_result_has_its_audio_its_origin_and_the_hash_of_its_midi_file(tmp_path):
    target = tmp_path / "x.wav"
    sidecar.write(target, Audio(), entries(bpm=120.0))
    contents, midi = sidecar.read(target), tmp_path / "x.mid"
    assert contents["audio"] == {"file": "x.wav", "samplerate": 48_000, "channels": 2, "frames": 96_000, "duration_s": 2.0}
    assert contents["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    assert contents["midi"] == {"file": "x.mid", "sha256": sidecar.sha256(midi)}
    assert sidecar.files_beside(target, "j") == [tmp_path / "x.json", midi] and sidecar.files_beside(target, "other") == []
    midi.write_bytes(b"changed by its user")
    assert sidecar.files_beside(target, "j") == [tmp_path / "x.json"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.json", "x.mid"]  # no part is left


def test_a_file_with_a_recording_in_it_is_composite(tmp_path):
    for join, kind in (("append", "compositeWithTrainedAlgorithmicMedia"), ("new", "trainedAlgorithmicMedia")):
        target = tmp_path / f"{join}.wav"
        sidecar.write(target, Audio(), entries(clip="/loops/riff.wav", join=join))
        assert sidecar.read(target)["digital_source_type"].endswith("/" + kind)


def test_a_variation_names_the_seed_that_makes_it_alone_and_all_files():
    asked = entries(seed=7, variations=2)
    files = [Path("x.1.wav"), Path("x.2.wav")]
    assert sidecar.of_variation(asked, 2, files)["variation"] == {"number": 2, "seed": 8, "files": ["x.1.wav", "x.2.wav"]}
    assert sidecar.of_variation(asked, 1, files[:1]) == asked


@pytest.mark.parametrize("content", ["", "{", "[1]", "3"])
def test_what_is_no_sidecar_is_empty_and_what_is_not_there_none(tmp_path, content):
    assert sidecar.read(tmp_path / "x.wav") is None and not sidecar.belongs_to(tmp_path / "x.wav", "j")
    (tmp_path / "x.json").write_text(content)
    assert sidecar.read(tmp_path / "x.wav") == {}
    assert sidecar.belongs_to(tmp_path / "x.wav", "j") == (content == "")  # its job had no time to say anything


def test_an_end_takes_no_more_room_than_there_is(tmp_path):
    """On a full disk: what was reserved is enough for the end, of a long request too."""
    target = tmp_path / "x.wav"
    sidecar.reserve(target, {"id": "j"})
    size = sidecar.path_of(target).stat().st_size
    for prompt, is_there in (("dub", True), ("dub " * 500, False)):
        sidecar.write_end_in_place(target, Audio(), entries(prompt=prompt))
        contents = sidecar.read(target)
        assert (contents["state"], contents["failure"], contents["id"]) == ("failed", {"code": "output"}, "j")
        assert ("request" in contents) == is_there and sidecar.path_of(target).stat().st_size == size
    sidecar.write_end_in_place(tmp_path / "gone.wav", Audio(), entries())  # what cannot be done is left


@pytest.mark.parametrize(
    ("facts", "asked", "bpm"),
    [
        ({"grid_bpm": 124.0, "bpm": 123.7}, {"bpm": 120.0}, 124.0),
        ({"bpm": 123.7}, {"bpm": 120.0}, 120.0),
        ({"bpm": 123.7}, {}, 123.7),
        ({"bpm": 0.0}, {}, None),
    ],
)
def test_the_tempo_is_the_grids_else_what_was_asked_else_measured(facts, asked, bpm):
    assert sidecar.tempo_of(entries(engine=facts, **asked)) == bpm


def test_the_join_and_the_exit_are_of_a_clip_in_the_file():
    region = {"from_s": 2.0, "to_s": 4.0, "clip_s": 8.0}
    inside = entries(engine=region, clip="riff.wav", join="append", from_s=2.0, to_s=4.0)
    assert (sidecar.join_of(inside), sidecar.exit_of(inside)) == (2.0, 4.0)
    at_the_end = entries(engine=region | {"to_s": 8.0}, clip="riff.wav", join="append")
    assert (sidecar.join_of(at_the_end), sidecar.exit_of(at_the_end)) == (2.0, None)
    alone = entries(engine=region, clip="riff.wav", join="new")
    assert (sidecar.join_of(alone), sidecar.exit_of(alone)) == (None, None)


def test_sections_begin_on_their_bars_after_the_clip():
    piece = entries(arrangement="intro:1 drop:2", bpm=120.0)
    assert sidecar.sections_of(piece) == [(0.0, "intro"), (2.0, "drop")]
    after = entries(engine={"from_s": 3.0, "bpm": 120.0}, arrangement="intro:1 drop:2", clip="riff.wav", join="append")
    assert sidecar.sections_of(after) == [(0.0, "clip"), (3.0, "intro"), (5.0, "drop")]
    assert sidecar.sections_of(entries()) == sidecar.sections_of({"request": {"tempo": 3}}) == sidecar.sections_of({}) == []


def test_a_sidecar_is_replaced_whole_and_a_link_beside_it_is_not_followed(tmp_path):
    target, other = tmp_path / "x.wav", tmp_path / "other"
    other.write_text("not ours")
    (tmp_path / "x.part.json").symlink_to(other)
    sidecar.write(target, Audio(), entries())
    assert other.read_text() == "not ours" and json.loads((tmp_path / "x.json").read_text())["id"] == "j"
