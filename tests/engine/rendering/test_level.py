"""Levels, fades and joins: against golden numbers where the reference has the same function."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from engine.music.level import rms_db
from engine.rendering.level import FALL_DB_S, MEMORY_S, REACH_DB, RISE_DB_S, Leveller, crossfade, fade_out, soft_limit

GOLDEN = load_file(Path(__file__).parents[2] / "golden" / "post.io.safetensors")


def test_fade_out_is_the_reference():
    audio = GOLDEN["audio"][0]
    np.testing.assert_allclose(fade_out(audio, 100, 1.0), GOLDEN["fade_out_sr100_1s"][0], atol=1e-7)
    np.testing.assert_allclose(fade_out(audio, 100, 60.0), GOLDEN["fade_out_longer_than_audio"][0], atol=1e-7)


def test_fade_out_of_stereo_fades_both_and_leaves_its_input():
    audio = np.ones((100, 2), np.float32)
    faded = fade_out(audio, 100, 0.5)
    assert (audio == 1).all() and (faded[:50] == 1).all() and (faded[-1] == 0).all()
    np.testing.assert_array_equal(faded[:, 0], faded[:, 1])
    assert fade_out(audio, 100, 0.0) is audio


def levelled(audio, target_db, gain_db=0.0, measured=None, rate=1000, piece=500):
    """Gains in dB of a stream that comes in pieces."""
    leveller = Leveller(target_db, gain_db, audio[:rate] if measured is None else measured, rate)
    return 20 * np.log10(np.concatenate([leveller.gains(audio[i : i + piece]) for i in range(0, len(audio), piece)]))


@pytest.mark.parametrize(("difference_db", "slope_db_s"), [(-12.0, FALL_DB_S), (0.0, FALL_DB_S), (12.0, RISE_DB_S)])
def test_a_steady_stream_comes_to_its_level_slowly_and_stays(difference_db, slope_db_s):
    gains = levelled(np.full(20_000, 0.1, np.float32), -20.0 + difference_db)
    assert np.abs(np.diff(gains)).max() < 1.1 * slope_db_s / 1000 + 1e-5  # nowhere a step, between pieces neither
    assert abs(gains[round(500 * abs(difference_db) / slope_db_s)]) == pytest.approx(abs(difference_db) / 2, abs=0.1)  # half-way
    arrived = gains[round(1000 * (abs(difference_db) / slope_db_s + 1)) :]
    np.testing.assert_allclose(arrived, difference_db, atol=0.01)


def test_a_swell_after_a_quiet_beginning_is_soon_no_longer_too_loud():
    swell = np.r_[np.full(4000, 0.01), np.full(6000, 0.1)].astype(np.float32)
    gains = levelled(swell, -20.0)
    assert gains[3999] > 10  # what is quiet comes up
    assert gains[5500] < 3


def test_a_pause_stays_a_pause_and_a_beat_a_beat():
    """In silence nothing moves; of beats shorter than the memory only the level of all is moved."""
    pause = np.concatenate([np.full(2000, 0.1), np.zeros(30_000)]).astype(np.float32)
    gains = levelled(pause, -20.0, gain_db=1.0)
    assert np.ptp(gains[2000:]) == 0 and 0 <= gains[-1] <= 1.0
    beats = np.tile(np.r_[np.full(250, 0.2), np.full(250, 0.02)], 80).astype(np.float32)
    gains = levelled(beats, rms_db(beats), measured=beats, piece=250)
    assert len(beats) / 1000 > 2 * MEMORY_S and np.ptp(gains) < 1.0 and abs(gains[len(gains) // 2 :].mean()) < 0.3


@pytest.mark.parametrize(("level", "target_db"), [(0.008, -18.9), (0.9, -25.0)])
def test_it_reaches_no_further_than_it_may(level, target_db):
    gains = levelled(np.full(20_000, level, np.float32), target_db)
    assert abs(gains[-1]) == pytest.approx(REACH_DB, abs=0.01)


def whole_db(audio, leveller, limited_db=0.0, piece=500):
    """Level of all that comes out of a leveller and of a limiter behind it, which takes away so much."""
    out = []
    for at in range(0, len(audio), piece):
        before = audio[at : at + piece] * leveller.gains(audio[at : at + piece])
        out.append(before * np.float32(10 ** (-limited_db / 20)))
        leveller.measure_limited(before[:, None], out[-1][:, None])
    return rms_db(np.concatenate(out))


@pytest.mark.parametrize("seconds", [10, 16])
def test_what_was_too_soft_is_made_up_for_so_that_the_whole_is_at_its_level(seconds):
    """The stream has fallen by 9 dB where it begins: the gain comes up by 4 dB/s, and without more the whole stays too soft."""
    audio, before = np.full(1000 * seconds, 0.0355, np.float32), np.full(1000, 0.1, np.float32)
    goes_round = Leveller(-20.0, 0.0, before, 1000)
    assert whole_db(audio, goes_round) < -20.8 and goes_round.behind_db == 0.0
    assert whole_db(audio, Leveller(-20.0, 0.0, before, 1000, seconds=float(seconds))) == pytest.approx(-20.0, abs=0.5)


def test_what_a_limiter_takes_away_is_made_up_for():
    audio = np.full(12_000, 0.1, np.float32)
    assert whole_db(audio, Leveller(-20.0, 0.0, audio[:1000], 1000), limited_db=2.0) == pytest.approx(-20.0, abs=0.3)


def test_a_whole_that_is_loud_enough_is_left_alone():
    beats = np.tile(np.r_[np.full(250, 0.2), np.full(250, 0.02)], 32).astype(np.float32)
    leveller = Leveller(rms_db(beats), 0.0, beats, 1000, seconds=16.0)
    whole_db(beats, leveller)
    assert abs(leveller.gain_db) < 0.3 and leveller.behind_db < 0.1


def test_the_gain_it_begins_with_is_the_first():
    assert levelled(np.full(3000, 0.1, np.float32), -20.0, gain_db=3.0)[0] == pytest.approx(3.0, abs=1e-3)


def test_soft_limit_bends_only_what_is_loud():
    audio = np.array([0.0, 0.5, -0.84, 0.9, -1.0, 4.0], np.float32)
    limited = soft_limit(audio)
    np.testing.assert_array_equal(limited[:3], audio[:3])
    assert (np.abs(limited) < 1).all() and (np.diff(np.abs(limited)) > 0).all() and (np.sign(limited) == np.sign(audio)).all()
    quiet = audio[:3]
    assert soft_limit(quiet) is quiet


def test_soft_limit_has_no_step_at_its_knee():
    ramp = np.linspace(0.8, 0.9, 10_001, dtype=np.float32)
    assert np.diff(soft_limit(ramp)).max() < 1.1 * np.diff(ramp).max()


def test_crossfade_begins_as_the_old_ends_as_the_new_and_keeps_power():
    rng = np.random.default_rng(0)
    old, new = rng.standard_normal((2, 20_000, 1)).astype(np.float32)
    mixed = crossfade(old, new)
    assert mixed[0] == old[0] and mixed[-1] == pytest.approx(new[-1], abs=1e-6)
    middle = mixed[9_000:11_000]
    assert np.mean(middle**2) == pytest.approx(1, abs=0.1)
    with pytest.raises(AssertionError):
        crossfade(old, new[:-1])
