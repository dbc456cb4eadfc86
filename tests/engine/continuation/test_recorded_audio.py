"""Whatever file a producer has: its true length, all its channels, and no audio lost because a header is wrong."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.api import ClipError, GenerationRequest
from engine.continuation.clip import read_clip
from engine.continuation.recorded_audio import UnreadableError, open_recording
from engine.music.channels import to_mono

RATE = 44_100
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg: install the Debian package ffmpeg")


def noise(seconds, channels=1, seed=1):
    return 0.2 * np.random.default_rng(seed).standard_normal((round(seconds * RATE), channels)).astype(np.float32)


def write(path, audio, subtype="FLOAT"):
    soundfile.write(path, audio, RATE, subtype=subtype)
    return path


def encode(path, audio, *options):
    source = write(path.with_name("source.wav"), audio)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, *options, path], check=True)
    return path


def read(path, **request):
    return read_clip(GenerationRequest(clip=str(path), **request), samplerate=48_000, model_samplerate=24_000, max_context_s=30)


def loudest(audio, rate):
    """The strongest whole Hz of one second."""
    return int(np.abs(np.fft.rfft(audio[:rate])).argmax())


# ---- length


@needs_ffmpeg
@pytest.mark.parametrize("order", ["loud first", "silent first"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ["-q:a", "4", "-write_xing", "0", "-id3v2_version", "0"]),
        ("tagged.mp3", ["-q:a", "4", "-write_xing", "0", "-write_id3v1", "1", "-metadata", "title=x"]),
        ("indexed.mp3", ["-q:a", "4"]),
        ("a.mp2", ["-c:a", "mp2", "-b:a", "128k"]),
        ("in.wav", ["-c:a", "libmp3lame", "-q:a", "4"]),
    ],
)
def test_mpeg_audio_is_as_long_as_what_it_holds(tmp_path, name, options, order):
    """Its header guesses by the bitrate it begins with: 33 s, or 4 s, of 20 s."""
    parts = [noise(10), np.zeros((10 * RATE, 1), np.float32)]
    audio = np.concatenate(parts if order == "loud first" else parts[::-1])
    file = encode(tmp_path / name, audio, *options)
    with open_recording(file) as recording:
        assert recording.frames / RATE == pytest.approx(20, abs=0.06)
        assert len(recording.read(0, recording.frames)) == recording.frames
        late = recording.read(15 * RATE, RATE)
        assert len(late) == RATE and (np.abs(late).max() > 0.1) == (order == "silent first")
    clip = read(file, from_s=12.0)
    assert clip.duration_s == pytest.approx(20, abs=0.06) and len(clip.prefix) == 12 * 48_000


@pytest.mark.parametrize(("size", "riff"), [(0, 0), (0, 36), (0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFFFF0, 0x7FFFFFF8)])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_of_a_wav_that_was_never_finished_what_is_there_is_taken(tmp_path, size, riff, subtype):
    audio = noise(3, 2)
    file = write(tmp_path / "take.wav", audio, subtype)
    content = bytearray(file.read_bytes())
    content[4:8] = struct.pack("<I", riff)
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", size)
    file.write_bytes(content)
    clip = read(file)
    assert clip.duration_s == 3.0
    soundfile.write(tmp_path / "whole.wav", audio, RATE, subtype=subtype)
    np.testing.assert_array_equal(clip.prefix, read(tmp_path / "whole.wav").prefix)


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.wav", "a.aiff"])
def test_of_a_file_that_ends_too_soon_what_is_there_is_taken(tmp_path, name):
    soundfile.write(tmp_path / name, noise(8), RATE)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 3 // 4])
    clip = read(tmp_path / name)
    assert 5 < clip.duration_s < 7 and len(clip.prefix) == pytest.approx(clip.duration_s * 48_000, abs=1)
    assert np.abs(clip.prefix[-4800:]).max() > 0.1


@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9.wav"), os.fsdecode(b"caf\xe9.mp3"), "-i.wav", "曲.flac"])
def test_a_file_of_any_name_is_read(tmp_path, name):
    soundfile.write(tmp_path / f"plain{Path(name).suffix}", noise(2), RATE)
    (tmp_path / f"plain{Path(name).suffix}").rename(tmp_path / name)
    assert read(tmp_path / name).duration_s == pytest.approx(2, abs=0.06)


# ---- channels


def test_opposite_polarity_is_kept():
    side = noise(4)
    for stereo in (np.hstack([side, -side]), np.hstack([side, -0.8 * side]), np.hstack([0.5 * side, -side])):
        assert np.std(to_mono(stereo)) > 0.9 * np.std(stereo, axis=0).max()


def test_what_cancels_in_one_register_only_is_kept_too():
    """Drums in the middle, a bass that was widened by turning one side over."""
    time = np.arange(4 * RATE) / RATE
    bass, drums = 0.2 * np.sin(2 * np.pi * 55 * time), 0.1 * noise(4)[:, 0]
    assert loudest(to_mono(np.stack([bass + drums, drums - bass], 1).astype(np.float32)), RATE) == 55


def test_other_stereo_is_its_mean():
    left, right = noise(4), noise(4, seed=2)
    for stereo in (
        np.hstack([left, right]),
        np.hstack([left, 0 * right]),
        np.hstack([left, left]),
        np.hstack([left, 0.5 * left + right]),
    ):
        np.testing.assert_array_equal(to_mono(stereo), stereo.mean(1))


def test_a_clip_of_opposite_polarity_is_encoded_and_measured(tmp_path):
    side = noise(4)
    clip = read(write(tmp_path / "wide.wav", np.hstack([side, -side])))
    assert np.std(clip.context) > 0.1 and np.std(clip.excerpt) > 0.1 and clip.channels == 2


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.caf"])
def test_surround_is_mixed_to_stereo(tmp_path, name):
    """Each channel to its side, the centre to both, the LFE to none, in whatever order the format keeps them."""
    tones = {"left": 400, "right": 500, "centre": 600, "lfe": 50, "left behind": 700, "right behind": 800}
    sound = "|".join(f"0.1*sin(2*PI*{tone}*t)" for tone in tones.values())
    source = ["-f", "lavfi", "-i", f"aevalsrc={sound}:c=5.1:s=48000:d=2"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, tmp_path / name], check=True)
    clip = read(tmp_path / name)
    assert clip.channels == 2
    for side, wanted in ((0, {400: 1.0, 600: 0.707, 700: 0.707}), (1, {500: 1.0, 600: 0.707, 800: 0.707})):
        spectrum = np.abs(np.fft.rfft(clip.prefix[24_000:72_000, side])) / 24_000
        found = {tone: spectrum[tone] / 0.1 for tone in tones.values()}
        assert found == pytest.approx({tone: wanted.get(tone, 0.0) for tone in tones.values()}, abs=0.05)


# ---- levels and formats


@pytest.mark.parametrize("peak", [0.5, 1.0, 2.5])
def test_above_full_scale_nothing_is_clipped(tmp_path, peak):
    time = np.arange(2 * 48_000) / 48_000
    sine = (peak * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    soundfile.write(tmp_path / "hot.wav", sine, 48_000, subtype="FLOAT")
    clip = read(tmp_path / "hot.wav")
    assert clip.gain_db == pytest.approx(-20 * np.log10(max(1.0, peak)), abs=1e-4)
    np.testing.assert_allclose(clip.prefix[:, 0], sine / max(1.0, peak), atol=1e-4)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.m4a", "a.aac", "a.wv", "a.wma"])
def test_what_ffmpeg_reads_is_read(tmp_path, name):
    clip = read(encode(tmp_path / name, noise(3, 2)))
    assert clip.channels == 2 and clip.duration_s == pytest.approx(3, abs=0.1) and np.std(clip.context) > 0.05


@needs_ffmpeg
def test_without_ffmpeg_it_is_said_what_is_missing(tmp_path, monkeypatch):
    file = encode(tmp_path / "a.m4a", noise(3))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClipError, match="cannot read a.m4a.*install ffmpeg"):
        read(file)


@needs_ffmpeg
def test_a_playlist_reads_no_other_file(tmp_path):
    encode(tmp_path / "secret.m4a", noise(3))
    for name, content in {
        "a.ffconcat": "ffconcat version 1.0\nfile secret.m4a\n",
        "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsecret.m4a\n#EXT-X-ENDLIST\n",
    }.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(ClipError, match="cannot read"):
            read(tmp_path / name)


def test_whatever_a_file_holds_there_is_audio_or_one_sentence(tmp_path):
    """2 x 60 files with bytes changed, cut or put in, of three formats: read, or rejected in one sentence."""
    rng, rejected = np.random.default_rng(4), 0
    for name in ("a.wav", "a.flac", "a.mp3"):
        soundfile.write(tmp_path / name, noise(1.5), RATE)
        whole = (tmp_path / name).read_bytes()
        for trial in range(40):
            content = bytearray(whole)
            first = 200 if trial % 2 else len(content)
            for place in rng.integers(0, first, 4):
                content[place] = rng.integers(256)
            content = content[: rng.integers(len(content))] if trial % 4 == 3 else content
            (tmp_path / name).write_bytes(content)
            try:
                with open_recording(tmp_path / name) as recording:
                    recording.read(0, min(recording.frames, RATE))
            except UnreadableError as error:
                rejected += 1
                assert str(error) and "\n" not in str(error)
    assert rejected
