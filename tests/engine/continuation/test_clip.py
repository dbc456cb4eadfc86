"""Every unusable clip is one ClipError that says why; every usable one is read at the right rate."""

import numpy as np
import pytest
import soundfile

from engine.api import ClipError, GenerationRequest
from engine.continuation import clip as clip_module
from engine.continuation.clip import read_clip


def noise(frames, channels=1):
    return 0.2 * np.random.default_rng(1).standard_normal((frames, channels))


def read(path, **request):
    return read_clip(GenerationRequest(clip=str(path), **request), samplerate=48_000, model_samplerate=24_000, max_context_s=30)


def write(path, audio, rate=48_000):
    soundfile.write(path, audio, rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize(
    ("rate", "channels", "kept"), [(8_000, 1, 1), (44_100, 2, 2), (96_000, 1, 1), (192_000, 2, 2), (48_000, 8, 1)]
)
def test_any_rate_and_any_channels(tmp_path, rate, channels, kept):
    clip = read(write(tmp_path / "a.wav", noise(3 * rate, channels), rate))
    assert clip.prefix.shape == (3 * 48_000, kept) and clip.context.shape == (3 * 24_000,)
    assert clip.prefix.dtype == clip.context.dtype == np.float32


def test_a_very_long_clip_is_read_at_its_end_only(tmp_path):
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 8_000, 1) as file:
        for _ in range(30):
            file.write(noise(8_000 * 60))
    clip = read(tmp_path / "long.wav", join="new", context_s=5.0)
    assert clip.duration_s == 1800 and clip.from_s == 1800 and len(clip.context) == 5 * 24_000
    with pytest.raises(ClipError, match="use join new"):
        read(tmp_path / "long.wav")


def test_a_clip_that_would_fill_the_memory_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(clip_module, "MAX_CLIP_SAMPLES", 35 * 8_000 * 8)
    path = write(tmp_path / "wide.wav", noise(40 * 8_000, 8), 8_000)
    with pytest.raises(ClipError, match="8 channels.*join new"):
        read(path)
    assert read(path, join="new").duration_s == 40


def broken(tmp_path, kind):
    path = tmp_path / f"{kind}.wav"
    if kind == "nan":
        audio = noise(96_000)
        audio[70_000] = np.nan
        return write(path, audio)
    contents = {"empty": b"", "text": b"this is no audio" * 100, "header only": b"RIFF\x24\x00\x00\x00WAVE"}
    if kind in contents:
        path.write_bytes(contents[kind])
        return path
    return write(
        path, {"one sample": noise(1), "short": noise(47_000), "silent": np.zeros((96_000, 1)), "no frames": noise(0)}[kind]
    )


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("empty", "cannot read"),
        ("text", "cannot read"),
        ("header only", "cannot read"),
        ("one sample", "at least"),
        ("short", "at least"),
        ("no frames", "at least"),
        ("silent", "is silent"),
        ("nan", "export it again"),
    ],
)
def test_unusable_files(tmp_path, kind, says):
    with pytest.raises(ClipError, match=says):
        read(broken(tmp_path, kind))


def test_missing_and_folder(tmp_path):
    with pytest.raises(ClipError, match="no such clip"):
        read(tmp_path / "missing.wav")
    with pytest.raises(ClipError, match="not a file"):
        read(tmp_path)


def test_cut_while_it_is_read(tmp_path):
    path = write(tmp_path / "cut.wav", noise(96_000))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    clip_or_error = None
    try:
        clip_or_error = read(path)
    except ClipError as error:
        clip_or_error = error
    # libsndfile trusts the file's real size: either half a clip, honestly shorter, or a clear refusal
    assert isinstance(clip_or_error, ClipError) or clip_or_error.duration_s < 1.1


@pytest.mark.parametrize("from_s", [0.0, 0.5, 2.5])
def test_from_s_outside(tmp_path, from_s):
    with pytest.raises(ClipError, match="from_s"):
        read(write(tmp_path / "a.wav", noise(96_000)), from_s=from_s)


def test_from_s_cuts_there(tmp_path):
    audio = noise(96_000)
    clip = read(write(tmp_path / "a.wav", audio), from_s=1.25, context_s=1.0)
    assert clip.from_s == 1.25 and len(clip.prefix) == 60_000 and len(clip.context) == 24_000
    np.testing.assert_allclose(clip.prefix[:, 0], audio[:60_000, 0], atol=1e-6)
