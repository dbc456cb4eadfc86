"""What a DAW reads in a result beside its samples, as libsndfile reads it: a parser that is not ours."""

from __future__ import annotations

import json
import re
import wave
from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np
import pytest
import soundfile
from soundfile import _ffi, _snd

from bridge.results.recording import Recording
from engine.api import AudioChunk, GenerationRequest

RATE = 48_000
SFC_GET_CUE, SFC_GET_INSTRUMENT, SFC_GET_LOOP_INFO, SFC_GET_BROADCAST_INFO = 0x10CE, 0x10D0, 0x10E0, 0x10F0
SF_LOOP_FORWARD = 801

BROADCAST = np.dtype([
    ("description", "S256"), ("originator", "S32"), ("reference", "S32"), ("date", "S10"), ("time", "S8"),
    ("time_low", "u4"), ("time_high", "u4"), ("version", "i2"), ("umid", "S64"), ("loudness", "i2", 5), ("reserved", "S180"),
    ("history_size", "u4"), ("history", "S512"),
], align=True)  # fmt: skip
ACID = np.dtype([("numerator", "i2"), ("denominator", "i2"), ("mode", "i4"), ("beats", "i4"), ("bpm", "f4"), ("root", "i4"),
                 ("future", "i4", 6)], align=True)  # fmt: skip
LOOP = np.dtype([("mode", "i4"), ("start", "u4"), ("end", "u4"), ("count", "u4")])
INSTRUMENT = np.dtype([("gain", "i4"), ("note", "i1"), ("detune", "i1"), ("range", "i1", 4), ("loops", "i4"), ("loop", LOOP, 16)],
                      align=True)  # fmt: skip
CUE = np.dtype([("id", "i4"), ("position", "u4"), ("chunk", "i4"), ("start", "i4"), ("block", "i4"), ("offset", "u4"),
                ("name", "S256")])  # fmt: skip
CUES = np.dtype([("count", "u4"), ("points", CUE, 100)])


def read(path, command: int, layout: np.dtype):
    """What libsndfile finds; None where there is nothing."""
    value = np.zeros((), layout)
    with soundfile.SoundFile(path) as file:
        found = _snd.sf_command(file._file, command, _ffi.from_buffer(value), value.nbytes)
    return value if found else None


def make(folder, request: GenerationRequest, seconds: float, **facts):
    """A result as the daemon makes it."""
    recording = Recording(folder, request)
    sidecar = {"id": "j", "request": asdict(request)}
    recording.open(sidecar)
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * RATE), 2)).astype(np.float32)
    for variation in range(1, request.variations + 1):
        for index, start in enumerate(range(0, len(audio), 30_001)):
            recording.write(AudioChunk(index, start, RATE, audio[start : start + 30_001], variation))
    facts = {"model": "sketch", "weights": "0123456789abcdef0123", "seed": request.seed} | facts
    path = recording.finish(sidecar | {"state": "done", "engine": facts})
    captured, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(captured, audio, atol=2**-23)  # and not a sample is touched by what stands beside them
    return path


def test_a_loop_has_its_tempo_key_and_loop_points(tmp_path):
    path = make(tmp_path, GenerationRequest("dub", bars=2, bpm=120.0, key="F# minor", seed=7), 4.0)
    acid = read(path, SFC_GET_LOOP_INFO, ACID)
    assert (acid["numerator"], acid["denominator"], acid["beats"], acid["bpm"], acid["root"]) == (4, 4, 8, 120.0, 66)
    smpl = read(path, SFC_GET_INSTRUMENT, INSTRUMENT)
    loop = smpl["loop"][0]
    assert (smpl["note"], smpl["loops"], loop["mode"], loop["start"]) == (66, 1, SF_LOOP_FORWARD, 0)
    assert loop["end"] in (4 * RATE - 1, 4 * RATE)  # libsndfile counts one past the last sample
    assert read(path, SFC_GET_CUE, CUES) is None


def test_a_tempo_that_was_measured_stands_in_the_file(tmp_path):
    path = make(tmp_path, GenerationRequest("dub", seed=7), 3.0, bpm=97.5, key="A minor")
    acid = read(path, SFC_GET_LOOP_INFO, ACID)
    assert (acid["bpm"], acid["beats"], acid["root"]) == (97.5, 5, 69)
    assert read(path, SFC_GET_INSTRUMENT, INSTRUMENT) is None  # no bars, no loop
    assert read(make(tmp_path, GenerationRequest("rain", seed=7), 1.0), SFC_GET_LOOP_INFO, ACID) is None


