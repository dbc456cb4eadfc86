"""Clips of recordings: what is kept of them stays apart from what is not."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from engine.api import EngineError
from engine.evaluation.recorded_trials import CONTINUED_S, recorded_trial
from tests.synthetic import clicks, noise, progression

RATE = 24_000


@pytest.fixture
def folder(tmp_path):
    music = progression("A minor", 120, 48, RATE) + 0.5 * clicks(120, 48, rate=RATE) + 0.01 * noise(48, RATE)
    side = 0.2 * progression("A minor", 120, 48, RATE)
    soundfile.write(tmp_path / "song.wav", np.stack([music + side, music - side], axis=1), RATE)
    soundfile.write(tmp_path / "short.wav", music[: 10 * RATE], RATE)
    soundfile.write(tmp_path / "silence.flac", np.zeros(48 * RATE), RATE)
    (tmp_path / "notes.txt").write_text("no music")
    return tmp_path


def judged(folder, change):
    asked = []

    def play_channels(*, clip, timbre, **request):
        asked.append(timbre)
        audio, _ = soundfile.read(clip, always_2d=True)
        return change(audio[: round(CONTINUED_S * RATE)]), RATE, None

    results = recorded_trial(SimpleNamespace(play_channels=play_channels), folder, 5)
    assert asked == ["clip", "model"] and all(result.count == 1 for result in results)
    return {result.name.split(": ")[-1]: result for result in results[:6]}, results


def test_what_goes_on_as_the_clip_does_keeps_all(folder):
    rows, results = judged(folder, lambda audio: audio)
    assert all(result.met for result in rows.values())
    assert [result.bar for result in results[6:]] == [None] * 6  # the model's own sound is reported, not judged
    assert rows["scale kept"].note == "true continuations: 100 %"


def test_each_loss_is_seen_in_its_row(folder):
    fading = judged(folder, lambda audio: audio * np.linspace(1, 0.01, len(audio))[:, None])[0]
    assert fading["level of the last 2 s down by more than 6 dB"].met is False
    dull = judged(folder, lambda audio: np.cumsum(audio - audio.mean(0), axis=0) * 0.02)[0]
    assert dull["highs of the last 2 s down by more than 12 dB"].met is False and dull["likeness to the clip"].met is False
    mono = judged(folder, lambda audio: audio.mean(1, keepdims=True).repeat(2, 1))[0]
    assert mono["side within 3 dB of the clip's"].met is False and mono["scale kept"].met is True
    other = judged(folder, lambda audio: np.stack([progression("Eb minor", 97, 8, RATE)] * 2, 1)[: len(audio)])[0]
    assert other["tempo kept, octave allowed"].met is False and other["scale kept"].met is False


def test_a_folder_without_music_is_said(tmp_path):
    with pytest.raises(EngineError, match="has no recording of 44 s or more"):
        recorded_trial(SimpleNamespace(), tmp_path, 3)
