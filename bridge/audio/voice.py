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
from typing import NamedTuple

from bridge.audio.callback import RING_S
from bridge.audio.supply import Supply
from engine.api import AudioChunk

_KEPT_S = 2 * RING_S  # of what was taken: more than a device can have been given and not have played


class Cue(NamedTuple):
    """When a result shall be played (seconds of `time.monotonic`), and how much later else, where it is not ready then."""

    at_s: float
    every_s: float


Due = Callable[[float], Cue | None]


class Voice:
    """Fed with a result's chunks as they come. `total_s`, `prior_rtf`: see Supply; `due`, `is_made`: see AudioDevice.play."""

    def __init__(self, total_s: float, due: Due | None = None, prior_rtf: float | None = None, is_made: bool = False):
        self._is_made = is_made
        self.due = due
        self.stopped = False
        self.underruns = 0  # counted by who plays it
        self.missed = 0  # how often it was not ready when it was due, counted likewise
        self._waiting: deque[AudioChunk] = deque()
        self._taken: deque[AudioChunk] = deque()  # the last of them, should the device lose them
        self._supply = Supply(total_s, prior_rtf)
        self._changed = asyncio.Event()
        self._taking = asyncio.Event()  # some was taken, or it is stopped
        self._ended = False
        self._cued = asyncio.Event()

    def cue(self, earliest_s: float) -> Cue | None:
        """When it shall be played, from the earliest moment on; None: at once."""
        chosen = self.due(earliest_s) if self.due else None
        self._cued.set()
        return chosen

    async def is_cued(self, patience_s: float) -> bool:
        """Waits, not longer than that, until it is known when it is played."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._cued.wait(), patience_s)
        return self._cued.is_set()

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
        self._cued.set()
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

    def rewind(self, played_s: float) -> None:
        """What was taken is to be taken again from this moment of the result on, to the frame."""
        while self._taken and not self.stopped:
            chunk = self._taken.pop()
            frames = max(0, round(played_s * chunk.samplerate) - chunk.start_frame)
            if frames < len(chunk.samples):
                samples, start_frame = chunk.samples[frames:], chunk.start_frame + frames
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
