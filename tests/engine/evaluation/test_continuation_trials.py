"""Where clips of the trials end, what their prompts ask for, and the tempo of loops."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.corpus.dataset import Corpus
from engine.evaluation.classifier import Attributes
from engine.evaluation.continuation_trials import edit_trial, level_kept_db, loop_bpm, round_and_round
from engine.music.analysis import measure_bpm
from tests.synthetic import clicks, write_corpus


def test_a_loop_has_the_tempo_of_its_own_beat_not_of_its_repeating():
    bar, strum = clicks(120, 2), np.zeros(round(3.5 * 24_000), np.float32)
    for time_s in (0.16, 0.35, 0.55, 0.72, 0.94, 1.18):
        strum[round(time_s * 24_000) :][:240] += np.hanning(240)
    assert loop_bpm(bar) == pytest.approx(120, rel=0.005)
    assert loop_bpm(np.tile(bar, 4)) == pytest.approx(120, rel=0.005)
    assert measure_bpm(round_and_round(strum), 24_000) is not None and loop_bpm(strum) is None


def test_a_loops_level_counts_all_channels_and_the_loop_as_the_result_has_it():
    """Left and right are opposite: their mean is silent. A clip above full scale is brought down before it is continued."""
    side = 0.5 * np.sin(np.arange(24_000) / 10)[:, None] * [1.0, -1.0]
    assert level_kept_db(side, side, 0.0) == pytest.approx(0.0, abs=1e-6)
    assert level_kept_db(side / 2, 1.5 * side, -3.5218) == pytest.approx(-6.02, abs=0.01)


def test_the_prompt_asks_for_what_the_clip_does_not_play(tmp_path):
    """Drums at the end of an intro without them, or in a chorus without; none in a chorus with them."""
    write_corpus(tmp_path, pieces=4, held_out=4)
    held_out, asked = Corpus(tmp_path, held_out=True), []
    house, ambient, *_ = held_out.names
    held_out.names = [house, ambient, ambient, house]

    def play(*, clip, **request):
        asked.append((clip, request["from_s"], request["prompt"], request["join"]))
        return np.zeros(240_000), 24_000, {}

    model = SimpleNamespace(play=play)
    found = Attributes("house", 1.0, held_out.facts[house]["bpm"], (0, "major"))
    classifier = SimpleNamespace(classify=lambda audio, rate: found)
    come, cease = edit_trial(model, held_out, classifier, 4)
    bars = [held_out.facts[name]["bar_frames"] / 50 for name in held_out.names]
    wavs = [str(tmp_path / f"{name}.wav") for name in held_out.names]
    places = [4 * bars[0], 12 * bars[1], 12 * bars[2], 12 * bars[3]]
    assert asked == [
        (wav, pytest.approx(at), "drums", "new") for wav, at in zip(wavs[:3], places, strict=False)
    ] + [(wavs[3], pytest.approx(places[3]), "no drums", "new")]  # fmt: skip
    assert (come.value, come.count, cease.value, cease.count, come.bar) == (100, 3, 0, 1, None)
    assert come.note == "33 % in its tempo, 100 % in its key"
    assert all(result.value is None for result in edit_trial(model, held_out, classifier, 0))
