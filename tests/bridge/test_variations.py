"""Several variations of one request: one job, one end, a file with a sidecar for each; and sketches, which are made of them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.osc import spec
from bridge.osc.replies import Ack, Cancelled, Chunk, Done, Entry, Fail, Queued, paths_of
from tests import fake_engine
from tests.bridge.conftest import RawClient, wait_for


def wavs(folder: Path, stem: str) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{stem}*.wav"))


def sidecar_of(path: str) -> dict:
    return json.loads(Path(path).with_suffix(".json").read_text())


def test_each_is_streamed_and_kept_under_one_job(daemon, raw):
    raw.send("/inspire/generate", "k", "tune", "duration_s", 1, "variations", 3, "seed", 7, "path", "take")
    *reported, end = raw.until_end()
    chunks = [reply for reply in reported if isinstance(reply, Chunk)]
    for number in (1, 2, 3):
        own = [chunk for chunk in chunks if chunk.pairs["variation"] == number]
        assert [chunk.index for chunk in own] == [0, 1, 2, 3] and [chunk.start_s for chunk in own] == [0, 0.25, 0.5, 0.75]
        assert {Path(chunk.path).name for chunk in own} == {f"take.{number}.wav"}
    assert isinstance(end, Done) and end.pairs["seed"] == 7
    assert [Path(path).name for path in paths_of(end)] == ["take.1.wav", "take.2.wav", "take.3.wav"]
    for number, path in enumerate(paths_of(end), 1):
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        np.testing.assert_allclose(audio, fake_engine.tone(48_000, rate) / number, atol=1e-6)
        sidecar = sidecar_of(path)
        assert sidecar["audio"]["file"] == Path(path).name and sidecar["id"] == "k"
        assert sidecar["variation"] == {"number": number, "seed": 6 + number, "files": ["take.1.wav", "take.2.wav", "take.3.wav"]}
        assert sidecar["engine"]["seed"] == 6 + number and sidecar["request"]["seed"] == 7
    raw.send("/inspire/generate", "k", "tune", "duration_s", 1, "variations", 3, "seed", 7, "path", "take")
    assert raw.until_end() == [Ack("k"), end]


def test_one_alone_is_what_it_always_was(raw):
    raw.send("/inspire/generate", "one", "tune", "duration_s", 0.5, "variations", 1, "path", "alone")
    *reported, end = raw.until_end()
    assert Path(end.path).name == "alone.wav" and "others" not in end.pairs and "variation" not in sidecar_of(end.path)
    assert all(chunk.pairs == {} for chunk in reported if isinstance(chunk, Chunk))


def test_cancel_keeps_all_that_was_made(raw):
    raw.send("/inspire/generate", "c", "slow tune", "duration_s", 30, "variations", 2, "path", "cut")
    while not (isinstance(reply := raw.receive(), Chunk) and reply.pairs["variation"] == 2):
        assert reply is not None
    raw.send("/inspire/cancel", "stop", "job", "c")
    end = raw.until_end()[-1]
    assert isinstance(end, Cancelled) and len(paths_of(end)) == 2
    for path in paths_of(end):
        assert soundfile.info(path).duration >= 0.25 and sidecar_of(path)["state"] == "cancelled"


def test_names_are_free_for_all_of_them(daemon, raw):
    daemon.folder.mkdir(exist_ok=True)
    (daemon.folder / "mine.2.wav").write_bytes(b"someone else's")
    raw.send("/inspire/generate", "n", "tune", "duration_s", 0.5, "variations", 2, "path", "mine")
    assert [Path(path).name for path in paths_of(raw.until_end()[-1])] == ["mine-2.1.wav", "mine-2.2.wav"]
    assert wavs(daemon.folder, "mine") == ["mine-2.1.wav", "mine-2.2.wav", "mine.2.wav"]


def test_again_history_and_delete_know_them_all(daemon, raw):
    raw.send("/inspire/generate", "h", "rare tune", "duration_s", 0.5, "variations", 2, "path", "rare")
    first = raw.until_end()[-1]
    raw.send("/inspire/again", "h2", "h")
    second = raw.until_end()[-1]
    assert [Path(a).read_bytes() for a in paths_of(first)] == [Path(b).read_bytes() for b in paths_of(second)]
    with daemon.client() as client:
        _, entries = client.history(words="rare")
        assert [paths_of(entry) for entry in entries] == [paths_of(second), paths_of(first)]
        assert isinstance(client.delete("h"), Ack)
    assert wavs(daemon.folder, "rare") == ["rare-2.1.wav", "rare-2.2.wav"]
    deleted = daemon.folder / "Deleted"
    assert wavs(deleted, "rare") == ["rare.1.wav", "rare.2.wav"] and len(list(deleted.glob("rare*.json"))) == 2


def test_a_kill_loses_none(start_daemon):
    daemon = start_daemon()
    client = RawClient(daemon.port)
    client.send("/inspire/generate", "x", "slow tune", "duration_s", 30, "variations", 2, "seed", 5, "path", "cut")
    while not (isinstance(reply := client.receive(), Chunk) and reply.pairs["variation"] == 2):
        assert reply is not None
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.process.wait()
    client.close()
    daemon.state_file.unlink()
    daemon.__init__(daemon.home)
    client = RawClient(daemon.port)
    client.send("/inspire/status", "s", "job", "x")
    assert client.receive().state == "interrupted"
    with daemon.client() as asking:
        _, (entry,) = asking.history()
        assert [Path(path).name for path in paths_of(entry)] == ["cut.1.wav", "cut.2.wav"]
        for number, path in enumerate(paths_of(entry), 1):
            assert soundfile.info(path).duration >= 0.25
            assert sidecar_of(path)["state"] == "interrupted" and sidecar_of(path)["variation"]["seed"] == 4 + number
        asking.delete("x")
    assert wavs(daemon.folder, "cut") == []
    client.close()


def test_the_cap_counts_and_removes_them_all(start_daemon):
    daemon = start_daemon(results_cap_gb=0.0004)  # two seconds and a half; one take of both is 288 kB
    with daemon.client() as client:
        for name in ("old", "new"):
            end = list(client.generate("tune", duration_s=1, variations=2, path=name))[-1]
            assert isinstance(end, Done)
        wait_for(lambda: not wavs(daemon.folder, "old"))
        assert wavs(daemon.folder, "new") == ["new.1.wav", "new.2.wav"] and not list(daemon.folder.glob("old*"))


# ---- sketches


@pytest.mark.parametrize(
    ("pairs", "count", "seconds"),
    [
        ((), spec.SKETCHES, spec.SKETCH_S),
        (("bpm", 120), spec.SKETCHES, spec.SKETCH_BARS * 2),
        (("preset", "Funk"), spec.SKETCHES, None),
        (("duration_s", 1, "variations", 2), 2, 1.0),
        (("preset", "Funk", "bars", 1, "bpm", 120, "variations", 1), 1, 2.0),
    ],
)
def test_a_sketch_is_short_and_there_are_several(raw, pairs, count, seconds):
    raw.send("/inspire/sketch", "s" + "".join(map(str, pairs)), "tune", *pairs)
    end = raw.until_end()[-1]
    assert isinstance(end, Done) and len(paths_of(end)) == count
    request = sidecar_of(end.path)["request"]
    seconds = seconds or spec.SKETCH_BARS * request["beats_per_bar"] * 60 / request["bpm"]
    assert end.duration_s == pytest.approx(seconds, abs=1e-4)


def test_a_sketch_of_nothing_is_rejected(raw):
    raw.send("/inspire/sketch", "nothing", "")
    (end,) = raw.until_end()
    assert isinstance(end, Fail) and end.code == "bad_request" and "prompt is empty" in end.message
    raw.send("/inspire/sketch", "lost", "", "preset", "lost")
    assert raw.until_end()[-1].code == "no_such_preset"


# ---- what runs and waits


def test_jobs_lists_what_runs_and_waits(daemon, raw):
    raw.send("/inspire/generate", "runs", "slow tune", "duration_s", 60)
    while not isinstance(raw.receive(), Chunk):
        pass
    for id in ("next", "last"):
        raw.send("/inspire/generate", id, "tune", "duration_s", 0.5)
    while not isinstance(reply := raw.receive(), Queued) or reply.id != "last":
        assert reply is not None
    with daemon.client() as client:
        found, entries = client.jobs()
        assert (found.count, found.shown) == (3, 3)
        assert [(entry.index, entry.job, entry.state) for entry in entries] == [
            (0, "runs", "running"), (1, "next", "queued"), (2, "last", "queued"),
        ]  # fmt: skip
        assert entries[0].pairs["duration_s"] > 0 and entries[1].pairs["prompt"] == "tune" and isinstance(entries[0], Entry)
        assert [entry.job for entry in client.jobs(offset=1, limit=1)[1]] == ["next"]
        for id in ("last", "next", "runs"):
            client.cancel(id)
        wait_for(lambda: client.jobs()[0].count == 0)


def test_how_it_keeps_its_grid_is_reported_and_with_which_seed(raw):
    """Made again, it has another seed than was asked for: done, sidecars and tags tell that one; again asks with the first."""
    raw.send("/inspire/generate", "r", "rolled tune", "bars", 1, "bpm", 124.0, "grid", 1, "variations", 2, "seed", 7)
    *_, end = raw.until_end()
    assert isinstance(end, Done) and end.pairs["seed"] == 9
    reported = {name: pytest.approx(end.pairs[name]) for name in ("bpm_measured", "downbeat_ms", "grid_confidence", "rolls")}
    assert reported == {"bpm_measured": 124.0, "downbeat_ms": 3.2, "grid_confidence": 0.8, "rolls": 2}
    for path, seed in zip(paths_of(end), (9, 10), strict=True):
        sidecar = sidecar_of(path)
        assert sidecar["engine"]["seed"] == sidecar["variation"]["seed"] == seed and sidecar["engine"]["rolls"] == 2
        assert sidecar["request"]["seed"] == 7 and f"<SEED>{seed}</SEED>".encode() in Path(path).read_bytes()
    raw.send("/inspire/again", "r2", "r")
    *_, end = raw.until_end()
    assert isinstance(end, Done) and end.pairs["seed"] == 9
