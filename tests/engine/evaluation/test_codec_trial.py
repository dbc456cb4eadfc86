"""Opus as a baseline of the codec."""

import shutil

import numpy as np
import pytest

from engine.evaluation import codec_trial, measures
from tests.synthetic import clicks, progression


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg: install the Debian package ffmpeg")
def test_opus_keeps_length_time_and_most_of_the_sound():
    audio = clicks(120, 4, rate=48_000).astype(np.float32) + 0.5 * progression("A minor", 120, 4, 48_000).astype(np.float32)
    low, high = (codec_trial.through_opus(audio, 48_000, kbps) for kbps in (6, 96))
    assert len(low) == len(high) == len(audio)
    assert np.argmax(np.correlate(high[:4800], audio[:4800], "full")) - 4799 == pytest.approx(0, abs=12)
    assert measures.log_mel_distance_db(high, audio, 48_000) < measures.log_mel_distance_db(low, audio, 48_000)
