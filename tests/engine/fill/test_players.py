"""Candidates as sound: what is rendered of their surroundings, and how they fit a region in level, width, rate and DC."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.continuation.region import Region
from engine.fill.players import ModelPlayer, Rendering, Surroundings, dc_between, rendered, without_dc
from engine.music.level import rms_db_without_dc
from engine.rendering.windows import ChunkPlan

RATE, HOP = 24_000, 240
TOKEN_RATE = RATE / HOP


class Renderer:
    """Each token is HOP samples of its own value."""

    token_rate, samplerate, left, lookahead = TOKEN_RATE, RATE, 4, 2

    def render(self, tokens, start, end, *, ended):
        return np.repeat(np.float32(tokens[start:end]), HOP)


def noise(seconds, level, seed, channels=1):
    return (level * np.random.default_rng(seed).standard_normal((round(seconds * RATE), channels))).astype(np.float32)


def region(before, after, seconds=2.0):
    begin, frames = len(before), round(seconds * RATE)
    return Region(RATE, begin, begin + frames, begin + frames + len(after), before, after, after[:0], after[:0])


def around(of, *, clip_tokens=(), after=(), width=None, stretch=1.0, gain_db=0.0):
    plan = SimpleNamespace(
        context=SimpleNamespace(clip_tokens=clip_tokens), clip=SimpleNamespace(prefix=of.before), grid=None, stretch=stretch,
        gain_db=gain_db, request=SimpleNamespace(width=width),
    )  # fmt: skip
    return Surroundings(of, plan, 20, after, 0.0)


@pytest.mark.parametrize("whole", [False, True])
def test_a_candidate_is_rendered_between_what_is_around_it(whole):
    """Only as much as matters at a join, unless all of it is asked for."""
    before, after, made = list(range(1000, 1400)), list(range(2000, 2300)), list(range(20))
    place = around(region(noise(1, 0.1, 0), noise(1, 0.1, 1)), clip_tokens=before, after=after)
    found = rendered(Renderer(), ChunkPlan(), place, made, whole=whole)
    assert found.new.tolist() == np.repeat(made, HOP).tolist()
    lead, head = (part[::HOP].astype(int).tolist() for part in (found.lead, found.head))
    assert lead == before[-len(lead) :] and head == after[: len(head)] and lead and head
    assert ((len(lead), len(head)) == (400, 300)) is whole


def test_without_surroundings_there_is_the_candidate_alone():
    found = rendered(Renderer(), ChunkPlan(), around(region(noise(1, 0.1, 0), noise(1, 0.1, 1))), [1, 2, 3])
    assert (len(found.lead), len(found.new), len(found.head)) == (0, 3 * HOP, 0)


def played(of, *, level=0.1, **how):
    lasting = (1.0, of.seconds * how.get("stretch", 1.0), 1.0)
    parts = (noise(seconds, level, seed)[:, 0] for seed, seconds in enumerate(lasting, 5))
    return ModelPlayer(around(of, after=[0], **how), RATE).sound(Rendering(*parts), 1)


def test_its_level_goes_from_that_before_the_region_to_that_after_it():
    sound = played(region(noise(4, 0.05, 0), noise(4, 0.2, 1)))
    assert sound.shape == (2 * RATE, 1) and sound.dtype == np.float32
    begin, end = (rms_db_without_dc(part) for part in (sound[: RATE // 10], sound[-RATE // 10 :]))
    assert begin == pytest.approx(20 * np.log10(0.05), abs=1.5) and end == pytest.approx(20 * np.log10(0.2), abs=1.5)


def test_where_nothing_follows_its_level_stays():
    sound = played(region(noise(4, 0.05, 0), noise(0, 0, 1)))
    begin, end = (rms_db_without_dc(part) for part in (sound[: RATE // 4], sound[-RATE // 4 :]))
    assert begin == pytest.approx(end, abs=1)


@pytest.mark.parametrize(("width", "apart"), [(0.0, False), (1.0, True)])
def test_it_is_as_wide_as_is_asked(width, apart):
    sound = played(region(noise(4, 0.1, 0, 2), noise(4, 0.1, 1, 2)), width=width)
    assert sound.shape == (2 * RATE, 2) and bool(np.abs(sound[:, 0] - sound[:, 1]).max() > 1e-3) is apart


def test_without_a_word_on_width_it_is_as_wide_as_the_clip():
    narrow = np.repeat(noise(4, 0.1, 0), 2, axis=1)
    assert not np.ptp(played(region(narrow, narrow)), axis=1).any()
    wide = noise(4, 0.1, 0, 2)
    assert np.ptp(played(region(wide, wide)), axis=1).max() > 1e-3


def test_what_is_played_stretched_has_the_regions_length():
    assert played(region(noise(4, 0.1, 0), noise(4, 0.1, 1)), stretch=1.05).shape == (2 * RATE, 1)


def test_dc_goes_from_one_side_to_the_other_without_a_step():
    of = region(noise(1, 0.01, 0) + np.float32(0.1), noise(1, 0.01, 1) - np.float32(0.3))
    line = dc_between(of)
    assert line.shape == (2 * RATE, 1) and line[0, 0] == pytest.approx(0.1, abs=1e-3)
    assert line[-1, 0] == pytest.approx(-0.3, abs=1e-3) and np.allclose(np.diff(line[:, 0]), -0.4 / (2 * RATE), atol=1e-6)
    alone = dc_between(region(of.before, of.after[:0]))
    assert np.allclose(alone, alone[0])
    assert played(of).mean() == pytest.approx(-0.1, abs=0.02)


def test_silence_of_no_length_has_no_dc():
    assert without_dc(np.zeros((0, 2), np.float32)).shape == (0, 2)
    np.testing.assert_allclose(without_dc(np.float32([[1, 2], [3, 2]])), [[-1, 0], [1, 0]])
