"""One result on its way to the audio device: what of it waits, and how much must, so that it does not run dry.

Used from the event loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from bridge.audio.callback import RING_S
from bridge.audio.supply import Supply
from engine.api import AudioChunk

_KEPT_S = 2 * RING_S  # of what was taken: more than a device can have been given and not have played

Due = Callable[[float], float | None]


class Voice:
    """Fed with a result's chunks as they come. `total_s`, `prior_rtf`: see Supply; `due`, `is_made`: see AudioDevice.play."""

    def __init__(self, total_s: float, due: Due | None = None, prior_rtf: float | None = None, is_made: bool = False):
        self._is_made = is_made
        self.due = due
        self.stopped = False
        self.underruns = 0  # counted by who plays it
        self._waiting: deque[AudioChunk] = deque()
        self._taken: deque[AudioChunk] = deque()  # the last of them, should the device lose them
        self._supply = Supply(total_s, prior_rtf)
        self._changed = asyncio.Event()
        self._taking = asyncio.Event()  # some was taken, or it is stopped
        self._ended = False

    def begin(self) -> None:
        """Work on it begins now, the model being loaded."""
        self._supply.begin(time.monotonic())

    def expect(self, total_s: float) -> None:
        """The new audio will be so long."""
        self._supply.total_s = total_s

    def feed(self, chunk: AudioChunk, is_new: bool = True) -> None:
        """The next audio; not new: the clip's own."""
        if self.stopped:
            return
        self._waiting.append(chunk)
        if not self._is_made:
            self._supply.came(chunk.duration_s, time.monotonic(), is_new)
        self._changed.set()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._changed.set()

    def stop(self) -> None:
        """Fall silent soon."""
        self.stopped = True
        self._waiting.clear()
        self._taking.set()
        self.end()

    def take(self) -> AudioChunk:
        chunk = self._waiting.popleft()
        self._taking.set()
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

    async def has_room(self, most_s: float) -> None:
        """Waits until less than so much audio waits, or the voice is stopped."""
        while sum(chunk.duration_s for chunk in self._waiting) >= most_s:
            self._taking.clear()
            await self._taking.wait()

    async def has_audio(self) -> bool:
        """Waits for audio. False when there is no more."""
        while not self._ended and not self._waiting:
            await self._change()
        return bool(self._waiting)

    async def has_lead(self, least_s: float) -> bool:
        """Waits until playing may start and should not run dry. False when there is nothing to play."""
        while await self.has_audio() and not self._ended:
            ahead_s = sum(chunk.duration_s for chunk in self._waiting)
            if self._is_made:
                break
            wait_s = self._supply.wait_s(ahead_s, least_s, time.monotonic())
            if wait_s <= 0:
                break
            await self._change(None if math.isinf(wait_s) else wait_s)
        return bool(self._waiting)

    async def _change(self, patience_s: float | None = None) -> None:
        """Waits for one, but not longer than that."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), patience_s)
