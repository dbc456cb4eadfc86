"""A part of a recording replaced: every other sample as it was, in whatever format."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from bridge.results import splice
from bridge.results.recording import Recording
from bridge.results.wav import GrowingWav, SampleFormat, mend
from engine.api import AudioChunk, ClipError, GenerationRequest

RATE, FRAMES, BEGIN = 44_100, 3 * 44_100, 44_100
FORMATS = [
    ("WAV", "PCM_U8", "int16"), ("WAV", "PCM_16", "int16"), ("WAV", "PCM_24", "int32"), ("WAV", "PCM_32", "int32"),
    ("WAV", "FLOAT", "float32"), ("WAV", "DOUBLE", "float64"), ("AIFF", "PCM_24", "int32"), ("FLAC", "PCM_16", "int16"),
    ("FLAC", "PCM_24", "int32"), ("AIFF", "PCM_S8", "int16"),
]  # fmt: skip


def recording(path, kind, subtype, dtype, channels=2):
    """Noise that uses every bit there is."""
    rng = np.random.default_rng(0)
    if dtype.startswith("float"):
        samples = rng.uniform(-1.5, 1.5, (FRAMES, channels)).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        samples = rng.integers(limits.min, limits.max, (FRAMES, channels), dtype=dtype, endpoint=True)
    soundfile.write(path, samples, RATE, format=kind, subtype=subtype)
    return soundfile.read(path, dtype=dtype, always_2d=True)[0]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("kind", "subtype", "dtype"), FORMATS)
def test_all_around_the_region_is_bit_equal(tmp_path, kind, subtype, dtype, channels):
    source = tmp_path / f"clip.{kind.lower()}"
    before = recording(source, kind, subtype, dtype, channels)
    region = np.full((1_000, channels), 0.25, np.float32)
    splice.check(source)
    wav = GrowingWav(tmp_path / "out.wav", RATE, channels, sample_format=splice.sample_format(source))
    splice.copy(source, BEGIN, region, wav)
    wav.close()
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.samplerate, info.channels, info.frames) == (RATE, channels, FRAMES)
    assert info.subtype == {"PCM_S8": "PCM_U8"}.get(subtype, subtype)
    after = soundfile.read(tmp_path / "out.wav", dtype=dtype, always_2d=True)[0]
    np.testing.assert_array_equal(after[:BEGIN], before[:BEGIN])
    np.testing.assert_array_equal(after[BEGIN + 1_000 :], before[BEGIN + 1_000 :])
    captured = soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)[0]
    np.testing.assert_allclose(captured[BEGIN : BEGIN + 1_000], 0.25, atol=1e-2)


def test_a_region_past_the_end_makes_it_longer(tmp_path):
    source = tmp_path / "clip.wav"
    recording(source, "WAV", "PCM_16", "int16")
    wav = GrowingWav(tmp_path / "out.wav", RATE, 2, sample_format=splice.sample_format(source))
    splice.copy(source, FRAMES - 100, np.zeros((500, 2), np.float32), wav)
    wav.close()
    assert soundfile.info(tmp_path / "out.wav").frames == FRAMES + 400


def test_what_was_lossy_has_24_bits(tmp_path):
    source = tmp_path / "clip.ogg"
    soundfile.write(source, 0.1 * np.random.default_rng(0).standard_normal((FRAMES, 2)), RATE)
    assert splice.sample_format(source) == SampleFormat(3)


@pytest.mark.parametrize("channels", [4, 6])
def test_a_file_of_more_channels_keeps_them_all(tmp_path, channels):
    """What an engine made of it, in one or two channels, plays in each as loud as that is beside it."""
    source, levels = tmp_path / "clip.wav", 0.05 * np.arange(1, channels + 1)
    before = levels * np.random.default_rng(0).standard_normal((FRAMES, channels))
    soundfile.write(source, before, RATE, subtype="PCM_24")
    before = soundfile.read(source, dtype="int32")[0]
    splice.check(source)
    mixed = 0.1 * np.random.default_rng(1).standard_normal((RATE, 2 if channels == 6 else 1)).astype(np.float32)
    if channels == 6:  # as loud as 5.1 is once it is mixed to stereo
        mixed *= np.float32([np.hypot(0.05, np.hypot(0.15, 0.25) / 2**0.5), np.hypot(0.1, np.hypot(0.15, 0.3) / 2**0.5)])
    made = Recording(tmp_path / "out", GenerationRequest(clip=str(source), from_s=1.0, to_s=2.0))
    made.open({"id": "x"})
    made.write(AudioChunk(0, 0, RATE, mixed, 1))
    made.splice(source, 1.0)
    made.finish({"id": "x"})
    after = soundfile.read(made.path, dtype="int32")[0]
    assert after.shape == before.shape and soundfile.info(made.path).subtype == "PCM_24"
    np.testing.assert_array_equal(np.delete(after, np.s_[RATE : 2 * RATE], 0), np.delete(before, np.s_[RATE : 2 * RATE], 0))
    region = after[RATE : 2 * RATE] / 2**31
    assert np.abs(np.corrcoef(region[2_000:-2_000].T)[0, 1:]).max() > 0.6  # the same music in several of them
    full = [channel for channel in range(channels) if channel != 3 or channels == 4]  # the LFE has only what is low
    np.testing.assert_allclose(region.std(0)[full] / region.std(0)[0], levels[full] / levels[0], rtol=0.15)


def test_no_audio_is_rejected_before_anything_is_made(tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(ClipError, match="cannot copy text.wav"):
        splice.check(tmp_path / "text.wav")


def test_a_recording_becomes_a_copy_of_the_clip_with_its_marks(tmp_path):
    """One file for each variation; killed right after, each is still found whole."""
    source = tmp_path / "clip.wav"
    recording(source, "WAV", "FLOAT", "float32")
    request = GenerationRequest(clip=str(source), from_s=1.0, to_s=2.0, variations=2, candidates=2)
    made = Recording(tmp_path / "out", request)
    made.open({"id": "x", "request": {"clip": str(source), "from_s": 1.0, "to_s": 2.0, "seed": 1, "variations": 2}})
    for variation in (1, 2):
        made.write(AudioChunk(0, 0, RATE, np.full((RATE, 2), 0.1 * variation, np.float32), variation))
    made.splice(source, 1.0)
    for variation in (1, 2):
        shape = mend(made.path_of(variation))
        assert shape is not None and shape.frames == FRAMES
        captured = soundfile.read(made.path_of(variation), dtype="float32")[0]
        np.testing.assert_allclose(captured[RATE : 2 * RATE], 0.1 * variation, atol=1e-6)
    engine = {"from_s": 1.0, "to_s": 2.0, "clip_s": 3.0}
    asked = {"clip": str(source), "join": "append", "section": "verse", "seed": 1, "variations": 2}
    made.finish({"id": "x", "request": asked, "engine": engine}, [engine | {"seed": 5}, engine | {"seed": 3}])
    data = made.path_of(2).read_bytes()
    cues = data[data.index(b"cue ") :]
    assert int.from_bytes(cues[8:12], "little") == 3 and data.count(b"clip\0") == 2 and b"generated\0" in data
    assert '"seed": 3' in made.path_of(2).with_suffix(".json").read_text()
    assert soundfile.info(made.path_of(2)).subtype == "FLOAT"
