"""A result measured while it goes out is measured as it would be whole."""

import tracemalloc

import numpy as np
import pytest

from engine.music.analysis import join_report
from engine.music.level import rms_db
from engine.rendering.measurement import Meter
from tests.synthetic import clicks, noise, progression

RATE = 48_000


def measured(new, source=None):
    meter = Meter(RATE)
    for part in np.array_split(source if source is not None else np.zeros((0, 1), np.float32), 3):
        meter.add_source(part)
    for part in np.split(new, [10_000, 10_001, 200_000]):
        meter.add(part)
    return meter


def stereo(mono):
    return np.stack([mono, mono], axis=1).astype(np.float32)


def test_level_peak_and_music_in_pieces_are_those_of_the_whole():
    audio = stereo(0.5 * progression("A minor", 120, 16, RATE) + 0.5 * clicks(120, 16, rate=RATE))
    meter = measured(audio)
    bpm, key = meter.music(near_bpm=None)
    assert bpm == pytest.approx(120, rel=0.01) and key == (9, "minor")
    assert meter.level_db == pytest.approx(rms_db(audio[:, 0]), abs=0.01)
    assert meter.peak == np.abs(audio).max() and meter.frames == len(audio)


def test_the_join_is_judged_from_a_second_on_either_side():
    source, new = stereo(noise(5, RATE)), stereo(0.5 * noise(6, RATE))
    whole = np.concatenate([source, new])[:, 0]
    report = measured(new, source).join()
    assert report == join_report(whole[4 * RATE : 6 * RATE], RATE, RATE)
    assert report.level_db == pytest.approx(-6, abs=0.2)


def test_nothing_measured():
    assert measured(np.zeros((0, 1), np.float32)).level_db == -120


def test_memory_does_not_grow_with_the_source():
    meter = Meter(RATE)
    for _ in range(100):
        meter.add_source(np.ones((RATE, 2), np.float32))
    assert len(meter._before) == RATE


def test_memory_hardly_grows_with_the_length_of_a_result():
    """Beyond 48 kB for each second of audio, and 32 of its loudness in bands: whole spectrograms took 1,200."""

    def peak_bytes(seconds: int) -> int:
        piece = noise(10, 12_000)[:, None].astype(np.float32)
        tracemalloc.start()
        try:
            meter = Meter(12_000)
            for _ in range(seconds // 10):
                meter.add(piece)
            meter.music(near_bpm=None)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (peak_bytes(80) - peak_bytes(30)) / 50 < 100_000
