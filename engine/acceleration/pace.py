"""How long the parts of a generation take, from which the next ones are estimated. Seconds of work; no torch here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from engine.report import Pace

T = TypeVar("T")


@dataclass
class PaceMeter:
    """Measures how long the parts of a generation take, in seconds of work; begins with what prepares it.

    takes_at_once, rows_apart: as in a `Pace`.
    """

    takes_at_once: int = 1
    rows_apart: bool = False
    begun: float = field(default_factory=time.monotonic)
    prepare_s: float | None = None  # before the first token
    steps_s: float = 0.0
    steps: int = 0  # tokens of each variation
    windows: list[tuple[float, float]] = field(default_factory=list)  # (seconds of audio, contexts included; of work)

    @contextmanager
    def stepping(self) -> Iterator[None]:
        begun = time.monotonic()
        if self.prepare_s is None:
            self.prepare_s = begun - self.begun
        yield
        self.steps_s += time.monotonic() - begun
        self.steps += 1

    @contextmanager
    def rendering(self, windows_s: Callable[[], float], at_once: float = 1.0) -> Iterator[None]:
        """windows_s: how much audio was rendered so far; what renders none is not counted. at_once: how many are rendered in the
        time that one takes.
        """
        begun, before = time.monotonic(), windows_s()
        yield
        if (window_s := windows_s() - before) > 0:
            self.windows.append((window_s, (time.monotonic() - begun) / at_once))

    @contextmanager
    def playing(self, audio_s: float) -> Iterator[None]:
        """What plays so much audio, however it does that."""
        begun = time.monotonic()
        yield
        self.windows.append((audio_s, time.monotonic() - begun))

    def of_whole(self, first_s: float, new_s: float, steps_per_s: float, margin_s: float, candidates: int) -> Pace:
        """`summary` of what goes out once it is whole: what is no step nor `playing` takes as long whatever the length.

        margin_s: of audio that is played with each candidate.
        """
        pace = self.summary(first_s, new_s, steps_per_s, (0.0, 0.0), candidates)
        fixed_s = pace["prepare_s"] + pace["rest_per_s"] * new_s
        return {**pace, "prepare_s": fixed_s, "rest_per_s": 0.0, "render_s": pace["render_s"] + margin_s * pace["render_per_s"]}

    def each(self, chunks: Iterator[T], windows_s: Callable[[], float]) -> Iterator[T]:
        """The chunks, each of which is rendered when it is asked for."""
        while True:
            with self.rendering(windows_s):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def summary(self, first_s: float, new_s: float, steps_per_s: float, margins_s: tuple[float, float], variations: int) -> Pace:
        """first_s: up to the first new audio, 0 where there was none. new_s: seconds of it, steps_per_s: tokens to one.
        margins_s: of audio that a window has before and after what is kept.
        """
        render_s, render_per_s = _line(self.windows)
        rest_s = time.monotonic() - self.begun - (self.prepare_s or 0.0) - self.steps_s - sum(work for _, work in self.windows)
        return {
            "variations": variations, "first_s": first_s, "prepare_s": self.prepare_s or 0.0,
            "step_s": self.steps_s / max(1, self.steps),
            "steps_per_s": steps_per_s, "render_s": render_s, "render_per_s": render_per_s,
            "left_s": margins_s[0], "ahead_s": margins_s[1], "takes_at_once": self.takes_at_once, "rows_apart": self.rows_apart,
            "rest_per_s": max(0.0, rest_s) / max(new_s, 1e-3),
        }  # fmt: skip


def _line(windows: list[tuple[float, float]]) -> tuple[float, float]:
    """What a window costs, and each second of it: through all of them as near as may be, neither below 0, the sum kept."""
    if not windows:
        return 0.0, 0.0
    mean_window = sum(window for window, _ in windows) / len(windows)
    mean_work = sum(work for _, work in windows) / len(windows)
    spread = sum((window - mean_window) ** 2 for window, _ in windows)
    slope = sum((window - mean_window) * (work - mean_work) for window, work in windows) / spread if spread else 0.0
    slope = min(max(slope, 0.0), mean_work / mean_window) if spread else mean_work / mean_window
    return mean_work - slope * mean_window, slope


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.begun = time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() - self.begun
