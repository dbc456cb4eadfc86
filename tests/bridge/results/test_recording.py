"""Results on disk: playable at any moment, never overwritten, told in a sidecar and a MIDI file."""

from __future__ import annotations

import errno
import json
import os
import resource
import struct
from dataclasses import asdict

import mido
import numpy as np
import pytest
import soundfile

from bridge.errors import OutputError
from bridge.results import paths, removal, sidecar
from bridge.results.recording import Recording
from bridge.results.salvage import salvage
from bridge.results.wav import GrowingWav
from engine.api import AudioChunk, GenerationRequest

RATE = 48_000


def noise(frames: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_file_is_whole_after_every_write(tmp_path, channels):
    wav = GrowingWav(tmp_path / "a.wav", RATE, channels, bpm=124.0)
    written = np.zeros((0, channels), np.float32)
    for frames in (1, 2, 7, 4800, 3):  # odd counts of 24-bit mono need padding
        samples = noise(frames, channels, seed=frames)
        wav.write(samples)
        written = np.concatenate([written, samples])
        read, rate = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
        assert rate == RATE
        np.testing.assert_allclose(read, written, atol=2**-24)
    wav.close()
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.subtype, info.frames, info.channels) == ("PCM_24", 4813, channels)


def test_beyond_full_scale_is_clipped(tmp_path):
    wav = GrowingWav(tmp_path / "a.wav", RATE, 1)
    wav.write(np.array([[1.0], [-1.0], [3.0], [-3.0]], np.float32))
    wav.close()
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="int32")
    assert (read >> 8).tolist() == [2**23 - 1, -(2**23), 2**23 - 1, -(2**23)]


def test_tempo_and_place_stand_in_the_file(tmp_path):
    wav = GrowingWav(tmp_path / "a.wav", RATE, 1, description="dub", time_reference_frames=2**33, bpm=120.0, beats_per_bar=3)
    wav.write(noise(RATE * 3))
    wav.close()
    data = (tmp_path / "a.wav").read_bytes()
    bext = data[data.index(b"bext") + 8 :]
    assert bext[:3] == b"dub" and struct.unpack_from("<Q", bext, 338) == (2**33,)
    beats, _, numerator, tempo = struct.unpack_from("<IHHf", data, data.index(b"acid") + 8 + 12)
    assert (beats, numerator, tempo) == (6, 3, 120.0)


