"""A host's time from its MIDI clock: jitter is filtered, a new tempo is found, a bar line is where the host has it."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.midi.transport import LOST_S, TICKS_PER_BEAT, Transport

START = 1_000.0


def meant(bpm: float, count: int, start: float = START) -> np.ndarray:
    return start + np.arange(count) * 60 / bpm / TICKS_PER_BEAT


def exact(times: np.ndarray) -> np.ndarray:
    return times


def late_by_chance(times: np.ndarray) -> np.ndarray:
    """A USB interface: up to 3 ms late."""
    return times + np.random.default_rng(1).uniform(0, 0.003, len(times))


def in_blocks(times: np.ndarray) -> np.ndarray:
    """JACK with 1,024 frames at 48 kHz: nothing comes between the blocks."""
    block_s = 1024 / 48_000
    return np.ceil(times / block_s) * block_s


def held_up(times: np.ndarray) -> np.ndarray:
    """The system was away for 60 ms, twice."""
    times = late_by_chance(times)
    for first in (100, 170):
        held = (times >= times[first]) & (times < times[first] + 0.06)
        times = np.where(held, times[first] + 0.06, times)
    return times


def play(transport: Transport, times: np.ndarray) -> float:
    for time in times:
        transport.tick(time)
    return times[-1]


def playing(bpm: float, count: int, jitter=exact) -> tuple[Transport, float]:
    transport = Transport()
    transport.start()
    return transport, play(transport, jitter(meant(bpm, count)))


JITTERS = [(exact, 0.0001), (late_by_chance, 0.003), (in_blocks, 0.022), (held_up, 0.004)]


@pytest.mark.parametrize(("jitter", "late_s"), JITTERS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("bpm", [20.0, 61.3, 120.0, 124.5, 174.0, 400.0])
def test_tempo_and_bar_line_with_jitter(bpm, jitter, late_s):
    transport, now = playing(bpm, 240, jitter)
    assert transport.bpm(now) == pytest.approx(bpm, abs=0.02)
    bar_s = START + 3 * 240 / bpm
    assert -0.001 < transport.next_bar_s(now, 4, now) - bar_s < late_s


def test_a_round_tempo_is_met_exactly():
    for bpm in (90.0, 120.0, 128.0):
        transport, now = playing(bpm, 240, late_by_chance)
        assert transport.bpm(now) == bpm
    transport, now = playing(123.4, 240)
    assert transport.bpm(now) == 123.4


@pytest.mark.parametrize(("jitter", "within_beats"), [(exact, 2), (late_by_chance, 6), (in_blocks, 9)], ids=lambda v: str(v)[:20])
@pytest.mark.parametrize("new_bpm", [90.0, 116.0, 126.0, 180.0])
def test_a_new_tempo_is_found(jitter, within_beats, new_bpm):
    old = meant(120.0, 240)
    new = meant(new_bpm, within_beats * TICKS_PER_BEAT, old[-1] + 60 / new_bpm / TICKS_PER_BEAT)
    transport = Transport()
    transport.start()
    now = play(transport, jitter(np.concatenate([old, new])))
    assert transport.bpm(now) == pytest.approx(new_bpm, rel=0.006)


def test_a_slowly_rising_tempo_is_followed():
    bpm = np.linspace(100, 130, 40 * TICKS_PER_BEAT)
    transport = Transport()
    transport.start()
    for count, time in enumerate(START + np.cumsum(60 / bpm / TICKS_PER_BEAT)):
        transport.tick(time)
        if count > 2 * TICKS_PER_BEAT:
            assert transport.bpm(time) == pytest.approx(bpm[count], rel=0.02)


# ---- where it is


def roll(transport: Transport, beats: float, now: float, bpm: float = 120.0) -> float:
    """The clock goes on for some beats; returns the last tick's time."""
    step = 60 / bpm / TICKS_PER_BEAT
    return play(transport, now + step * (1 + np.arange(round(beats * TICKS_PER_BEAT))))


def test_start_stop_continue_and_song_position():
    transport = Transport()
    now = roll(transport, 8, START)  # the clock of a host that does not play
    assert (transport.bpm(now), transport.beat(now), transport.playing(now)) == (120, None, False)
    assert transport.next_bar_s(now, 4, now) is None
    transport.start()
    now = roll(transport, 6.5, now)
    assert transport.playing(now) and transport.beat(now) == pytest.approx(6.5 - 1 / 24)
    assert transport.next_bar_s(now, 4, now) - now == pytest.approx((1.5 + 1 / 24) / 2)
    assert transport.next_bar_s(now, 3, now) - now == pytest.approx((2.5 + 1 / 24) / 2)
    transport.stop()
    now = roll(transport, 5, now)
    assert not transport.playing(now) and transport.beat(now) == pytest.approx(6.5)
    transport.resume()
    now = roll(transport, 1, now)
    assert transport.beat(now) == pytest.approx(7.5 - 1 / 24)
    transport.stop()
    transport.locate(4 * 16)  # the fifth bar
    assert transport.beat(now) == 16
    transport.resume()
    now = roll(transport, 1 / 24, now)
    assert transport.beat(now) == pytest.approx(16)
    transport.start()
    now = roll(transport, 1 / 24, now)
    assert transport.beat(now) == pytest.approx(0)


def test_bars_are_of_the_hosts_metre_where_it_is_known():
    for known, bar, next_s in ((0, 3, 6.0), (3, 4, 4.5)):
        transport = Transport(known)
        transport.start()
        now = play(transport, meant(120.0, 9 * TICKS_PER_BEAT - 1))  # just before the tenth beat
        assert (transport.state(now, 4)["bar"], transport.state(now, 4)["beats_per_bar"]) == (bar - (known == 3), known or 4)
        assert transport.next_bar_s(now, 4, now) - START == pytest.approx(next_s)


def test_between_ticks_time_goes_on():
    transport, now = playing(120.0, 96)
    assert transport.beat(now + 0.25) == pytest.approx(transport.beat(now) + 0.5)


def test_the_bar_may_be_asked_for_in_advance():
    transport, now = playing(120.0, 96)
    lines = [transport.next_bar_s(now, 4, START + earliest) for earliest in (1.9, 2.01, 4.0)]
    assert [line - START for line in lines] == pytest.approx([2, 4, 4], abs=1e-6)  # a bar line is its own next


def test_a_clock_that_ends_is_lost_and_one_that_comes_back_is_new():
    transport, now = playing(120.0, 96)
    later = now + LOST_S + 0.01
    assert (transport.bpm(later), transport.playing(later), transport.next_bar_s(later, 4, later)) == (None, False, None)
    now = roll(transport, 2, later, bpm=90.0)
    assert transport.bpm(now) == 90


def test_less_than_a_beat_is_no_tempo():
    transport, now = playing(120.0, TICKS_PER_BEAT - 1)
    assert transport.bpm(now) is None and not transport.playing(now)
