"""Loudness against an independent meter, and the gain that brings a stream to a target."""

import numpy as np
import pyloudnorm
import pytest

from engine.rendering.loudness import MOST_DB_S, MOST_LOOP_DB_S, TARGET_LUFS, USUAL_DRUMLESS_LUFS, LoudnessGain, LoudnessMeter
from tests.synthetic import clicks, noise, progression


def stereo(mono, right=1.0):
    return np.stack([mono, right * mono], axis=1).astype(np.float32)


def measured(audio, rate):
    return pyloudnorm.Meter(rate).integrated_loudness(audio.astype(np.float64))


def pieces(audio, *cuts):
    return np.split(audio, [cut for cut in cuts if cut < len(audio)])


def bring(audio, rate, *cuts, **options):
    gain, out = LoudnessGain(rate, audio.shape[1], **options), []
    for piece in pieces(audio, *cuts):
        out.append(gain.push(piece))
        gain.measure_output(out[-1])
    return np.concatenate(out)


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000])
@pytest.mark.parametrize("name", ["noise", "chords", "chords that fall silent"])
def test_it_reads_what_an_independent_meter_reads(rate, name):
    audio = stereo(0.2 * noise(8, rate) if name == "noise" else 0.3 * progression("A minor", 120, 4, rate), right=0.5)
    if name.endswith("silent"):
        audio = np.concatenate([audio, 1e-3 * audio, 0 * audio])
    meter = LoudnessMeter(rate, 2)
    for piece in pieces(audio, 1, 12_345, 12_346, 100_000):
        meter.push(piece)
    assert meter.integrated_lufs == pytest.approx(measured(audio, rate), abs=0.15)


def test_mono_is_as_loud_as_the_same_on_both_sides():
    one, two = LoudnessMeter(24_000, 1), LoudnessMeter(24_000, 2)
    mono = noise(2, 24_000)[:, None].astype(np.float32)
    one.push(mono)
    two.push(np.repeat(mono, 2, axis=1))
    assert one.integrated_lufs == pytest.approx(two.integrated_lufs, abs=1e-6)


def test_silence_has_the_least_loudness_and_gets_no_more_gain_than_allowed():
    silence = np.zeros((96_000, 2), np.float32)
    meter = LoudnessMeter(48_000, 2)
    meter.push(silence)
    assert meter.integrated_lufs == -70
    assert not bring(silence, 48_000, 24_000).any()


@pytest.mark.parametrize("level", [0.5, 1.0, 2.5])
def test_a_stream_comes_to_the_target(level):
    rate = 24_000
    beat = progression("A minor", 120, 10, rate)
    audio = stereo(level * (beat + clicks(120, 10, rate=rate)[: len(beat)]))
    out = bring(audio, rate, 12_000, 36_000, 84_000, 180_000, 276_000, 372_000)
    assert measured(out, rate) == pytest.approx(TARGET_LUFS, abs=2)


@pytest.mark.parametrize(("seconds", "most_db_s"), [(None, MOST_LOOP_DB_S), (8.0, MOST_DB_S)])
def test_the_gain_has_no_steps_and_moves_slowly(seconds, most_db_s):
    rate = 24_000
    audio = np.concatenate([np.full((3 * rate, 2), 0.02), np.full((5 * rate, 2), 0.4)]).astype(np.float32)
    out = bring(audio, rate, 12_000, 36_000, 72_000, 84_000, 180_000, seconds=seconds)
    gains_db = 20 * np.log10(out[:, 0] / audio[:, 0])
    assert np.abs(np.diff(gains_db)).max() <= 1.05 * most_db_s / rate + 1e-4
    windows = gains_db[:: rate // 2]
    assert np.abs(np.diff(windows)).max() <= 1.01 * most_db_s / 2  # nor do many small steps add up
    assert gains_db.max() - gains_db.min() > 0.5  # it does move


@pytest.mark.parametrize("seconds", [6, 12, 30])
def test_a_soft_piece_that_grows_softer_is_in_range_as_a_whole(seconds):
    """As pieces without drums do; the gain of the beginning alone leaves it several dB under the range."""
    rate = 24_000
    loudness = np.concatenate([np.full(2 * rate, -21.0), np.full((seconds - 2) * rate, -25.0)])
    audio = noise(seconds, rate) * 10 ** ((loudness - measured(stereo(noise(seconds, rate)), rate)) / 20)
    cuts = [rate // 2 * cut for cut in (1, 3, 7, *range(15, 2 * seconds, 8))]
    whole = bring(stereo(audio), rate, *cuts, usual_lufs=USUAL_DRUMLESS_LUFS, seconds=float(seconds))
    before = bring(stereo(audio), rate, *cuts)
    assert -16 <= measured(whole, rate) <= -12
    assert measured(before, rate) < measured(whole, rate) - 1


def test_what_a_limiter_takes_away_is_made_up_for():
    rate = 24_000
    audio = stereo(noise(12, rate))

    def brought(lost):
        gain, out = LoudnessGain(rate, 2), []
        for piece in np.split(audio, 12):
            out.append(gain.push(piece) * np.float32(lost))
            gain.measure_output(out[-1])
        return np.concatenate(out[6:])

    assert 20 * np.log10(np.std(brought(0.8)) / np.std(0.8 * brought(1.0))) == pytest.approx(1.9, abs=0.3)
