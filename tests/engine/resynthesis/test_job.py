"""reconstruct and upsample through the real engine: length, channels, level, what stays as it was, what a model lacks."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr

from engine.api import ClipError, Finished, GenerationRequest, RequestError
from engine.checkpoints.published import PUBLISHED
from engine.evaluation.measures import log_mel_distance_db
from engine.music.level import rms_db_without_dc
from engine.resynthesis.bands import band_db
from tests.engine.conftest import run
from tests.released import write_released

LOOP = "tests/loops/compus.flac"


@pytest.fixture(scope="module")
def music():
    """Three seconds of a recorded loop, (frames, 2) at 48 kHz."""
    audio, rate = soundfile.read(LOOP, dtype="float32", always_2d=True)
    return soxr.resample(np.repeat(audio[: 3 * rate, :1], 2, axis=1) * np.float32([1, 0.5]), rate, 48_000)


@pytest.fixture(scope="module")
def clips(music, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    soundfile.write(folder / "full.wav", music, 48_000, subtype="FLOAT")
    soundfile.write(folder / "low.wav", soxr.resample(music, 48_000, 24_000), 24_000, subtype="FLOAT")
    soundfile.write(folder / "odd.wav", soxr.resample(music[:, 0], 48_000, 22_050)[:31_337], 22_050, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module", params=[name for name, one in PUBLISHED.items() if one.size == "0.5B"])
def released(request, tmp_path_factory):
    variant = PUBLISHED[request.param]
    return variant, str(write_released(tmp_path_factory.mktemp("released") / variant.name, variant))


def test_reconstruct_with_each_published_variant(engine, released, clips, music):
    variant, path = released
    decode = "full" if variant.has_flow else "fast"
    audio, end, _, progress = run(engine, path, task="reconstruct", clip=str(clips / "full.wav"), decode=decode, seed=1)
    assert end.samplerate == variant.samplerate and audio.shape == (len(music) * variant.samplerate // 48_000, 2)
    assert abs(rms_db_without_dc(audio) - rms_db_without_dc(music)) < 6
    assert [p.phase for p in progress][:2] == ["loading", "listening"] and progress[-1].done_s == progress[-1].total_s
    assert end.report.decode == decode and end.report.variations[0].clip_s == 3.0 and end.report.caption == ""
    fast, end, *_ = run(engine, path, task="reconstruct", clip=str(clips / "odd.wav"), decode="fast", seed=1)
    assert end.samplerate == 24_000 and fast.shape == (round(31_337 / 22_050 * 24_000), 1)


def test_upsample_with_each_published_variant(engine, released, clips, music):
    variant, path = released
    asked = {"task": "upsample", "clip": str(clips / "low.wav"), "seed": 1}
    if variant.samplerate < 48_000:
        lacks = "plays at 24000 Hz" if variant.has_flow else "has no flow matching"
        with pytest.raises(RequestError, match=f"{lacks}, so it cannot upsample: choose one that"):
            run(engine, path, **asked)
        return
    audio, end, *_ = run(engine, path, **asked)
    assert end.samplerate == 48_000 and audio.shape == music.shape
    low = soxr.resample(soundfile.read(clips / "low.wav", dtype="float32")[0], 24_000, 48_000, "VHQ")
    edge = end.report.variations[0].edge_hz
    assert 10_500 <= edge <= 12_000
    for ours, theirs in zip(audio.T, low.T, strict=True):  # below the edge it is the recording
        ours, theirs = (np.fft.rfft(one)[: round(0.9 * edge * 3)] for one in (ours, theirs))
        assert np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()
    assert band_db(audio[:, 0], 48_000, 13_000, 20_000) > band_db(low[:, 0], 48_000, 13_000, 20_000) + 20
    whole, end, *_ = run(engine, path, **asked, timbre="model")
    assert whole.shape == music.shape and end.report.variations[0].edge_hz is None and not np.allclose(whole, audio, atol=1e-3)
    again, *_ = run(engine, path, **asked)
    np.testing.assert_array_equal(audio, again)


def test_upsampling_with_sketch_comes_nearer_to_the_recording_than_resampling(engine, clips, music):
    audio, _, *_ = run(engine, "sketch", task="upsample", clip=str(clips / "low.wav"), seed=1)
    low = soxr.resample(soundfile.read(clips / "low.wav", dtype="float32")[0], 24_000, 48_000, "VHQ")
    ours, plain = (log_mel_distance_db(one[:, 0], music[:, 0], 48_000, top_hz=24_000.0) for one in (audio, low))
    assert ours < 0.7 * plain


def test_reconstructing_with_sketch_is_like_the_recording(engine, clips, music):
    for decode in ("full", "fast"):
        audio, end, *_ = run(engine, "sketch", task="reconstruct", clip=str(clips / "full.wav"), decode=decode)
        other = soxr.resample(music[:, 0], 48_000, end.samplerate)
        ours = log_mel_distance_db(audio[:, 0], other, end.samplerate)
        assert ours < 0.6 * log_mel_distance_db(audio[::-1, 0].copy(), other, end.samplerate)  # played backwards
        assert abs(rms_db_without_dc(audio) - rms_db_without_dc(music)) < 3
        assert 4 < rms_db_without_dc(audio[:, :1]) - rms_db_without_dc(audio[:, 1:]) < 8  # the right channel is half of the left


def test_a_clip_that_lacks_nothing_is_left_as_it_is(engine, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (48_000 * 2, 1)).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, 48_000, subtype="FLOAT")
    audio, end, _, progress = run(engine, "sketch", task="upsample", clip=str(tmp_path / "noise.wav"))
    np.testing.assert_array_equal(audio, noise)
    assert [(p.done_s, p.total_s) for p in progress if p.phase == "generating"] == [(0.0, 2.0), (2.0, 2.0)]
    assert end.report.notes == ("the clip reaches 23 kHz already: nothing was added",)


@pytest.mark.parametrize("seconds", [0.05, 0.3])
@pytest.mark.parametrize("task", ["upsample", "reconstruct"])
def test_a_single_stroke_is_long_enough(engine, music, tmp_path, task, seconds):
    stroke = soxr.resample(music[: round(seconds * 48_000)], 48_000, 24_000)
    soundfile.write(tmp_path / "stroke.wav", stroke, 24_000, subtype="FLOAT")
    audio, *_ = run(engine, "sketch", task=task, clip=str(tmp_path / "stroke.wav"), seed=1)
    assert audio.shape == (seconds * 48_000, 2) and abs(rms_db_without_dc(audio) - rms_db_without_dc(stroke)) < 3


@pytest.mark.parametrize(
    ("frames", "level", "rate", "problem"),
    [
        (1_000, 0.1, 24_000, "clip.wav lasts 0.0417 s: a clip to upsample must last 0.05 s at least"),
        (24_000, 0.0, 24_000, "clip.wav is silent: there is nothing to upsample, choose another clip"),
        (1_201 * 8, 0.1, 8, "clip.wav lasts 1201 s: a clip to upsample may last 1200 s; give it in parts"),
    ],
    ids=["short", "silent", "long"],
)
def test_a_clip_that_it_cannot_take_is_named_with_what_it_takes(engine, tmp_path, frames, level, rate, problem):
    soundfile.write(tmp_path / "clip.wav", level * np.sin(np.arange(frames)), rate)
    with pytest.raises(ClipError, match=problem):
        run(engine, "sketch", task="upsample", clip=str(tmp_path / "clip.wav"))


def test_a_cancel_stops_it_and_what_was_made_stands(engine, clips):
    asked = []
    request = GenerationRequest(task="upsample", clip=str(clips / "low.wav"), model="sketch", seed=1)
    events = list(engine.generate(request, lambda: bool(asked.append(1)) or len(asked) > 60))
    assert isinstance(events[-1], Finished) and events[-1].cancelled and events[-1].frames < 3 * 48_000


@pytest.mark.parametrize(
    "request_, said",
    [
        ({"task": "upsample"}, "upsample needs a clip: give a recording's path"),
        ({"task": "upsample", "clip": "x.wav", "prompt": "jazz"}, "upsample takes a clip as it is: leave prompt away"),
        ({"task": "reconstruct", "clip": "x.wav", "bars": 4, "variations": 2}, "leave bars, variations away"),
        ({"task": "enhance", "clip": "x.wav"}, "task is 'enhance': allowed are music, reconstruct, upsample"),
    ],
)
def test_a_task_takes_a_clip_and_nothing_of_music(request_, said):
    with pytest.raises(RequestError, match=said):
        GenerationRequest(**request_)


def test_upsample_has_one_path(engine, clips):
    with pytest.raises(RequestError, match="upsample is what flow matching does: leave decode away"):
        run(engine, "sketch", task="upsample", clip=str(clips / "low.wav"), decode="fast")
