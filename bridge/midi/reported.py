"""A host's musical time as a device or script in it reports it, with /inspire/transport. Pure: no clock of its own.

All times are seconds of one monotonic clock; a beat is a quarter note, beats count from the song's beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.osc.protocol import TRANSPORT_S

_SAME = 1e-6  # beats that rounding may move a place


@dataclass(frozen=True)
class ReportedTransport:
    """Where the song was at `at_s`, when the message came. Before the song's beginning (a count-in) `position_beats` is negative.

    Bars have `beats_per_bar` beats, each the note `beat_unit` (8: eighth notes); 0 where the host does not say.
    """

    bpm: float  # quarter notes a minute
    position_beats: float
    playing: bool
    at_s: float
    beats_per_bar: int = 0
    beat_unit: int = 4
    loop: tuple[float, float] | None = None  # in beats: where the loop that it plays begins and ends

    @property
    def metre(self) -> dict[str, int]:
        """As a request has it; empty where the host does not say."""
        return {"beats_per_bar": self.beats_per_bar, "beat_unit": self.beat_unit} if self.beats_per_bar else {}

    @property
    def quarters_per_bar(self) -> float:
        return self.beats_per_bar * 4 / self.beat_unit

    def counts(self, now: float) -> bool:
        return now - self.at_s <= TRANSPORT_S

    def beat(self, now: float) -> float:
        """Where the song is by now: a host that loops has gone back meanwhile."""
        beat = self._without_loop(now)
        if not self._loops or self.loop is None or beat < self.loop[1]:
            return beat
        start, end = self.loop
        return start + (beat - end) % (end - start)

    def next_bar_s(self, quarters_per_bar: float, earliest_s: float) -> float | None:
        """When the first bar at or after `earliest_s` begins. None while the host does not play."""
        if not self.playing:
            return None
        place = self._without_loop(earliest_s)
        found = _bar_line(place, quarters_per_bar)
        if self._loops and self.loop is not None and found >= self.loop[1] - _SAME:
            start, end = self.loop
            length, from_end = end - start, max(0.0, place - end)
            rounds, within = divmod(from_end, length)
            line = _bar_line(start + within, quarters_per_bar)
            if line >= end - _SAME:  # in the next round
                rounds, line = rounds + 1, _bar_line(start, quarters_per_bar)
            if line >= end - _SAME:
                return None  # the loop has no bar line
            found = end + rounds * length + line - start
        return self._when(found)

    def next_loop_s(self, earliest_s: float) -> float | None:
        """When, at or after `earliest_s`, the host next goes back to its loop's beginning. None while it does not play one."""
        if not self.playing or not self._loops or self.loop is None:
            return None
        start, end = self.loop
        rounds = max(0, math.ceil((self._without_loop(earliest_s) - end) / (end - start) - _SAME))
        return self._when(end + rounds * (end - start))

    @property
    def _loops(self) -> bool:
        """It plays towards the end of its loop: a host that is past it plays on."""
        return self.playing and self.loop is not None and self.position_beats < self.loop[1]

    def _without_loop(self, now: float) -> float:
        return self.position_beats + ((now - self.at_s) * self.bpm / 60 if self.playing else 0.0)

    def _when(self, place: float) -> float:
        return self.at_s + (place - self.position_beats) * 60 / self.bpm


def _bar_line(place: float, quarters_per_bar: float) -> float:
    """The first at or after a place."""
    return math.ceil(place / quarters_per_bar - _SAME) * quarters_per_bar
