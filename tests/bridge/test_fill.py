"""Fill over OSC and from the command line, with the real engine at tiny size: regions, whole files, sections of a piece."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from bridge.osc.replies import Chunk, Done, Fail
from tests import synthetic
from tests.bridge.conftest import ROOT, RunningDaemon, serving
from tests.bridge.test_arrange import markers
from tests.tiny_model import write_tiny_model

RATE = 44_100
FAST_RATE = 24_000  # of the fast path
BAR = 2 * FAST_RATE  # of 120 bpm
ARRANGED = {"bpm": 120.0, "decode": "fast", "seed": 3}


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Iterator[RunningDaemon]:
    model = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    with serving(tmp_path_factory.mktemp("real"), engine="engine.pipeline:create_engine", model=model) as daemon:
        daemon.model = str(model)
        yield daemon


def recorded(path: Path, subtype: str = "PCM_24") -> Path:
    drums = synthetic.clicks(120, 10.0, rate=RATE)
    soundfile.write(path, np.stack([0.5 * drums, 0.4 * drums], axis=1), RATE, subtype=subtype)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return recorded(tmp_path_factory.mktemp("clips") / "drums.wav")


def fill(daemon: RunningDaemon, clip: Path, *region: float, **pairs):
    with daemon.client() as client:
        return list(
            client.fill(str(clip), *region, **{"model": daemon.model, "decode": "fast", "candidates": 2, "seed": 1, **pairs})
        )


def reported(path: str) -> dict:
    return json.loads(Path(path).with_suffix(".json").read_text())


def test_the_region_alone_is_as_long_as_what_it_replaces(real, clip):
    replies = fill(real, clip, 4.0, 6.5)
    done = replies[-1]
    assert isinstance(done, Done), done
    info = soundfile.info(done.path)
    assert (info.frames, info.samplerate, info.channels) == (round(2.5 * RATE), RATE, 2)
    assert Path(done.path).name == "drums-filled.wav" and any(isinstance(reply, Chunk) for reply in replies)
    engine = reported(done.path)["engine"]
    scores = [candidate["score"] for candidate in engine["candidates"]]
    assert len(scores) == 2 and scores == sorted(scores, reverse=True) and (engine["from_s"], engine["to_s"]) == (4.0, 6.5)


@pytest.mark.parametrize(("subtype", "dtype"), [("PCM_16", "int16"), ("PCM_32", "int32"), ("FLOAT", "float32")])
def test_the_whole_file_is_bit_equal_around_the_region(real, tmp_path, subtype, dtype):
    source = recorded(tmp_path / "song.wav", subtype)
    done = fill(real, source, 4.0, 6.5, join="append")[-1]
    assert isinstance(done, Done), done
    before, after = (soundfile.read(path, dtype=dtype)[0] for path in (source, done.path))
    begin, end = 4 * RATE, round(6.5 * RATE)
    assert soundfile.info(done.path).subtype == subtype and len(after) == len(before)
    np.testing.assert_array_equal(after[:begin], before[:begin])
    np.testing.assert_array_equal(after[end:], before[end:])
    assert not np.array_equal(after[begin:end], before[begin:end]) and done.duration_s == pytest.approx(10.0)
    assert reported(done.path)["digital_source_type"].endswith("compositeWithTrainedAlgorithmicMedia")


def test_a_file_of_six_channels_keeps_them(real, tmp_path):
    drums, source = synthetic.clicks(120, 6.0, rate=RATE), tmp_path / "surround.wav"
    soundfile.write(source, drums[:, None] * [0.5, 0.4, 0.3, 0.2, 0.1, 0.1], RATE, subtype="PCM_24")
    done = fill(real, source, 3.0, 4.0, join="append")[-1]
    assert isinstance(done, Done), done
    before, after = (soundfile.read(path, dtype="int32")[0] for path in (source, done.path))
    assert after.shape == before.shape and reported(done.path)["audio"]["channels"] == 6
    changed = (after != before).any(1)
    assert not changed[: 3 * RATE].any() and not changed[4 * RATE :].any() and changed[3 * RATE : 4 * RATE].any()


def test_what_a_fill_plays_is_transcribed_where_it_stands_in_the_clip(real, clip):
    done = fill(real, clip, 4.0, 8.0, join="append", midi=1, bpm=120.0)[-1]
    assert isinstance(done, Done) and "drums" in done.pairs["midi_tracks"], done
    (drums,) = [track for track in mido.MidiFile(Path(done.path).with_suffix(".mid")).tracks if track.name == "drums"]
    ticks = np.cumsum([message.time for message in drums])
    struck_s = [tick / 1920 for tick, message in zip(ticks, drums, strict=True) if message.type == "note_on"]  # 960 to a beat
    assert len(struck_s) >= 4 and min(struck_s) >= 3.9 and max(struck_s) < 8.0


def test_runners_up_are_files_beside_the_best(real, clip):
    done = fill(real, clip, 4.0, 5.0, variations=2, candidates=3)[-1]
    assert isinstance(done, Done) and done.pairs["others"] == Path(done.path).name.replace(".1.", ".2.")
    first = reported(done.path)
    second = reported(str(Path(done.path).with_name(done.pairs["others"])))
    ranked = [candidate["seed"] for candidate in first["engine"]["candidates"]]
    assert [first["variation"]["seed"], second["variation"]["seed"]] == ranked[:2]


def test_bars_and_a_preset_that_says_how_long(real, clip):
    done = fill(real, clip, 0, 0, start_bar=3, end_bar=4, bpm=120.0, preset="Guitar rock")[-1]
    assert isinstance(done, Done), done
    assert soundfile.info(done.path).frames == 2 * RATE and reported(done.path)["engine"]["from_s"] == 4.0


@pytest.mark.parametrize(
    ("region", "pairs", "code", "message"),
    [
        ((12.0, 14.0), {}, "bad_clip", "lies outside of drums.wav"),
        ((6.0, 4.0), {}, "bad_request", "its end must come after its beginning"),
        ((4.0, 4.01), {}, "bad_request", "0.05 to 480 s are allowed"),
        ((4.0, 6.0), {"start_bar": 1, "end_bar": 2}, "bad_request", "in seconds and in bars"),
        ((4.0, 6.0), {"candidates": 1, "variations": 2}, "bad_request", "at most as many as there are candidates"),
        ((4.0, 6.0), {"candidates": 17}, "bad_value", "candidates"),
    ],
)
def test_what_cannot_be_filled_is_reported(real, clip, region, pairs, code, message):
    fail = fill(real, clip, *region, **pairs)[-1]
    assert isinstance(fail, Fail) and fail.code == code and message in fail.message


def test_the_command_line_gives_the_whole_file(real, clip):
    asked = [sys.executable, "-m", "bridge", "fill", str(clip), "4", "6", "--candidates", "2", "--no-play", "--decode", "fast"]
    asked += ["--model", real.model, "--json", "--port", str(real.port)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    path = json.loads(done.stdout.splitlines()[-1])["path"]
    assert soundfile.info(path).frames == 10 * RATE


def test_continue_from_a_bar_in_several_takes(real, clip):
    with real.client() as client:
        pairs = {"model": real.model, "decode": "fast", "from_bar": 3, "bpm": 120.0, "duration_s": 1.0, "variations": 3}
        done = list(client.continue_clip(str(clip), join="append", **pairs))[-1]
    assert isinstance(done, Done), done
    paths = [Path(done.path), *(Path(done.path).with_name(name) for name in done.pairs["others"].split("/"))]
    takes = [soundfile.read(path)[0] for path in paths]
    begin = round(4.0 * 24_000) - round(0.03 * 24_000)
    assert len({len(take) for take in takes}) == 1 and len(takes) == 3
    for take in takes[1:]:
        np.testing.assert_array_equal(take[:begin], takes[0][:begin])


@pytest.fixture(scope="module")
def riff(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("clips") / "riff.wav"
    soundfile.write(path, 0.5 * synthetic.clicks(120, 4.0, rate=FAST_RATE), FAST_RATE)
    return str(path)


def frames(path: str) -> np.ndarray:
    samples, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return samples


def test_a_piece_goes_on_from_a_clip_and_its_sections_can_be_made_anew(real, riff):
    """The clip stands before it, its first section begins where the clip ends; of a section there are takes to choose from."""
    with real.client() as client:
        whole = list(client.arrange("verse:1 drop:1", clip=riff, model=real.model, id="after", **ARRANGED))[-1]
        assert isinstance(whole, Done), whole
        assert markers(whole.path) == [(0, "clip"), (2 * BAR, "verse"), (3 * BAR, "drop")]
        before = frames(whole.path)
        assert len(before) == 4 * BAR
        clip = frames(riff)
        np.testing.assert_array_equal(before[:BAR] >> 8, clip[:BAR] >> 8)  # up to the join the clip as it is, in 24 bits
        anew = list(client.again("after", section="drop", variations=2, id="drops"))[-1]
        assert isinstance(anew, Done), anew
        takes = [anew.path, str(anew.path).replace(anew.path.rsplit("/", 1)[1], anew.pairs["others"])]
        for path in takes:
            after = frames(path)
            np.testing.assert_array_equal(after[: 3 * BAR], before[: 3 * BAR])
            assert len(after) == len(before) and (after[3 * BAR :] != before[3 * BAR :]).any()
            assert markers(path) == markers(whole.path)
        assert (frames(takes[0]) != frames(takes[1])).any()


def test_the_new_part_alone(real, riff):
    with real.client() as client:
        asked = {"clip": riff, "from_s": 3.0, "join": "new", "model": real.model, **ARRANGED}
        alone = list(client.arrange("verse:1 drop:1", id="alone", **asked))[-1]
        assert isinstance(alone, Done) and len(frames(alone.path)) == 2 * BAR
        assert isinstance(alone.pairs["join_click_db"], float)  # where it is placed behind its clip
        assert markers(alone.path) == [(0, "verse"), (BAR, "drop")]
        anew = list(client.again("alone", section="2"))[-1]
        assert isinstance(anew, Done)
        np.testing.assert_array_equal(frames(anew.path)[:BAR], frames(alone.path)[:BAR])
