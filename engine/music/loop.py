"""A loop's end leads to its beginning. Audio is float32 (frames, channels).

A result goes out while it is made, so its beginning cannot be changed once its end is known. So the join is made at the end: what
was rendered right before the first frame, the lead-in, is kept, and the loop's last moment is cross-faded into it. From there
the beginning follows as it was rendered, without a seam, its first attack untouched and on the first frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.arrays import Audio, FloatArray

FADE_S = 0.03  # of the cross-fade into the lead-in
SEARCH_S = 0.12  # before the end, in which it lies where the two agree best
MOST_DB = 9.0  # by which the last bar comes to the level of the first: more is how the music goes
MOST_END_DB = 12.0  # that its end is so changed
SAME_DB = 0.5  # a difference of level that is left alone
SILENT_DB = -90.0
FRAME_S = 0.01  # between which energy is compared
MOST_CHANGE = 0.95  # of a loop's own changes may be smaller than that at its join
MOST_STEP_DB = 1.0  # from its last bar to its first
FLOOR = 1e-7  # of a frame's energy: -70 dB, what is softer is silence


@dataclass(frozen=True)
class LoopCheck:
    """How a loop sounds where it begins again."""

    change: float  # share of its frames from whose level that of the next one differs less than at the join, 0 to 1
    step_db: float  # from the level of its last bar to that of its first

    @property
    def rank(self) -> tuple[float, float]:
        """By how much it is beyond what is allowed: of two loops the less goes round better; (0, 0) does without fault."""
        return max(0.0, abs(self.step_db) - MOST_STEP_DB), max(0.0, self.change - MOST_CHANGE)


def check_loop(audio: Audio, bar: int, samplerate: int) -> LoopCheck:
    """audio: a whole loop, (frames, channels) at `samplerate` Hz; bar: frames of one of its bars.

    A loop need not last whole frames of 10 ms: the last one is that which ends with it, or the last whole one counted from its
    beginning, whichever differs more from the first.
    """
    mono = audio.mean(1, dtype=np.float64)
    bar, size = min(bar, len(mono) // 2), round(FRAME_S * samplerate)
    energy = _frames_db(mono[: len(mono) // size * size].reshape(-1, size))
    change = max(_change_at_join(energy), _change_at_join(np.r_[energy[:-1], _frames_db(mono[None, -size:])]))
    first, last = (np.square(part).mean() + FLOOR for part in (mono[:bar], mono[-bar:]))
    return LoopCheck(change, float(10 * np.log10(first / last)))


def _frames_db(frames: FloatArray) -> FloatArray:
    return np.asarray(10 * np.log10(np.square(frames).mean(1) + FLOOR))


def _change_at_join(energy: FloatArray) -> float:
    changes = np.abs(np.diff(energy, prepend=energy[-1]))
    return float((changes < changes[0]).mean())


class LoopEnd:
    """Passes a loop's audio on, all but its end; `finish` gives that, made to lead to the beginning.

    frames: of the whole loop, bar: of one of its bars. It is as long as it was: a cross-fade takes nothing from it. What is held
    back is the last bar, or of a single one its second half.
    """

    def __init__(self, frames: int, bar: int, samplerate: int) -> None:
        self.frames, self.bar, self.samplerate = frames, bar, samplerate
        self.fade_at: int | None = None  # the frame where the cross-fade begins
        self.gain_db = 0.0  # at the end, towards the level of the beginning
        self._held_from = frames - min(bar, frames // 2)
        self._lead: Audio | None = None
        self._head: list[Audio] = []
        self._held: list[Audio] = []
        self._taken = 0

    def lead_in(self, samples: Audio) -> None:
        """What sounds right before the first frame, in one piece or several."""
        before = samples if self._lead is None else np.concatenate([self._lead, samples])
        self._lead = before[-round(SEARCH_S * self.samplerate) :]

    def push(self, samples: Audio) -> Audio:
        """The next of the loop's frames: those of them that are final."""
        out = samples[: max(0, self._held_from - self._taken)]
        self._held.append(samples[len(out) :])
        if self._taken < self.frames - self._held_from:
            self._head.append(samples)
        self._taken += len(samples)
        return out

    def finish(self) -> Audio:
        """The frames that were held back."""
        held: Audio = np.concatenate(self._held) if self._held else np.zeros((0, 1), np.float32)
        if self._taken < self.frames:  # it was cancelled: no loop
            return held
        return self._levelled(held, self._led_over(held))

    def _levelled(self, held: Audio, led_over: Callable[[Audio], Audio]) -> Audio:
        """Led over, and brought to the level that the loop begins with, in a ramp over half of it: each round would step back to
        that at once.

        What goes above full scale is for the limiter that comes after.
        """
        head: Audio = np.concatenate(self._head)[: len(held)]
        out = led_over(held)
        own_db, wanted_db = _db(out), _db(head)
        missing_db = float(np.clip(wanted_db - own_db, -MOST_DB, MOST_DB))
        if min(own_db, wanted_db) < SILENT_DB or abs(missing_db) <= SAME_DB:
            return out
        ramp: Audio = np.minimum(1, np.linspace(0, 2, len(held), dtype=np.float32)[:, None])
        low, high = -MOST_END_DB, MOST_END_DB
        for _ in range(12):  # by halves: the level rises with the gain at the end
            self.gain_db = (low + high) / 2
            reached = _db(led_over(_louder(held, ramp, self.gain_db))) - own_db
            low, high = (self.gain_db, high) if reached < missing_db else (low, self.gain_db)
        return led_over(_louder(held, ramp, self.gain_db))

    def _led_over(self, held: Audio) -> Callable[[Audio], Audio]:
        """What cross-fades into the lead-in, where that agrees most with `held`, whatever else is as long."""
        if self._lead is None or not len(self._lead):
            return lambda audio: audio
        size = min(round(FADE_S * self.samplerate), len(self._lead), len(held))
        near = min(len(held), len(self._lead))
        new = self._lead[-near:]
        start, alike = most_alike(held[-near:], new, size)
        self.fade_at = self.frames - near + start

        def over(audio: Audio) -> Audio:
            old = audio[-near:]
            mixed = crossfaded(old[start : start + size], new[start : start + size], alike)
            return np.concatenate([audio[: len(audio) - near + start], mixed, new[start + size :]]).astype(np.float32)

        return over


