"""How loud audio is, and a fade undone."""

import numpy as np
import pytest

from engine.music.level import MOST_UNFADED_DB, UNFADED_DB, rms_db, rms_db_without_dc, without_fade


@pytest.mark.parametrize(
    ("audio", "expected"), [(np.ones(10), 0.0), (np.full((10, 2), 0.5), -6.02), (np.zeros(10), -120.0), (np.zeros(0), -120.0)]
)
def test_rms_in_db_full_scale(audio, expected):
    assert rms_db(audio) == pytest.approx(expected, abs=0.01)


def test_a_constant_is_no_sound():
    tone = np.sin(np.arange(48_000) / 10)[:, None]
    assert rms_db_without_dc(tone + 0.5) == pytest.approx(rms_db(tone), abs=0.01) and rms_db_without_dc(tone[:0]) == -120.0


def decaying(seconds: float, db_s: float, channels: int = 2, rate: int = 1000) -> np.ndarray:
    """Two seconds of noise at -20 dB, then `seconds` of it ever softer."""
    noise = np.random.default_rng(0).standard_normal((round((2 + seconds) * rate), channels)) * 0.1
    falls_db = db_s * np.maximum(0, np.arange(len(noise)) / rate - 2)
    return (noise * 10 ** (-falls_db / 20)[:, None]).astype(np.float32)


def test_what_fades_out_sounds_on_and_its_beginning_is_left_alone():
    audio = decaying(4, 8)
    whole = without_fade(audio, 1000)
    assert whole.dtype == np.float32 and whole.shape == audio.shape
    np.testing.assert_array_equal(whole[:2000], audio[:2000])
    for second in range(2, 6):
        level_db = rms_db(whole[1000 * second : 1000 * (second + 1)])
        assert rms_db(audio) - UNFADED_DB - 3 < level_db < -19
    np.testing.assert_allclose(whole / audio, (whole / audio)[:, :1].repeat(2, 1), rtol=1e-5)  # one gain for all channels
    assert without_fade(audio[:, 0], 1000).shape == (6000,)


@pytest.mark.parametrize("audio", [decaying(0, 0), decaying(4, 2), decaying(0.9, 40), decaying(4, 8)[:300], np.zeros((5000, 1))])
def test_what_keeps_sounding_or_rests_for_a_moment_is_left_alone(audio):
    assert without_fade(audio, 1000) is audio


def test_silence_is_not_brought_up_to_noise():
    audio = np.concatenate([decaying(0, 0), np.full((3000, 2), 1e-6, np.float32)])
    assert rms_db(without_fade(audio, 1000)[-2000:]) == pytest.approx(-120 + MOST_UNFADED_DB, abs=0.1)
