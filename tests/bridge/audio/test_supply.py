"""When a result may be heard: as soon as it can be without running dry. A simulation, without a clock."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.audio.supply import Supply
from engine.api import FIRST_CHUNK_S, LONGEST_CHUNK_S

PREBUFFER_S = 0.3
FACTORS = [round(0.05 * number, 2) for number in range(2, 20)]  # 0.1 to 0.95


def plan(total_s: float) -> list[float]:
    """Chunks as the engine ships them."""
    sizes, size = [], FIRST_CHUNK_S
    while total_s > 1e-9:
        sizes.append(min(size, total_s))
        total_s, size = total_s - sizes[-1], min(2 * size, LONGEST_CHUNK_S)
    return sizes


def least_start_s(arrivals: list[tuple[float, float]]) -> float:
    """The earliest that playing could begin without running dry, knowing everything."""
    start_s, ahead_s = 0.0, 0.0
    for at, size in arrivals:
        start_s, ahead_s = max(start_s, at - ahead_s), ahead_s + size
    return start_s


def start_s(supply: Supply, arrivals: list[tuple[float, float]], clip_s: float = 0.0) -> float:
    """When a voice would begin: it asks at each arrival, and when the time it was given is over. All has come at the end."""
    supply.begin(0.0)
    ahead_s = clip_s
    if clip_s:
        supply.came(clip_s, 0.0, is_new=False)
    for (at, size), (following, _) in zip(arrivals, [*arrivals[1:], (math.inf, 0.0)], strict=True):
        if ahead_s and (wait_s := supply.wait_s(ahead_s, PREBUFFER_S, 0.0)) < at and size == arrivals[0][1] and ahead_s == clip_s:
            return wait_s
        supply.came(size, at)
        ahead_s += size
        now = at
        while (wait_s := supply.wait_s(ahead_s, PREBUFFER_S, now)) > 0:
            now += wait_s
            if now >= following:
                break
        if wait_s <= 0:
            return now
        if math.isinf(following):
            return at  # all is there: its end says so
    raise AssertionError("it is never heard")


def runs_dry(arrivals: list[tuple[float, float]], start: float, clip_s: float = 0.0) -> bool:
    return start + clip_s < least_start_s(arrivals) - 1e-9 if not clip_s else least_start_s(arrivals) - clip_s > start + 1e-9


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("total_s", [2.0, 10.0, 16.0, 60.0, 480.0])
@pytest.mark.parametrize("before_s", [0.0, 0.15, 0.4])
def test_a_paced_engine_is_played_without_a_gap_and_as_soon_as_can_be(factor, total_s, before_s):
    """`before_s`: what must be done before any audio, such as reading the prompt, and tokens that a chunk looks ahead."""
    sizes = plan(total_s)
    arrivals = [(before_s + factor * sum(sizes[: number + 1]), size) for number, size in enumerate(sizes)]
    begins = start_s(Supply(total_s), arrivals)
    assert not runs_dry(arrivals, begins), "it runs dry"
    second_s = arrivals[1][0] - arrivals[0][0]  # what is not audio can be separated from the pace only by the second chunk
    assert begins - least_start_s(arrivals) <= (max(0.3, second_s) if before_s else 0.3)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("prior", [0.1, 0.45, 2.0])
def test_an_engine_that_was_faster_before_does_not_mislead(factor, prior):
    sizes = plan(12.0)
    arrivals = [(factor * sum(sizes[: number + 1]), size) for number, size in enumerate(sizes)]
    begins = start_s(Supply(12.0, prior_rtf=prior), arrivals)
    assert not runs_dry(arrivals, begins), "it runs dry"
    assert begins - least_start_s(arrivals) <= 0.3


@pytest.mark.parametrize("factor", [1.05, 1.5, 3.0])
def test_a_slow_engine_is_waited_for(factor):
    sizes = plan(30.0)
    arrivals = [(0.2 + factor * sum(sizes[: number + 1]), size) for number, size in enumerate(sizes)]
    begins = start_s(Supply(30.0), arrivals)
    assert not runs_dry(arrivals, begins) and begins - least_start_s(arrivals) <= 0.04 * factor * 30


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("seed", range(5))
def test_an_engine_that_is_a_little_uneven_is_played_without_a_gap(factor, seed):
    """Each chunk takes up to 3 % more or less than the pace."""
    sizes = plan(60.0)
    work = factor * np.array(sizes) * np.random.default_rng(seed).uniform(0.97, 1.03, len(sizes))
    arrivals = list(zip(0.1 + np.cumsum(work), sizes, strict=True))
    assert not runs_dry(arrivals, start_s(Supply(60.0), arrivals))


@pytest.mark.parametrize("factor", [0.2, 0.6, 0.95])
def test_a_clip_that_is_there_is_played_at_once_where_the_engine_is_known(factor):
    sizes = plan(16.0)
    arrivals = [(0.3 + factor * sum(sizes[: number + 1]), size) for number, size in enumerate(sizes)]
    assert start_s(Supply(16.0, prior_rtf=factor), arrivals, clip_s=8.0) == 0.0
    slow = [(2.5 * at, size) for at, size in arrivals]
    assert start_s(Supply(16.0, prior_rtf=2.5), slow, clip_s=8.0) > 0.0


def test_nothing_begins_before_anything_is_known_of_the_engine():
    supply = Supply(16.0)
    supply.came(8.0, 100.0, is_new=False)
    assert math.isinf(supply.wait_s(8.0, PREBUFFER_S, 101.0))


def test_the_wait_is_reckoned_with_the_next_chunk_not_the_last():
    """At 0.9 of real time, after 0.5, 1 and 2 s: 4 s come next and take 3.6 s, while 3.5 s are there to be played."""
    supply = Supply(60.0)
    supply.begin(100.0)
    for at, size in ((100.45, 0.5), (101.35, 1.0), (103.15, 2.0)):
        supply.came(size, at)
    assert 0.1 <= supply.wait_s(3.5, PREBUFFER_S, 103.15) <= 0.4


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rtf", [0.5, 0.95, 1.5])
def test_an_engine_that_goes_on_in_its_bursts_never_lets_it_run_dry(seed, rtf):
    """Bursts of chunks with pauses between: the second half comes as the first did."""
    dice = np.random.default_rng(seed)
    half = [(burst, pause) for burst, pause in zip(dice.integers(1, 9, 30), dice.dirichlet([1.0] * 30), strict=True)]
    pauses_s = rtf * 0.25 * sum(burst for burst, _ in half)
    now, arrivals = 0.0, []
    for burst, pause in half + half:
        now += pause * pauses_s
        arrivals += [now] * burst
    total_s = 0.25 * len(arrivals)
    supply, begun_at = Supply(total_s), None
    supply.begin(0.0)
    for count, at in enumerate(arrivals, 1):
        if begun_at is not None and count > 1:
            assert 0.25 * (count - 1) >= at - begun_at, "it ran dry"
        supply.came(0.25, at)
        if begun_at is None and count >= len(arrivals) / 2 and supply.wait_s(0.25 * count, PREBUFFER_S, at) <= 0:
            begun_at = at
    assert begun_at is not None or rtf > 1
