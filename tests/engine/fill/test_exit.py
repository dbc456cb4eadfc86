"""Which end leads to what follows: against music that comes back, and against music that does not."""

import numpy as np
import pytest

from engine.fill.exit import RATE, Exit, ExitJudge, log_mel
from tests import synthetic

LOOP = synthetic.clicks(120, 4.0, (0, 1, 1.5, 3, 3.5), RATE) + synthetic.progression("A minor", 120, 4.0, RATE)
MUSIC = np.tile(LOOP, 4).astype(np.float32)  # 16 s
BEGIN, END = 7 * RATE, 9 * RATE


def candidates():
    """What was there, the same a beat late, the same softer, and another key without drums."""
    true = MUSIC[BEGIN - 2 * RATE : END]
    other = synthetic.progression("Eb major", 120, 4.0, RATE).astype(np.float32)
    return [true, np.roll(true, RATE // 2), 0.2 * true, other]


@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_what_was_there_leads_best_to_what_follows(rate):
    import soxr

    def at(audio):
        return soxr.resample(audio, RATE, rate)

    judge = ExitJudge(at(MUSIC[:BEGIN]), at(MUSIC[END:]), rate)
    exits = [judge.judge(at(one), -2.0) for one in candidates()]
    scores = [judge.score(exit) for exit in exits]
    assert scores.index(max(scores)) == 0 and exits[0].spectrum_db < 1 and exits[0].energy_db < 0.5 and exits[0].tempo < 0.1
    assert exits[1].tempo > 0.3 and exits[2].energy_db == pytest.approx(14, abs=1) and exits[3].key > exits[0].key + 0.1


def test_what_led_there_most_often_counts_most():
    """What follows came twice after one sound and once, as exactly, after another."""
    rng = np.random.default_rng(0)
    often, once, rest, follows = (
        (0.2 * synthetic.progression(key, 120, 4.0, RATE) + 0.01 * rng.standard_normal(4 * RATE)).astype(np.float32)
        for key in ("A minor", "F# minor", "C minor", "Eb major")
    )
    judge = ExitJudge(np.concatenate([rest, once, follows, rest, often, follows, rest, often, follows]), follows, RATE)
    assert judge.judge(often, -2.0).spectrum_db < judge.judge(once, -2.0).spectrum_db


def test_where_music_does_not_come_back_likelihood_decides_between_ends_that_sound_alike():
    short = MUSIC[END : END + RATE]  # too short to be known again
    judge = ExitJudge(MUSIC[:BEGIN], short, RATE)
    likely, unlikely = judge.judge(candidates()[0], -1.0), judge.judge(candidates()[0], -3.0)
    assert judge.score(likely) - judge.score(unlikely) == pytest.approx(2.0)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0])
def test_a_short_end_and_short_surroundings_are_judged(seconds):
    judge = ExitJudge(MUSIC[:RATE], MUSIC[: round(0.1 * RATE)], RATE)
    exit = judge.judge(MUSIC[: round(seconds * RATE)], -2.0)
    assert isinstance(exit, Exit) and np.isfinite(judge.score(exit))


def test_a_tone_lies_in_its_band_at_its_level():
    tone = np.sin(2 * np.pi * 1_000 * np.arange(RATE) / RATE).astype(np.float32)
    mel = log_mel(tone)
    assert mel.shape == (100, 64)
    assert (log_mel(0.1 * tone)[10:90].max(1) - mel[10:90].max(1)) == pytest.approx(-20, abs=0.1)
