"""A host's musical time, from its MIDI clock or as it reports it: tempo, position, and when the next bar begins.

Pure: no port, no clock of its own.

MIDI clock is 24 ticks to a quarter note (MIDI 1.0, System Real Time). A tick says when it arrived, which is not when it was
meant: drivers deliver in blocks of up to 20 ms. So a straight line is laid through the last ticks, the longest stretch of them
that is of one tempo: its slope is the tempo, and its height where the ticks really are. All times are seconds of one monotonic
clock; a beat is a quarter note, beats count from the song's beginning.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import mido
import numpy as np
from numpy.typing import NDArray

from bridge.midi.reported import ReportedTransport

TICKS_PER_BEAT = 24
TICKS_PER_SIXTEENTH = 6  # what song position counts
LOST_S = 0.5  # without a tick: the clock has ended (at 20 bpm they come every 0.125 s)

_STRETCHES = tuple(beats * TICKS_PER_BEAT for beats in (8, 4, 2, 1))  # ticks; the last is the least for a tempo
_UNEVEN_S = 0.001  # more than a clock without any jitter is off its line
_OUTLIER = 5.0  # times the usual distance from the line


@dataclass(frozen=True)
class Clock:
    """What the ticks say: a tick takes `tick_s`, the last one was meant at `last_s`; `tick_s` is known to within `error_s`."""

    tick_s: float
    last_s: float
    error_s: float

    @property
    def bpm(self) -> float:
        """The roundest tempo that the ticks allow: a host at 120 is not to be followed at 119.98."""
        bpm = 60.0 / (self.tick_s * TICKS_PER_BEAT)
        error = bpm * 2 * self.error_s / self.tick_s
        return next((rounded for digits in (0, 1, 2) if abs((rounded := round(bpm, digits)) - bpm) <= error), round(bpm, 3))


class Transport:
    """Follows a MIDI clock, whose messages it is given as they come. `now` is the time of a question (monotonic).

    What a host reports (`report`) wins over its clock for as long as it counts: it knows the metre, and where the song is.
    MIDI clock has no metre: bars have `beats_per_bar` beats where that is known, and else as many as whoever asks takes them for.
    """

    def __init__(self, beats_per_bar: int = 0) -> None:
        self._beats_per_bar = beats_per_bar
        self._ticks: deque[float] = deque(maxlen=_STRETCHES[0])
        self._place: int | None = None  # ticks from the song's beginning to the last tick; None: unknown
        self._rolling = False
        self._reported: ReportedTransport | None = None  # the last

    def report(self, reported: ReportedTransport) -> None:
        """The transport as a device or script in the host reports it. The last report wins, whoever sends it."""
        self._reported = reported

    def reported(self, now: float) -> ReportedTransport | None:
        """The last report; None where there is none, or it is too old."""
        return self._reported if self._reported and self._reported.counts(now) else None

    def receive(self, message: mido.Message, now: float) -> None:
        """Any MIDI message; what is not of time is left alone."""
        match message.type:
            case "clock":
                self.tick(now)
            case "start":
                self.start()
            case "continue":
                self.resume()
            case "stop":
                self.stop()
            case "songpos":
                self.locate(message.pos)

    def state(self, now: float, beats_per_bar: int, beat_unit: int = 4) -> dict[str, object]:
        """As /inspire/state reports it; empty while there is no clock."""
        bpm, beat = self.bpm(now), self.beat(now)
        if bpm is None:
            return {}
        metre = {"beats_per_bar": beats_per_bar, "beat_unit": beat_unit} | self.metre(now)
        quarters_per_bar = metre["beats_per_bar"] * 4 / metre["beat_unit"]
        bar = None if beat is None else int(beat // quarters_per_bar) + 1
        playing = "playing" if self.playing(now) else "stopped"
        source = "report" if self.reported(now) else "midi_clock"
        return {"transport": playing, "transport_from": source, "bpm": bpm, "bar": bar, **metre}

    def metre(self, now: float) -> dict[str, int]:
        """The host's, as a request has it: as it reports, else as the settings have it (in quarter notes), else empty."""
        if (reported := self.reported(now)) and reported.metre:
            return reported.metre
        return {"beats_per_bar": self._beats_per_bar, "beat_unit": 4} if self._beats_per_bar else {}

    def tick(self, now: float) -> None:
        if self._ticks and now - self._ticks[-1] > LOST_S:
            self._ticks.clear()
        self._ticks.append(now)
        if self._rolling and self._place is not None:
            self._place += 1

    def start(self) -> None:
        """From the beginning: the next tick is the song's first."""
        self.locate(0)
        self._rolling = True

    def resume(self) -> None:
        """From where it is (MIDI calls this continue)."""
        if self._place is None:
            self.locate(0)
        self._rolling = True

    def stop(self) -> None:
        self._rolling = False

    def locate(self, sixteenths: int) -> None:
        """The next tick, once it rolls, is this far into the song (MIDI's song position pointer)."""
        self._place = sixteenths * TICKS_PER_SIXTEENTH - 1

    def playing(self, now: float) -> bool:
        """It rolls, its place in the song is known, and so is its tempo."""
        if reported := self.reported(now):
            return reported.playing
        return self._rolling and self.clock(now) is not None

    def bpm(self, now: float) -> float | None:
        """None while there is no clock, or too little of it. A clock may run while the host does not play."""
        if reported := self.reported(now):
            return reported.bpm
        clock = self.clock(now)
        return clock.bpm if clock else None

    def beat(self, now: float) -> float | None:
        """Beats from the song's beginning. Where it stopped, while it does not play; None where nobody said."""
        if reported := self.reported(now):
            return reported.beat(now)
        if self._place is None:
            return None
        clock = self.clock(now) if self._rolling else None
        ticks = self._place if clock is None else self._place + (now - clock.last_s) / clock.tick_s
        return max(0.0, ticks if clock else self._place + 1) / TICKS_PER_BEAT

    def next_bar_s(self, now: float, quarters_per_bar: float, earliest_s: float) -> float | None:
        """When the first bar at or after `earliest_s` begins. None while the host does not play."""
        if reported := self.reported(now):
            return reported.next_bar_s(reported.quarters_per_bar or self._beats_per_bar or quarters_per_bar, earliest_s)
        clock = self.clock(now)
        if clock is None or self._place is None or not self._rolling:
            return None
        bar_ticks = (self._beats_per_bar or quarters_per_bar) * TICKS_PER_BEAT
        bars = math.ceil((self._place + (earliest_s - clock.last_s) / clock.tick_s) / bar_ticks - 1e-6)
        return clock.last_s + (bars * bar_ticks - self._place) * clock.tick_s

    def next_loop_s(self, now: float, earliest_s: float) -> float | None:
        """When the host's loop next begins. None while it plays none, or does not say."""
        return reported.next_loop_s(earliest_s) if (reported := self.reported(now)) else None

    def loop_quarters(self, now: float) -> float | None:
        """How long the loop is that the host plays, in quarter notes; None where it plays none, or does not say."""
        reported = self.reported(now)
        return reported.loop[1] - reported.loop[0] if reported and reported.loop else None

    def bar_at(self, now: float, at_s: float, quarters_per_bar: float) -> int | None:
        """The number of the song's bar that plays at a moment, from 1; None where nobody says."""
        beat = reported.beat(at_s) if (reported := self.reported(now)) else self.beat(now)
        bpm = self.bpm(now)
        if beat is None or bpm is None:
            return None
        if not reported:
            beat += (at_s - now) * bpm / 60
        return math.floor(beat / self.quarters_per_bar(now, quarters_per_bar) + 0.01) + 1

    def quarters_per_bar(self, now: float, asked: float) -> float:
        """How long a bar of the host is, in quarter notes: as it says, as the settings have it, else as whoever asks takes it."""
        reported = self.reported(now)
        return (reported.quarters_per_bar if reported else 0) or self._beats_per_bar or asked

    def clock(self, now: float) -> Clock | None:
        """None where no ticks come."""
        if not self._ticks or now - self._ticks[-1] > LOST_S:
            return None
        times = np.array(self._ticks)
        lines = (_line(times[-count:]) for count in _STRETCHES if count <= len(times))
        return next((clock for clock, steady in lines if steady), None)


def _line(times: NDArray[np.float64]) -> tuple[Clock, bool]:
    """The ticks' clock, and whether they are of one tempo: no further from its line than they are uneven among themselves.

    The shortest stretch always counts as one.
    """
    number = np.arange(len(times)) - (len(times) - 1)
    slope, height = np.polyfit(number, times, 1)
    off = np.abs(times - (height + slope * number))
    uneven = np.abs(np.diff(times, 2)).max() + _UNEVEN_S
    near = off <= max(_OUTLIER * np.median(off), _UNEVEN_S)  # a tick held up by the system counts for nothing
    slope, height = np.polyfit(number[near], times[near], 1)
    rms = np.sqrt(np.mean((times - (height + slope * number))[near] ** 2))
    error = rms * math.sqrt(12 / near.sum() ** 3)
    return Clock(float(slope), float(height), float(error)), bool(off.max() <= uneven) or len(times) == _STRETCHES[-1]
