"""Key profiles from music whose keys are known."""

import numpy as np
import pytest

from engine.music.analysis import PROFILES, chroma, log_chroma
from engine.training.key_profiles import fit, share_right
from tests.synthetic import SAMPLE_RATE, progression


@pytest.fixture(scope="module")
def music():
    """Log chroma of progressions in some keys, each over noise of its own, and the keys."""
    names = {"C major": (0, "major"), "Eb major": (3, "major"), "A major": (9, "major")}
    names |= {"A minor": (9, "minor"), "D minor": (2, "minor"), "F# minor": (6, "minor")}
    rng = np.random.default_rng(0)
    sounds = [progression(name, 120, 8) + 0.02 * rng.standard_normal(8 * SAMPLE_RATE) for name in names for _ in range(3)]
    return np.array([log_chroma(chroma(sound, SAMPLE_RATE)) for sound in sounds]), [
        key for key in names.values() for _ in range(3)
    ]


def test_fitted_profiles_know_keys_they_were_not_fitted_on(music):
    measured, keys = music
    profiles = fit(measured, keys)
    elsewhere = np.roll(measured, 5, axis=1), [((tonic + 5) % 12, mode) for tonic, mode in keys]
    assert share_right(profiles, *elsewhere) == 1.0 == share_right(PROFILES, *elsewhere)
    assert share_right({mode: tuple(-n for n in profile) for mode, profile in profiles.items()}, *elsewhere) == 0.0


def test_the_fifth_above_is_wrong_and_the_relative_key_right(music):
    measured, keys = music
    assert share_right(PROFILES, measured, [((tonic + 7) % 12, mode) for tonic, mode in keys]) == 0.0
    relative = [((tonic - 3) % 12, "minor") if mode == "major" else ((tonic + 3) % 12, "major") for tonic, mode in keys]
    assert share_right(PROFILES, measured, relative) == 1.0
