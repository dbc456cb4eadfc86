"""Width out of one channel: what is wide, what stays in the middle, and that a mono system hears no difference."""

import numpy as np
import pytest
import soundfile

from engine.rendering.stereo import SIDE_DB, Widener, width_of
from tests.synthetic import noise, progression

RATE = 48_000
LOOPS = {name: f"tests/loops/{name}.flac" for name in ("compus",)}


def wide(mono, width=1.0, cuts=(24_000, 72_000, 168_000), rate=RATE):
    widener = Widener(rate, width)
    return np.concatenate([widener.push(piece) for piece in np.split(mono.astype(np.float32), cuts)])


def db(power):
    return 10 * np.log10(np.mean(np.square(power, dtype=np.float64)) + 1e-20)


def side_db(audio):
    return db(audio[:, 0] - audio[:, 1]) - db(audio[:, 0] + audio[:, 1])


def band(audio, low, high):
    spectrum, hz = np.fft.rfft(audio, axis=0), np.fft.rfftfreq(len(audio), 1 / RATE)
    return np.fft.irfft(spectrum * ((hz >= low) & (hz < high)).reshape(-1, *[1] * (audio.ndim - 1)), len(audio), axis=0)


def kick(seconds=0.3):
    t = np.arange(round(seconds * RATE)) / RATE
    return np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-30 * t)))) * np.exp(-12 * t) + 0.3 * np.exp(-800 * t)


def snare(seconds=0.2):
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.6 * noise(seconds, RATE)[: len(t)] + np.sin(2 * np.pi * 190 * t)) * np.exp(-25 * t)


def pattern(stroke, every=0.5, seconds=8.0):
    out = np.zeros(round(seconds * RATE))
    for at in np.arange(0.25, seconds - 0.5, every):
        out[round(at * RATE) :][: len(stroke)] += stroke
    return out


CHORDS = progression("A minor", 110, 8, RATE)


def test_the_mono_sum_is_what_the_model_played():
    mono = (CHORDS + 0.3 * pattern(snare())[: len(CHORDS)] if len(CHORDS) < 8 * RATE else CHORDS).astype(np.float32)
    np.testing.assert_allclose(wide(mono).mean(1), mono, atol=1e-6)


def test_chords_are_wide_and_balanced():
    audio = wide(CHORDS)
    assert -14 <= side_db(audio) <= -6
    assert np.corrcoef(audio.T)[0, 1] > 0.2
    assert abs(db(audio[:, 0]) - db(audio[:, 1])) < 2


def test_bass_is_in_the_middle():
    audio = wide(CHORDS + 0.3 * np.sin(2 * np.pi * 55 * np.arange(len(CHORDS)) / RATE))
    assert side_db(band(audio, 20, 120)) < -30
    assert side_db(band(audio, 400, 4_000)) > -14


@pytest.mark.parametrize(("stroke", "most_db"), [(kick(), -20), (snare(), -12)], ids=["kick", "snare"])
def test_strokes_are_in_the_middle(stroke, most_db):
    audio = wide(0.5 * pattern(stroke))
    assert side_db(audio) < most_db
    begin = np.concatenate([audio[round(at * RATE) :][:1440] for at in np.arange(0.25, 7, 0.5)])
    assert side_db(begin) < -20  # their first 30 ms
    beside = wide(0.5 * pattern(stroke)[: len(CHORDS)] + CHORDS[: 8 * RATE])
    assert -16 <= side_db(beside) <= -6  # and what plays beside them is not


def test_it_is_the_same_however_the_stream_is_cut_and_every_time():
    mono = CHORDS[: 4 * RATE]
    whole = wide(mono, cuts=())
    np.testing.assert_array_equal(wide(mono, cuts=()), whole)
    np.testing.assert_allclose(wide(mono, cuts=(1, 4800, 4801, 70_000)), whole, atol=2e-4)


def test_there_is_no_seam_between_pieces():
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)
    side = np.subtract(*wide(tone, cuts=(24_000, 72_000, 120_000)).T)
    jumps = np.abs(np.diff(side, 2))
    assert max(jumps[cut - 3 : cut + 3].max() for cut in (24_000, 72_000, 120_000)) < 1.5 * np.quantile(jumps[20_000:], 0.99)


@pytest.mark.parametrize("width", [0.0, 0.5, 1.0])
def test_width_is_the_side_in_proportion(width):
    audio = wide(CHORDS, width)
    if not width:
        assert (audio[:, 0] == audio[:, 1]).all()
    else:
        assert side_db(audio) - side_db(wide(CHORDS)) == pytest.approx(20 * np.log10(width), abs=0.1)


def test_the_width_of_a_recording():
    left, right = noise(2, RATE), np.roll(noise(2, RATE), 999)
    assert width_of(np.stack([left, left], axis=1).astype(np.float32)) == 0
    assert width_of(left[:, None].astype(np.float32)) == 0
    middle, side = (left + right) / 2, (left - right) / 2 * 10 ** (SIDE_DB / 20)
    audio = np.stack([middle + side, middle - side], axis=1).astype(np.float32)
    assert width_of(audio) == pytest.approx(1.0, abs=0.1)
    assert width_of(np.stack([left, right], axis=1).astype(np.float32)) == pytest.approx(10 ** ((-6 - SIDE_DB) / 20), abs=0.01)


def test_a_recorded_loop_keeps_its_strokes_in_the_middle():
    loop, rate = soundfile.read(LOOPS["compus"], always_2d=True)
    mono = loop.mean(1)
    side = np.subtract(*wide(mono, rate=rate).T)
    level = np.abs(mono)
    loudest = np.argsort(level)[-len(mono) // 200 :]
    assert 20 * np.log10(np.abs(side[loudest]).mean() / (2 * level[loudest].mean())) < -10
