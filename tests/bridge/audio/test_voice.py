"""A result on its way to the device: nothing is lost when the device is."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bridge.audio.voice import Voice
from engine.api import AudioChunk

RATE = 24_000


def chunks(voice: Voice, *frames: int) -> np.ndarray:
    """Feeds so many frames each; all of them."""
    audio = np.random.default_rng(0).uniform(-1, 1, (sum(frames), 2)).astype(np.float32)
    start = 0
    for index, count in enumerate(frames):
        voice.feed(AudioChunk(index, start, RATE, audio[start : start + count]))
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


@pytest.mark.parametrize("captured", [0, 1, 2_999, 3_000, 10_000, 30_000, 30_500, 31_000])
def test_what_was_taken_and_not_played_can_be_taken_again_to_the_frame(captured):
    voice = Voice(3.0)
    audio = chunks(voice, 3_000, 7_000, 20_000, 1_000)
    np.testing.assert_array_equal(taken(voice), audio)
    voice.rewind(captured / RATE)
    np.testing.assert_array_equal(taken(voice), audio[captured:])
    voice.rewind((captured + 31_000) / 2 / RATE)  # the device goes away a second time
    np.testing.assert_array_equal(taken(voice), audio[round((captured + 31_000) / 2) :])


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
