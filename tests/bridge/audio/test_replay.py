"""A result played from its file: read in pieces, a little ahead, to its end or until it is stopped."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import soundfile

from bridge.audio.device import AudioDevice
from bridge.audio.replay import Replay
from bridge.audio.voice import Voice
from bridge.errors import JobError

RATE = 8_000


class Line:
    """As the device, to whoever gives it a result: what waits is taken here."""

    def __init__(self) -> None:
        self.total_s = 0.0

    def play(self, total_s: float, is_made: bool = False) -> Voice:
        self.total_s = total_s
        return Voice(total_s, is_made=is_made)


@pytest.fixture
def file(tmp_path):
    """Twelve seconds, each sample another; 24 bits hold them."""
    samples = np.arange(12 * RATE, dtype=np.float32)[:, None] / 2**17 * np.ones((1, 2), np.float32)
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="PCM_24")
    return tmp_path / "x.wav"


def test_all_of_it_comes_in_order_and_no_more_is_read_ahead_than_a_few_seconds(file):
    async def run() -> tuple[float, np.ndarray, int]:
        line = Line()
        voice = (await Replay.of(file)).begin(line)
        taken, most_waiting = [], 0
        while await voice.has_audio():
            await asyncio.sleep(0.01)  # time to read ahead
            most_waiting = max(most_waiting, len(voice._waiting))
            taken.append(voice.take())
        assert [chunk.start_frame for chunk in taken] == [second * RATE for second in range(12)]
        return line.total_s, np.concatenate([chunk.samples for chunk in taken]), most_waiting

    total_s, samples, most_waiting = asyncio.run(run())
    wanted, _ = soundfile.read(file, dtype="float32", always_2d=True)
    assert total_s == 12 and 2 <= most_waiting <= 8
    np.testing.assert_array_equal(samples, wanted)


def test_stopped_it_ends_and_lets_go_of_its_file(file):
    async def run() -> None:
        opened = soundfile.SoundFile(file)
        replay = Replay(opened)
        replay.stop()  # before it began: harmless
        voice = replay.begin(Line())
        assert await voice.has_audio()
        replay.stop()
        assert voice.stopped and not await voice.has_audio()
        async with asyncio.timeout(10):
            while not opened.closed:
                await asyncio.sleep(0.01)

    asyncio.run(run())


def test_without_a_device_it_is_silent_and_ends():
    async def run() -> bool:
        device = AudioDevice("none", 0.5)
        device.start()
        voice = device.play(1.0, is_made=True)
        voice.end()
        await device.stop()
        return device.playing

    assert not asyncio.run(run())


@pytest.mark.parametrize(("content", "reported"), [(None, "is gone"), (b"no audio", "cannot be read")])
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, reported):
    if content is not None:
        (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(JobError, match=reported) as caught:
        asyncio.run(Replay.of(tmp_path / "x.wav"))
    assert caught.value.code == "no_audio"