def test_a_join_is_marked(tmp_path):
    path = make(tmp_path, GenerationRequest(clip="loop.wav", bpm=120.0, bars=1, seed=7), 5.0, from_s=3.0)
    cues = read(path, SFC_GET_CUE, CUES)
    points = cues["points"][: int(cues["count"])]
    assert [(int(p["offset"]), bytes(p["name"]).split(b"\0")[0]) for p in points] == [(0, b"clip"), (3 * RATE, b"generated")]
    assert read(path, SFC_GET_INSTRUMENT, INSTRUMENT)["loop"][0]["start"] == 3 * RATE
    reported = json.loads(path.with_suffix(".json").read_text())
    assert reported["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")


def test_it_says_when_where_and_by_what_it_was_generated(tmp_path):
    request = GenerationRequest("dub & Straße", seed=7, time_start_s=3_599.25, model="sketch")
    path = make(tmp_path, request, 1.0)
    bext = read(path, SFC_GET_BROADCAST_INFO, BROADCAST)
    assert bext["originator"] == b"inspire" and bext["version"] == 1
    assert int(bext["time_low"]) + 2**32 * int(bext["time_high"]) == round(3_599.25 * RATE)
    made = datetime.fromisoformat(f"{bytes(bext['date']).decode()}T{bytes(bext['time']).decode()}")
    assert abs(datetime.now() - made) < timedelta(minutes=5)
    history = bytes(bext["history"]).decode()
    assert history.startswith("A=PCM,F=48000,W=24,M=stereo,T=inspire; ")
    assert "trainedAlgorithmicMedia" in history and "model=sketch" in history and "seed=7" in history
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.software) == ("dub & Straße", "inspire")
        assert all(word in file.comment for word in ("trainedAlgorithmicMedia", "seed=7", "weights=0123456789abcdef"))
    ixml = re.search(rb"<\?xml.*</BWFXML>", path.read_bytes())[0].decode()
    assert "<SEED>7</SEED>" in ixml and "<MODEL>sketch</MODEL>" in ixml and "<TAPE>dub &amp; Straße</TAPE>" in ixml
    reported = json.loads(path.with_suffix(".json").read_text())
    assert reported["digital_source_type"].endswith("/trainedAlgorithmicMedia")


def test_each_variation_names_its_own_seed(tmp_path):
    make(tmp_path, GenerationRequest("dub", seed=7, variations=2), 1.0)
    for number in (1, 2):
        path = tmp_path / f"dub.{number}.wav"
        history = bytes(read(path, SFC_GET_BROADCAST_INFO, BROADCAST)["history"])
        with soundfile.SoundFile(path) as file:
            assert f"seed={6 + number}" in file.comment and f"seed={6 + number}".encode() in history


@pytest.mark.parametrize("frames", [1, 30_001])
def test_odd_lengths_are_padded(tmp_path, frames):
    recording = Recording(tmp_path, GenerationRequest("dub", seed=7))
    recording.open()
    recording.write(AudioChunk(0, 0, RATE, np.zeros((frames, 1), np.float32)))
    path = recording.finish({"id": "j", "engine": {}})
    data = path.read_bytes()
    assert len(data) % 2 == 0 and int.from_bytes(data[4:8], "little") == len(data) - 8
    with wave.open(str(path)) as file:
        assert file.getnframes() == frames
    with soundfile.SoundFile(path) as file:
        assert file.software == "inspire"


@pytest.mark.parametrize("bpm", [124.0, 127.0, 133.7])
def test_a_loop_keeps_the_grid_of_its_file_for_sixteen_rounds(tmp_path, bpm):
    """At 127 bpm eight beats are no whole number of samples. Played round at the tempo of its acid chunk it is on the grid."""
    path = make(tmp_path, GenerationRequest("dub", bars=2, bpm=bpm, seed=7, loop=True), 8 * 60 / bpm)
    acid, frames = read(path, SFC_GET_LOOP_INFO, ACID), soundfile.info(path).frames
    assert frames == round(8 * 60 / bpm * RATE) and acid["beats"] == 8
    assert abs(16 * frames - 16 * 8 * 60 / float(acid["bpm"]) * RATE) < 1
    assert float(acid["bpm"]) == pytest.approx(bpm, rel=1e-5)
    loop = read(path, SFC_GET_INSTRUMENT, INSTRUMENT)["loop"][0]
    assert loop["start"] == 0 and loop["end"] in (frames - 1, frames)
