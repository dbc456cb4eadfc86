"""One result on its way to the audio device: what of it waits, and how much must, so that it does not run dry.

Used from the event loop's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from bridge.audio.callback import RING_S
from engine.api import AudioChunk

_KEPT_S = 2 * RING_S  # of what was taken: more than a device can have been given and not have played
_TOGETHER_S = 0.05  # between chunks of a burst

Due = Callable[[float], float | None]


class Voice:
    """Fed with a result's chunks as they come. `total_s`: about how long it will be; `due`: see AudioDevice.play."""

    def __init__(self, total_s: float, due: Due | None = None):
        self.due = due
        self.stopped = False
        self.underruns = 0  # counted by who plays it
        self._waiting: deque[AudioChunk] = deque()
        self._taken: deque[AudioChunk] = deque()  # the last of them, should the device lose them
        self._supply = Supply(total_s)
        self._changed = asyncio.Event()
        self._ended = False

    def feed(self, chunk: AudioChunk, rtf: float) -> None:
        """The next audio, and how many seconds a second of it takes to make."""
        if self.stopped:
            return
        self._waiting.append(chunk)
        self._supply.came(chunk.duration_s, rtf, time.monotonic())
        self._changed.set()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._changed.set()

    def stop(self) -> None:
        """Fall silent soon."""
        self.stopped = True
        self._waiting.clear()
        self.end()

    def take(self) -> AudioChunk:
        chunk = self._waiting.popleft()
        self._taken.append(chunk)
        kept_s = sum(taken.duration_s for taken in self._taken)
        while kept_s - self._taken[0].duration_s > _KEPT_S:
            kept_s -= self._taken.popleft().duration_s
        return chunk

    def rewind(self, heard_s: float) -> None:
        """What was taken is to be taken again from this moment of the result on, to the frame."""
        while self._taken and not self.stopped:
            chunk = self._taken.pop()
            heard = max(0, round(heard_s * chunk.samplerate) - chunk.start_frame)
            if heard < len(chunk.samples):
                samples, start_frame = chunk.samples[heard:], chunk.start_frame + heard
                self._waiting.appendleft(replace(chunk, samples=samples, start_frame=start_frame))
        self._taken.clear()

    async def has_audio(self) -> bool:
        """Waits for audio. False when there is no more."""
        while not self._ended and not self._waiting:
            await self._change()
        return bool(self._waiting)

    async def has_lead(self, least_s: float) -> bool:
        """Waits until playing may start and should not run dry. False when there is nothing to play."""
        while await self.has_audio() and not self._ended:
            if sum(chunk.duration_s for chunk in self._waiting) >= self._supply.lead_s(least_s):
                break
            await self._change()
        return bool(self._waiting)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Supply:
    """How a result's audio comes, measured; times are seconds of one clock.

    Playing drains the buffer by a second a second, chunks fill it. `_fall_s` is the furthest it has fallen, from any moment to
    any later one: with so much ahead, nothing seen so far would have let it run dry, bursts and pauses included.
    """

    def __init__(self, total_s: float):
        self._left_s = total_s  # not made yet
        self._rtf = 0.0
        self._burst_s = 0.0  # came together
        self._level_s = self._peak_s = self._fall_s = 0.0
        self._came_at: float | None = None

    def came(self, duration_s: float, rtf: float, now: float) -> None:
        if self._came_at is None or now - self._came_at > _TOGETHER_S:
            self._burst_s = 0.0
        if self._came_at is not None:
            self._level_s -= now - self._came_at
            self._fall_s = max(self._fall_s, self._peak_s - self._level_s)
        self._level_s += duration_s
        self._peak_s = max(self._peak_s, self._level_s)
        self._burst_s += duration_s
        self._left_s -= duration_s
        self._rtf, self._came_at = rtf, now

    def lead_s(self, least_s: float) -> float:
        """How much audio must wait before playing starts, in seconds, so that it does not run dry.

        A quarter more than it has fallen so far, or will while the next burst is made; and over what is not made yet, an engine
        slower than real time falls `(rtf − 1)` a second behind. `rtf` is a measurement: a tenth more of it is reckoned with.
        """
        behind_s = (1.1 * self._rtf - 1) * max(0.0, self._left_s)
        return max(least_s, 1.25 * max(self._rtf * self._burst_s, self._fall_s), behind_s)
