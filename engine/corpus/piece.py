"""A composed piece: its notes in beats, its sections in bars, its tempo as token frames to a bar."""

from __future__ import annotations

from dataclasses import dataclass

from engine.corpus.styles import Style

FRAME_RATE = 50  # token frames a second
BAR_STEP = 2  # bars last a multiple of this many frames
DRUM_CHANNEL = 9


@dataclass(frozen=True)
class Note:
    """One note. Times in beats from the piece's start; `channel` picks the instrument."""

    start: float
    length: float
    pitch: int
    velocity: int
    channel: int


@dataclass(frozen=True)
class Section:
    label: str  # one of engine.api.SECTIONS
    first_bar: int
    bars: int
    layers: tuple[str, ...]
    build_up: int = 0  # so many of its bars, the last ones, lead to a drop: see `engine.corpus.build_ups`


@dataclass(frozen=True)
class Piece:
    """A composed piece. `bar_frames` token frames to a bar give the tempo exactly."""

    style: Style
    mood: str
    key: int
    mode: str
    progression: tuple[int, ...]
    bar_frames: int
    sections: tuple[Section, ...]
    instruments: dict[str, str]  # layer → instrument word
    notes: tuple[Note, ...]
    programs: dict[int, int]  # channel → General MIDI program

    @property
    def bpm(self) -> float:
        return 60.0 * self.style.beats * FRAME_RATE / self.bar_frames

    @property
    def bars(self) -> int:
        return self.sections[-1].first_bar + self.sections[-1].bars

    @property
    def seconds(self) -> float:
        return self.bars * self.bar_frames / FRAME_RATE