def crossfaded(old: Audio, new: Audio, alike: float) -> Audio:
    """From one to the other over their length, neither louder nor softer in between. alike: their correlation, -1 to 1."""
    angle = np.linspace(0, np.pi / 2, len(old), dtype=np.float32)[:, None]
    fall, rise = np.cos(angle), np.sin(angle)
    return np.asarray((old * fall + new * rise) / np.sqrt(1 + 2 * max(alike, 0.0) * fall * rise), np.float32)


def most_alike(old: Audio, new: Audio, size: int) -> tuple[int, float]:
    """Where `size` frames of the two correlate best, the later of equals, and by how much (-1 to 1)."""
    a, b = old.mean(1, dtype=np.float64), new.mean(1, dtype=np.float64)
    both, of_a, of_b = (np.convolve(x, np.ones(size), "valid") for x in (a * b, a * a, b * b))
    alike = both / np.sqrt(np.maximum(of_a * of_b, 1e-12))
    start = len(alike) - 1 - int(np.argmax(alike[::-1]))
    return start, float(alike[start])


def _louder(audio: Audio, ramp: Audio, gain_db: float) -> Audio:
    return np.asarray(audio * 10 ** (gain_db / 20 * ramp), np.float32)


def _db(audio: Audio) -> float:
    return float(10 * np.log10(np.mean(np.square(audio, dtype=np.float64)) + 1e-12))
