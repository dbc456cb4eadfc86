"""A result on its way to the device: nothing is lost when the device is, and enough waits before it is heard."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bridge.audio.voice import Supply, Voice
from engine.api import AudioChunk

RATE = 24_000


def chunks(voice: Voice, *frames: int) -> np.ndarray:
    """Feeds so many frames each; all of them."""
    audio = np.random.default_rng(0).uniform(-1, 1, (sum(frames), 2)).astype(np.float32)
    start = 0
    for index, count in enumerate(frames):
        voice.feed(AudioChunk(index, start, RATE, audio[start : start + count]), 0.2)
        start += count
    voice.end()
    return audio


def taken(voice: Voice) -> np.ndarray:
    async def take_all() -> list[np.ndarray]:
        return [voice.take().samples async for _ in _while(voice.has_audio)]

    return np.concatenate([np.zeros((0, 2), np.float32), *asyncio.run(take_all())])


async def _while(condition):
    while await condition():
        yield


@pytest.mark.parametrize("heard", [0, 1, 2_999, 3_000, 10_000, 30_000, 30_500, 31_000])
def test_what_was_taken_and_not_heard_can_be_taken_again_to_the_frame(heard):
    voice = Voice(3.0)
    audio = chunks(voice, 3_000, 7_000, 20_000, 1_000)
    np.testing.assert_array_equal(taken(voice), audio)
    voice.rewind(heard / RATE)
    np.testing.assert_array_equal(taken(voice), audio[heard:])
    voice.rewind((heard + 31_000) / 2 / RATE)  # the device goes away a second time
    np.testing.assert_array_equal(taken(voice), audio[round((heard + 31_000) / 2) :])


def test_of_a_long_result_only_the_last_seconds_are_kept():
    voice = Voice(100.0)
    audio = chunks(voice, *[RATE // 2] * 200)
    assert len(taken(voice)) == len(audio)
    voice.rewind(0.0)
    again = taken(voice)
    assert 2.0 <= len(again) / RATE <= 2.5
    np.testing.assert_array_equal(again, audio[-len(again) :])


def test_a_stopped_voice_stays_silent():
    voice = Voice(3.0)
    chunks(voice, 3_000)
    taken(voice)
    voice.stop()
    voice.rewind(0.0)
    assert len(taken(voice)) == 0


def lead_s(rtf: float, chunk_s: float, left_s: float, least_s: float = 0.3) -> float:
    """After one chunk."""
    supply = Supply(left_s + chunk_s)
    supply.came(chunk_s, rtf, 100.0)
    return supply.lead_s(least_s)


def test_the_lead_covers_a_chunk_and_a_slow_engine():
    assert lead_s(rtf=0.2, chunk_s=1.0, left_s=60) == 0.3
    assert lead_s(rtf=0.8, chunk_s=2.0, left_s=60) == pytest.approx(2.0)
    assert lead_s(rtf=0.95, chunk_s=1.0, left_s=60) == pytest.approx(0.045 * 60)  # near real time a small error is a long way
    assert lead_s(rtf=2.0, chunk_s=1.0, left_s=10) == pytest.approx(12.0)


def test_the_lead_covers_a_burst():
    supply = Supply(60.0)
    for _ in range(4):
        supply.came(0.25, 0.8, 100.0)
    assert supply.lead_s(0.3) == pytest.approx(1.0)


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
    supply, waiting_s, begun_at = Supply(total_s), 0.0, None
    for count, at in enumerate(arrivals, 1):
        if begun_at is not None and count > 1:
            assert 0.25 * (count - 1) >= at - begun_at, "it ran dry"
        supply.came(0.25, at / (0.25 * count), at)
        waiting_s = 0.25 * count
        if begun_at is None and count >= len(arrivals) / 2 and waiting_s >= supply.lead_s(0.3):
            begun_at = at
    assert begun_at is not None or rtf > 1
