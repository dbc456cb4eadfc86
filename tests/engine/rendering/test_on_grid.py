"""A take from words is moved onto its grid: clicks that come early or late, through the real track."""

import numpy as np
import pytest

from engine.music.grid import Grid
from engine.music.loop import LoopCheck
from engine.rendering.on_grid import MARGIN_S, MovableTrack, Take, roll_note
from engine.rendering.windows import ChunkPlan, FastRenderer
from tests import synthetic

RATE, HOP, LEAD_IN = 24_000, 480, 12
BPM, CLICK_S = 120.0, -0.0083  # a click on the grid is found so early: see test_grid_check


class Clicks(FastRenderer):
    """480 samples to a token. The result's first downbeat comes `late_s` after the lead-in."""

    def __init__(self, late_s):
        self.samplerate, self.token_rate, self.left, self.lookahead = RATE, 50.0, 4, 4
        clicks = synthetic.clicks(BPM, 12.0, rate=RATE).astype(np.float32)
        before = LEAD_IN * HOP + round(late_s * RATE)
        self.audio = np.concatenate([clicks[2 * RATE - before : 2 * RATE], clicks])

    def render(self, tokens, start, end, *, ended):
        return self.audio[start * HOP : end * HOP]


def take(late_s, *, frames=4 * RATE, bar=0, tokens=None, stretch=1.0):
    track = MovableTrack(
        Clicks(late_s), ChunkPlan(), frames=frames, fade_s=0.003, loop_bar=bar, lead_in=LEAD_IN, stretch=stretch
    )  # fmt: skip
    made = Take(track, 7, Grid(BPM))
    wanted = track.tokens if tokens is None else tokens
    made.held = [chunk for _ in range(wanted) if (chunk := track.push(1)) is not None]
    made.held += track.finish() if tokens is None else []
    return made.measure()


def first_click(audio):
    return int(np.flatnonzero(np.abs(audio[:, 0]) > 0.01)[0]) / RATE


@pytest.mark.parametrize("bar", [0, 2 * RATE])
@pytest.mark.parametrize("late_s", [-0.01, 0.0, 0.006, 0.017, 0.025])
def test_its_beats_come_to_the_grid(late_s, bar):
    made = take(late_s, bar=bar)
    (chunk,) = made.go(3)
    assert (chunk.index, chunk.start_frame, chunk.variation, len(chunk.samples)) == (0, 0, 3, 4 * RATE)
    assert made.track.frames == made.track.new_frames == made.track.wanted == 4 * RATE
    if 0.005 <= abs(late_s + CLICK_S) <= MARGIN_S:
        assert made.moved_s == pytest.approx(late_s + CLICK_S, abs=0.0015)
        assert abs(made.track.meter.grid(Grid(BPM)).late_s) < 0.0015
    else:
        assert made.moved_s == 0
    assert made.track.meter.grid(Grid(BPM)).late_s == pytest.approx(late_s + CLICK_S - made.moved_s, abs=0.001)


@pytest.mark.parametrize(("late_s", "is_off"), [(0.1, True), (-0.08, True), (0.01, False)])
def test_what_is_too_far_off_is_made_again_rather_than_moved(late_s, is_off):
    made = take(late_s)
    assert made.is_off == is_off
    list(made.go(1))
    assert (made.moved_s == 0) == (is_off or abs(late_s + CLICK_S) < 0.005)


def test_a_stretched_one_has_all_its_frames():
    for stretch in (0.997, 1.003):
        (chunk,) = take(0.019, stretch=stretch).go(1)
        assert len(chunk.samples) == 4 * RATE and np.abs(chunk.samples[-RATE // 4 :]).max() > 0


def test_of_a_cancelled_one_all_that_came_goes_out():
    made = take(0.01, tokens=130)
    (chunk,) = made.go(1)
    came = sum(len(held.samples) for held in made.held)
    assert 0 < len(chunk.samples) == came < 4 * RATE and made.track.new_frames < made.track.wanted
    assert list(take(0.01, tokens=3).go(1)) == []


def test_silence_is_neither_moved_nor_off():
    made = take(0.01)
    made.held, made.check = made.held, None
    assert made.off_s == 0 and not made.is_off


def test_what_is_said_of_a_take_that_was_made_again():
    first, other = take(0.1), take(0.02)
    other.seed, other.rolls = 8, 2
    assert roll_note(first, other) == "the beats of seed 7 are 92 ms late: seed 8 was kept, whose are 12 ms late"
    first.rolls = 3
    late = "the beats of seed 7 are 92 ms late"
    assert roll_note(first, first) == late + ": after 3 rolls the nearest are those of seed 7, 92 ms late"


class Uneven(Clicks):
    """Noise whose first bar is 20 dB softer than the others, but for its end."""

    def __init__(self, late_s):
        super().__init__(late_s)
        rng = np.random.default_rng(0)
        self.audio = (0.1 * rng.standard_normal(len(self.audio))).astype(np.float32)
        self.audio[: LEAD_IN * HOP + round(1.7 * RATE)] *= 0.1


def test_a_loop_begins_with_its_second_bar_where_it_goes_round_better_so():
    track = MovableTrack(Uneven(0.0), ChunkPlan(), frames=4 * RATE, fade_s=0.0, loop_bar=2 * RATE, lead_in=LEAD_IN)
    made = Take(track, 7, Grid(BPM))
    made.held = [chunk for _ in range(track.tokens) if (chunk := track.push(1)) is not None]
    made.held += track.finish()
    (chunk,) = made.measure().go(1)
    assert len(chunk.samples) == 4 * RATE and made.round is not None and made.round.rank == (False, False)
    bars = [10 * np.log10(np.mean(bar**2)) for bar in np.split(chunk.samples, 2)]
    assert abs(bars[0] - bars[1]) < 1  # neither is the soft one


def test_what_is_said_of_a_loop_that_was_made_again():
    first, other = take(0.0), take(0.0)
    other.seed, other.rolls = 8, 2
    first.round, other.round = LoopCheck(0.5, 2.34), LoopCheck(0.5, 0.2)
    assert first.rank > other.rank
    assert roll_note(first, other) == (
        "where the loop of seed 7 begins again the level changes by +2.3 dB: seed 8 was kept, which goes round without a fault"
    )
    first.round, first.rolls = LoopCheck(0.97, 0.5), 3
    assert roll_note(first, first).endswith("the level jumps more than almost anywhere in it: none better was found in 3 rolls")
