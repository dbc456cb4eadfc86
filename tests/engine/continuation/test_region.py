"""The part of a clip that is replaced, as it is read."""

import numpy as np
import pytest
import soundfile

from engine.api import ClipError, GenerationRequest
from engine.continuation.region import read_region

RATE = 8_000


def write(path, seconds=10.0, channels=2, **changes):
    audio = np.arange(round(seconds * RATE))[:, None] / (seconds * RATE) * np.ones((1, channels))
    for place, value in changes.items():
        audio[int(place[1:])] = value
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    return audio.astype(np.float32)


def region(path, from_s, to_s):
    return read_region(GenerationRequest(clip=str(path), from_s=from_s, to_s=to_s))


def test_sides_and_edges_are_the_files_own_frames(tmp_path):
    audio = write(tmp_path / "a.wav")
    found = region(tmp_path / "a.wav", 4.0, 6.5)
    assert (found.begin, found.end, found.total, found.frames, found.channels) == (32_000, 52_000, 80_000, 20_000, 2)
    np.testing.assert_array_equal(found.before, audio[:32_000])
    np.testing.assert_array_equal(found.after, audio[52_000:])
    np.testing.assert_array_equal(found.opening, audio[32_000:32_160])
    np.testing.assert_array_equal(found.closing, audio[51_840:52_000])


def test_of_a_short_region_edges_are_a_quarter(tmp_path):
    write(tmp_path / "a.wav")
    assert len(region(tmp_path / "a.wav", 4.0, 4.06).opening) == 120


def test_a_frame_of_rounding_at_the_end_is_the_end(tmp_path):
    write(tmp_path / "a.wav")
    assert region(tmp_path / "a.wav", 9.0, 10.0001).end == 80_000
    assert region(tmp_path / "a.wav", 9.0, 11.0).end == 88_000


def test_more_channels_are_mixed_to_one(tmp_path):
    write(tmp_path / "a.wav", channels=4)
    assert region(tmp_path / "a.wav", 4.0, 6.0).channels == 1


def test_without_music_before_it_what_follows_is_used_up_to_whole_bars_from_its_beginning(tmp_path):
    write(tmp_path / "a.wav", seconds=12.0)
    found = region(tmp_path / "a.wav", 0.0, 3.0)
    clip, reported = found.context(24_000, 5.0, bar_s=2.0)
    assert "no music sounds before" in reported and clip.from_s == 10.0 and len(clip.context) == 5 * 24_000 and not clip.whole
    np.testing.assert_array_equal(clip.prefix, found.after[: 7 * RATE])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_rejected(tmp_path, value):
    write(tmp_path / "a.wav", f100=value)
    with pytest.raises(ClipError, match="no numbers"):
        region(tmp_path / "a.wav", 4.0, 6.0)
