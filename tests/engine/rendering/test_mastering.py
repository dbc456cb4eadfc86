"""Width and loudness of a stream, which a limiter behind it reports back to."""

from __future__ import annotations

import numpy as np

from engine.rendering.mastering import Master

RATE = 24_000
MUSIC = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


def test_no_width_is_mono_and_no_target_leaves_the_loudness():
    master = Master(RATE, width=0.0, target_lufs=None)
    np.testing.assert_array_equal(master.push(MUSIC), MUSIC[:, None])
    master.measure_output(MUSIC[:, None])  # nothing to do
    assert master.channels == 1


def test_with_a_width_both_channels_differ_and_their_sum_is_the_music():
    master = Master(RATE, width=1.0, target_lufs=None)
    stereo = np.concatenate([master.push(piece) for piece in np.split(MUSIC, 10)])
    assert master.channels == 2 and stereo.shape == (RATE, 2) and np.abs(stereo[:, 0] - stereo[:, 1]).max() > 0.01
    np.testing.assert_allclose(stereo.mean(1), MUSIC, atol=1e-5)


def test_a_target_moves_the_level_towards_it():
    quiet, loud = (
        np.concatenate([master.push(piece) for piece in np.split(MUSIC, 10)])
        for master in (Master(RATE, width=0.0, target_lufs=target) for target in (-30.0, -14.0))
    )
    assert 10 * np.log10(np.square(loud).mean() / np.square(quiet).mean()) > 6
