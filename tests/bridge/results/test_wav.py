"""A WAV that is whole after every write, with its tempo and place, and keeps what was written on a full disk."""

from __future__ import annotations

import resource
import struct

import numpy as np
import pytest
import soundfile

from bridge.results.wav import GrowingWav
from tests.bridge.results.test_recording import RATE, noise


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
    """The limit on a file's size stands in for the disk's end: a write that is cut short, then rejected."""
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