def test_a_full_disk_keeps_what_was_written(tmp_path):
    """The limit on a file's size stands in for the disk's end: a write that is cut short, then refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wav = GrowingWav(tmp_path / "a.wav", RATE, 1)
    wav.write(noise(1000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(OSError):
            wav.write(noise(1000, seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    wav.close()
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    np.testing.assert_allclose(read, noise(1000), atol=2**-24)


@pytest.mark.parametrize("words", [1, 300])
def test_a_disk_that_is_full_when_the_sidecar_is_written_leaves_no_job_running(tmp_path, words):
    """As above: what is there fits under the limit, the final sidecar does not."""
    recording = Recording(tmp_path, GenerationRequest("dub " * words), "a")
    asked = {"prompt": "dub " * words, "bpm": None}
    recording.open({"id": "j", "state": "running", "created": "2026-11-28", "request": asked})
    recording.write(AudioChunk(0, 0, RATE, noise(100)))
    reported = tmp_path / "a.json"
    size = reported.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(size, 1600), hard))
    try:
        with pytest.raises(OutputError, match="larger than the system allows"):
            recording.finish({"id": "j", "state": "done", "request": asked, "engine": {"notes": ["note"] * 1000}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert reported.stat().st_size == size  # a full disk has no more room
    entries = json.loads(reported.read_text())
    assert (entries["id"], entries["state"], entries["failure"]["code"]) == ("j", "failed", "output")
    if words > 1:
        assert entries["audio"]["frames"] == 100 and entries["request"] == asked
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["a.json", "a.wav"]
    assert soundfile.info(tmp_path / "a.wav").frames == 100


def record(folder, request: GenerationRequest, path: str | None = None, frames: int = 100) -> Recording:
    recording = Recording(folder, request, path)
    recording.open()
    if frames:
        recording.write(AudioChunk(0, 0, RATE, noise(frames)))
    return recording


def test_names_come_from_the_prompt_and_never_collide(tmp_path):
    request = GenerationRequest("Dub Techno, 124 bpm – “tiefé”!")
    two = [record(tmp_path, request) for _ in range(2)]  # at the same time
    names = [recording.finish({}).name for recording in two]
    names.append(record(tmp_path, request).finish({}).name)
    assert names == [f"dub-techno-124-bpm-tiefe{n}.wav" for n in ("", "-2", "-3")]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, *(n.replace(".wav", ".json") for n in names)])


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (GenerationRequest("音楽"), "untitled.wav"),
        (GenerationRequest("../../etc/passwd"), "etc-passwd.wav"),
        (GenerationRequest("x" * 4000), "x" * 60 + ".wav"),
        (GenerationRequest(clip="/loops/Amen Break.flac"), "amen-break-continued.wav"),
    ],
)
def test_any_prompt_makes_a_name(tmp_path, request_, name):
    assert record(tmp_path, request_).finish({}).name == name


def test_the_users_own_files_are_not_touched(tmp_path):
    (tmp_path / "dub.wav").write_text("mine")
    (tmp_path / "dub-2.json").write_text("mine")
    assert record(tmp_path, GenerationRequest("dub")).finish({}).name == "dub-3.wav"
    assert (tmp_path / "dub.wav").read_text() == "mine"


def test_a_given_path_stays_inside(tmp_path):
    assert record(tmp_path, GenerationRequest("x"), "takes/one").finish({}) == tmp_path / "takes" / "one.wav"
    (tmp_path / "link").symlink_to("/tmp")
    (tmp_path / "file.wav").symlink_to("/tmp/outside.wav")
    (tmp_path / "circle").symlink_to("circle")
    folders = ("..", ".", "takes/..", "link")
    for outside in ("../x.wav", "/tmp/x.wav", "link/x.wav", "file.wav", "takes/../../x", "circle/x", *folders):
        with pytest.raises(OutputError, match="outside"):
            Recording(tmp_path, GenerationRequest("x"), outside)


def test_a_link_made_while_the_job_waits_leads_nothing_outside(tmp_path):
    folder, elsewhere = tmp_path / "music", tmp_path / "elsewhere"
    (folder / "takes").mkdir(parents=True)
    elsewhere.mkdir()
    waiting = Recording(folder, GenerationRequest("x"), "takes/one")
    (folder / "takes").rmdir()
    (folder / "takes").symlink_to(elsewhere)
    with pytest.raises(OutputError, match="outside"):
        waiting.open()
    assert not [*elsewhere.iterdir()]


def test_links_among_results_are_left_alone(tmp_path):
    """Dangling ones too: what they lead to is not ours to make."""
    folder, elsewhere = tmp_path / "music", tmp_path / "elsewhere"
    folder.mkdir()
    for name in ("dub.wav", "dub-2.json", "dub-3.part.wav", "dub-4.part.json"):
        (folder / name).symlink_to(elsewhere)
    assert record(folder, GenerationRequest("dub")).finish({}).name == "dub-4.wav"
    assert not elsewhere.exists()


def test_the_sidecar_describes_the_whole_job(tmp_path):
    result = record(tmp_path, GenerationRequest("dub"), frames=480).finish({"id": "job1", "state": "done"})
    entries = json.loads(result.with_suffix(".json").read_text())
    assert entries["audio"] == {"file": "dub.wav", "samplerate": RATE, "channels": 1, "frames": 480, "duration_s": 0.01}
    assert (entries["id"], entries["state"]) == ("job1", "done")


# ---- the MIDI file beside it


def sidecar_of(request: GenerationRequest, **facts) -> dict:
    return {"id": "job1", "state": "done", "request": asdict(request), "engine": facts}


def timeline(file) -> list[tuple]:
    """(seconds, type, value) of everything in a MIDI file, as mido reads it."""
    now, reported = 0.0, []
    for message in mido.MidiFile(file):
        now += message.time
        value = {"set_tempo": "tempo", "time_signature": "numerator", "marker": "text"}.get(message.type)
        reported.append((round(now, 3), message.type, value and getattr(message, value)))
    return reported


@pytest.mark.parametrize(
    ("asked_bpm", "facts", "bpm"),
    [(124.0, {"grid_bpm": 123.98, "bpm": 62.0}, 123.98), (124.0, {"bpm": 62.0}, 124), (None, {"bpm": 97.3}, 97.3)],
)
def test_the_midi_file_has_tempo_metre_and_section(tmp_path, asked_bpm, facts, bpm):
    request = GenerationRequest("waltz", bpm=asked_bpm, beats_per_bar=3, section="chorus", duration_s=2)
    result = record(tmp_path, request, frames=2 * RATE).finish(sidecar_of(request, **facts))
    assert timeline(result.with_suffix(".mid")) == [
        (0, "set_tempo", mido.bpm2tempo(bpm)),
        (0, "time_signature", 3),
        (0, "marker", "chorus"),
        (2, "end_of_track", None),
    ]


def test_the_midi_file_marks_where_a_clip_is_joined(tmp_path):
    request = GenerationRequest(clip="loop.wav", bpm=120.0, bars=2)
    result = record(tmp_path, request, frames=7 * RATE).finish(sidecar_of(request, from_s=3.0))
    assert timeline(result.with_suffix(".mid"))[2:4] == [(0, "marker", "clip"), (3, "marker", "verse")]
    alone = GenerationRequest(clip="loop.wav", bpm=120.0, bars=2, join="new")
    result = record(tmp_path, alone, frames=4 * RATE).finish(sidecar_of(alone, from_s=3.0))
    assert timeline(result.with_suffix(".mid"))[2] == (0, "marker", "verse")


def test_without_a_tempo_there_is_no_midi_file(tmp_path):
    request = GenerationRequest("rain")
    result = record(tmp_path, request).finish(sidecar_of(request))
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".wav"]
    assert "midi" not in json.loads(result.with_suffix(".json").read_text())


@pytest.mark.parametrize("leave", [removal.move_away, removal.remove])
def test_the_midi_file_goes_where_its_result_goes_unless_it_was_changed(tmp_path, leave):
    request = GenerationRequest("dub", bpm=120.0)
    results = [record(tmp_path, request).finish(sidecar_of(request)) for _ in range(2)]
    results[1].with_suffix(".mid").write_bytes(b"mine now")
    for result in results:
        leave([result], "job1")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["dub-2.mid"]
    moved = sorted(p.name for p in (tmp_path / "Deleted").glob("*"))
    assert moved == (["dub-2.json", "dub-2.wav", "dub.json", "dub.mid", "dub.wav"] if leave is removal.move_away else [])


def test_the_users_own_midi_file_takes_its_name(tmp_path):
    (tmp_path / "dub.mid").write_bytes(b"mine")
    request = GenerationRequest("dub", bpm=120.0)
    assert record(tmp_path, request).finish(sidecar_of(request)).name == "dub-2.wav"
    assert (tmp_path / "dub.mid").read_bytes() == b"mine" and (tmp_path / "dub-2.mid").exists()


def unfinished(result, entries: dict) -> None:
    """As a daemon leaves it that is killed while the job runs."""
    sidecar.path_of(result).unlink()
    sidecar.reserve(result, entries)


@pytest.mark.parametrize("died_before", ["the sidecar", "the MIDI file", "its journal knew"])
def test_a_dead_daemons_midi_file_is_not_lost(tmp_path, died_before):
    request = GenerationRequest("dub", bpm=120.0)
    result = record(tmp_path, request).finish(sidecar_of(request))
    midi = result.with_suffix(".mid").read_bytes()
    if died_before != "its journal knew":
        result.with_suffix(".mid").unlink()
    if died_before == "the sidecar":
        unfinished(result, sidecar_of(request))
    path, duration_s, reported = salvage(result, sidecar_of(request) | {"state": "interrupted"})
    assert (path, duration_s) == (result, 100 / RATE)
    assert result.with_suffix(".mid").read_bytes() == midi
    assert reported["state"] == sidecar.read(result)["state"] == ("interrupted" if died_before == "the sidecar" else "done")


def test_what_a_failed_write_left_behind_is_cut_off(tmp_path):
    result = record(tmp_path, GenerationRequest("dub")).finish({})
    unfinished(result, {"id": "j"})
    whole = result.read_bytes()
    result.write_bytes(whole + b"half a write")
    assert salvage(result, {"id": "j", "state": "interrupted"})[:2] == (result, 100 / RATE)
    assert result.read_bytes() == whole


@pytest.mark.parametrize("theirs", ["another job's", "no sidecar", "their own sidecar"])
def test_what_is_not_the_jobs_is_not_mended(tmp_path, theirs):
    result = record(tmp_path, GenerationRequest("dub")).finish({"id": "other"})
    if theirs == "no sidecar":
        sidecar.path_of(result).unlink()
    if theirs == "their own sidecar":
        sidecar.path_of(result).write_text("[]")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert salvage(result, {"id": "j"})[0] is None
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_file_keeps_its_name_from_the_first_chunk_on_and_its_sidecar_says_that_it_grows(tmp_path):
    growing = Recording(tmp_path, GenerationRequest("dub"))
    growing.open({"id": "j"})
    assert [file.name for file in tmp_path.iterdir()] == ["dub.json"]  # nothing that a DAW could try to read
    for count in (1, 2, 3):
        growing.write(AudioChunk(count - 1, 0, RATE, noise(100)))
        assert soundfile.info(tmp_path / "dub.wav").frames == 100 * count
        assert sidecar.read(tmp_path / "dub.wav") == {"audio": {"file": "dub.wav"}, "id": "j", "state": "running"}
        assert sorted(file.name for file in tmp_path.iterdir()) == ["dub.json", "dub.wav"]
    with open(tmp_path / "dub.wav", "rb") as region:  # as a DAW holds it
        inode = os.fstat(region.fileno()).st_ino
        result = growing.finish({"id": "j", "state": "done"})
    assert result == tmp_path / "dub.wav" and result.stat().st_ino == inode
    assert sidecar.read(result)["state"] == "done"


def test_a_name_that_is_taken_before_the_first_chunk_is_left_to_who_took_it(tmp_path):
    growing = Recording(tmp_path, GenerationRequest("dub", variations=2), "dub")
    growing.open()
    assert growing.path == tmp_path / "dub.1.wav"
    (tmp_path / "dub.1.wav").write_text("mine")
    for variation in (1, 2):
        growing.write(AudioChunk(0, 0, RATE, noise(100), variation))
    assert growing.path == tmp_path / "dub-2.1.wav"
    growing.finish({"id": "j", "request": asdict(GenerationRequest("dub", seed=1))})
    assert (tmp_path / "dub.1.wav").read_text() == "mine"
    ours = [f"dub-2.{number}.{ending}" for number in (1, 2) for ending in ("json", "wav")]
    assert sorted(file.name for file in tmp_path.iterdir()) == [*ours, "dub.1.wav"]


def test_a_disk_without_links_takes_results_too(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    assert record(tmp_path, GenerationRequest("dub")).finish({}).name == "dub.wav"
    growing = Recording(tmp_path, GenerationRequest("dub"))
    growing.open()
    (tmp_path / "dub-2.wav").write_text("mine")
    growing.write(AudioChunk(0, 0, RATE, noise(100)))
    assert growing.finish({}).name == "dub-3.wav" and (tmp_path / "dub-2.wav").read_text() == "mine"


def test_the_name_is_known_before_it_is_taken(tmp_path):
    (tmp_path / "dub.wav").write_text("mine")
    waiting = Recording(tmp_path, GenerationRequest("dub"))
    likely = waiting.likely_path()
    assert likely == tmp_path / "dub-2.wav" and not paths.sidecar.path_of(likely).exists()
    waiting.open({"id": "j"})
    assert waiting.path == likely and paths.sidecar.path_of(likely).exists()
    assert salvage(likely, {"id": "j"})[0] is None  # killed before its first chunk
    assert [file.name for file in tmp_path.iterdir()] == ["dub.wav"]


@pytest.mark.parametrize("cut", [0, 10])
def test_a_daemon_killed_while_it_took_the_name_or_made_the_file_leaves_nothing(tmp_path, cut):
    sidecar.reserve(tmp_path / "dub.wav", {"id": "j"})
    if cut:
        (tmp_path / "dub.part.wav").write_bytes(bytes(cut))
    else:
        (tmp_path / "dub.json").write_bytes(b"")
    assert salvage(tmp_path / "dub.wav", {"id": "j"})[0] is None
    assert list(tmp_path.iterdir()) == []


def test_a_job_without_audio_leaves_nothing(tmp_path):
    assert record(tmp_path, GenerationRequest("dub"), frames=0).finish({}) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_deleted_meanwhile_is_said(tmp_path):
    recording = record(tmp_path, GenerationRequest("dub"))
    recording.path.unlink()
    with pytest.raises(OutputError, match="moved or deleted"):
        recording.finish({})


def test_a_folder_that_cannot_be_is_said_before_the_engine_works(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another output folder"):
        Recording(tmp_path / "file" / "music", GenerationRequest("dub")).open()


def test_a_name_that_was_never_reserved_is_not_removed(tmp_path):
    (tmp_path / "dub.wav").write_text("mine")
    assert Recording(tmp_path, GenerationRequest("dub")).finish({}) is None
    assert (tmp_path / "dub.wav").read_text() == "mine"


def test_a_name_too_long_for_the_disk_is_said(tmp_path):
    with pytest.raises(OutputError, match="too long"):
        Recording(tmp_path, GenerationRequest("dub"), "音" * 100).open()


def test_chords_that_were_estimated_are_a_track_of_the_midi_file(tmp_path):
    """From where the new audio begins: the clip before it was not listened to."""
    request = GenerationRequest(clip="loop.wav", bpm=120.0, bars=2, midi=True)
    recording = Recording(tmp_path, request)
    contents = {"id": "j", "request": asdict(request), "state": "done"}
    recording.open(contents)
    recording.write(AudioChunk(0, 0, RATE, np.zeros((6 * RATE, 1), np.float32)))
    path = recording.finish(contents | {"engine": {"from_s": 2.0, "chords": ["0.000 Am7", "2.000 -", "3.000 F"]}})
    file = mido.MidiFile(path.with_suffix(".mid"))
    assert [track.name for track in file.tracks] == ["", "chords"]
    now, found = 0.0, []
    for message in file.tracks[1]:
        now += mido.tick2second(message.time, file.ticks_per_beat, 500_000)
        if message.type in ("text", "note_on", "note_off", "end_of_track"):
            found.append((round(now, 6), message.type, getattr(message, "note", getattr(message, "text", None))))
    am7, f = (57, 60, 64, 67), (53, 57, 60)
    assert found == [
        (2.0, "text", "Am7"), *((2.0, "note_on", note) for note in am7), *((4.0, "note_off", note) for note in am7),
        (5.0, "text", "F"), *((5.0, "note_on", note) for note in f), *((6.0, "note_off", note) for note in f),
        (6.0, "end_of_track", None),
    ]  # fmt: skip
