"""Results on disk: playable at any moment, never overwritten, described by a sidecar and a MIDI file."""

from __future__ import annotations

import errno
import json
import os
import resource
from dataclasses import asdict

import numpy as np
import pytest
import soundfile

from bridge.errors import OutputError
from bridge.results import paths, sidecar
from bridge.results.recording import Recording
from bridge.results.salvage import salvage
from engine.api import AudioChunk, GenerationRequest

RATE = 48_000


def noise(frames: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


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


def test_the_sidecar_describes_the_whole_job(tmp_path):
    result = record(tmp_path, GenerationRequest("dub"), frames=480).finish({"id": "job1", "state": "done"})
    entries = json.loads(result.with_suffix(".json").read_text())
    assert entries["audio"] == {"file": "dub.wav", "samplerate": RATE, "channels": 1, "frames": 480, "duration_s": 0.01}
    assert (entries["id"], entries["state"]) == ("job1", "done")


# ---- the MIDI file beside it


def sidecar_of(request: GenerationRequest, **facts) -> dict:
    return {"id": "job1", "state": "done", "request": asdict(request), "engine": facts}


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
