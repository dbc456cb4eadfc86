"""A loop's end leads to its beginning: exact frames, no step, whatever pieces it comes in."""

import numpy as np
import pytest

from engine.music.loop import FADE_S, SEARCH_S, LoopEnd, check_loop

RATE = 24_000
BAR = RATE  # a bar lasts a second


def sine(hz, first, frames, level=0.3):
    """A tone as it sounds from frame `first` on: (frames, 1)."""
    return (level * np.sin(2 * np.pi * hz * (first + np.arange(frames)) / RATE)).astype(np.float32)[:, None]


def folded(audio, lead, sizes=(7_001,)):
    """Through a LoopEnd in pieces of these sizes, the last of them again and again."""
    end = LoopEnd(len(audio), BAR, RATE)
    end.lead_in(lead)
    out, at, sizes = [], 0, list(sizes)
    while at < len(audio):
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        out.append(end.push(audio[at : at + size]))
        at += size
    return np.concatenate([*out, end.finish()]), end


def step(audio):
    return float(np.abs(audio[0] - audio[-1]).max())


@pytest.mark.parametrize("sizes", [(7_001,), (200_000,), (11, 480, 95_000)])
def test_a_tone_that_does_not_last_whole_periods_goes_round_without_a_step(sizes):
    """440.3 Hz over 4 s: its end is a third of a period from its beginning."""
    audio, lead = sine(440.3, 0, 4 * RATE), sine(440.3, -RATE // 4, RATE // 4)
    out, end = folded(audio, lead, sizes)
    natural = np.abs(np.diff(audio, axis=0)).max()
    assert step(audio) > 2 * natural
    assert len(out) == len(audio) and step(out) <= 1.01 * natural
    assert np.abs(np.diff(out, axis=0)).max() <= 1.5 * natural  # nor was the step moved elsewhere
    np.testing.assert_array_equal(out[: end.fade_at], audio[: end.fade_at])
    np.testing.assert_array_equal(out[-100:], lead[-100:])


def test_the_beginning_is_left_as_it_went_out():
    rng = np.random.default_rng(0)
    audio = (0.2 * rng.standard_normal((3 * RATE, 2))).astype(np.float32)
    out, _ = folded(audio, (0.2 * rng.standard_normal((RATE // 4, 2))).astype(np.float32))
    np.testing.assert_array_equal(out[: 2 * RATE], audio[: 2 * RATE])


def test_it_fades_where_both_agree():
    """The lead-in is the end's opposite, but for 40 ms."""
    audio = sine(100, 0, 4 * RATE)
    lead = -audio[-RATE // 4 :]
    same = slice(len(lead) - 2_400, len(lead) - 2_400 + 960)
    lead[same] *= -1
    out, end = folded(audio, lead)
    assert same.start <= end.fade_at - len(audio) + len(lead) <= same.stop + 1 - FADE_S * RATE  # where both are 0
    assert end.fade_at >= len(audio) - SEARCH_S * RATE
    level = [np.sqrt(np.mean(out[at : at + 240] ** 2)) for at in range(len(out) - 2_400, len(out) - 240, 240)]
    assert max(level) / min(level) < 1.05


@pytest.mark.parametrize("decibels", [-5.0, 4.0])
def test_its_last_bar_comes_to_the_level_of_the_first(decibels):
    """Each round would step by so much."""
    rng = np.random.default_rng(0)
    audio = (0.1 * rng.standard_normal((6 * RATE, 1))).astype(np.float32)
    audio[5 * RATE :] *= 10 ** (decibels / 20)
    out, end = folded(audio, audio[: RATE // 4])
    first, last = (10 * np.log10(np.mean(part**2)) for part in (out[:RATE], out[-RATE:]))
    assert abs(first - last) < 0.6 and np.sign(end.gain_db) == -np.sign(decibels)


def test_one_that_was_cancelled_ends_as_it_is():
    audio = sine(200, 0, 2 * RATE)
    end = LoopEnd(4 * RATE, BAR, RATE)
    end.lead_in(sine(200, -6_000, 6_000))
    np.testing.assert_array_equal(np.concatenate([end.push(audio), end.finish()]), audio)


def test_without_a_lead_in_only_the_level_changes():
    audio = sine(200, 0, 3 * RATE)
    end = LoopEnd(len(audio), BAR, RATE)
    np.testing.assert_array_equal(np.concatenate([end.push(audio), end.finish()]), audio)


def test_a_loop_is_measured_where_it_begins_again():
    """Noise that is louder in its last bar; noise whose only stroke is its first moment; noise that is even."""
    noise = (0.1 * np.random.default_rng(0).standard_normal((4 * RATE + 100, 1))).astype(np.float32)
    assert check_loop(noise, BAR, RATE).rank == (False, False)
    louder = noise.copy()
    louder[-BAR:] *= 10 ** (3 / 20)
    assert check_loop(louder, BAR, RATE).step_db == pytest.approx(-3, abs=0.3) and check_loop(louder, BAR, RATE).rank[0]
    struck = noise.copy()
    struck[: RATE // 100] *= 10
    assert check_loop(struck, BAR, RATE).change > 0.99 and check_loop(struck, BAR, RATE).rank[1]


def test_one_of_which_nothing_came_is_empty():
    assert len(LoopEnd(4 * RATE, BAR, RATE).finish()) == 0
