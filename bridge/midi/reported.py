"""A host's musical time as a device or script in it reports it, with /inspire/transport. Pure: no clock of its own.

All times are seconds of one monotonic clock; a beat is a quarter note, beats count from the song's beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.osc.protocol import TRANSPORT_S


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
        return self.position_beats + ((now - self.at_s) * self.bpm / 60 if self.playing else 0.0)

    def next_bar_s(self, quarters_per_bar: float, earliest_s: float) -> float | None:
        """When the first bar at or after `earliest_s` begins. None while the host does not play."""
        if not self.playing:
            return None
        bars = math.ceil(self.beat(earliest_s) / quarters_per_bar - 1e-6)
        return self.at_s + (bars * quarters_per_bar - self.position_beats) * 60 / self.bpm
