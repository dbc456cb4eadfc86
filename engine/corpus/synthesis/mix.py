"""A composed piece as a record of its style: instruments chosen, played, put in their places, and mixed in stereo.

The kick ducks what is not drums (a compressor's side-chain), filters open and close over every four bars and rise before a
drop, chords and leads go through a delay on the beat that wanders from side to side and through a room. Every effect is the same
each time, so that equal bars stay equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import signal

from engine.arrays import Audio, FloatArray
from engine.corpus.piece import DRUM_CHANNEL, FRAME_RATE, Note, Piece
from engine.corpus.styles import KICK
from engine.corpus.synthesis.drum_machine import KITS, PLACES, stroke, tune
from engine.corpus.synthesis.oscillators import SAMPLE_RATE, drive
from engine.corpus.synthesis.synthesisers import choose, play

PARTS = ("bass", "chords", "pad", "lead")  # by channel
PHRASE = 4  # bars, after which a filter is back where it was: as chords are
BUILD_UP_OCTAVES = (-1.5, 1.5)  # of the filters over a build-up


@dataclass(frozen=True)
class Desk:
    """How a style is mixed. Levels in dB against the kick; sends are shares."""

    kits: tuple[str, ...]
    bass: float = -6.0
    chords: float = -4.0
    pad: float = -8.0
    lead: float = -5.0
    duck: float = 0.6  # of the gain that a kick takes from what is not drums
    sweep: float = 0.8  # octaves up and down that filters move over a phrase
    delay: float = 0.2  # send of chords and lead
    feedback: float = 0.4
    room: float = 0.15
    room_s: float = 1.2
    drive: float = 0.8  # of the whole


DESKS = {
    "house": Desk(("909", "909", "808"), room=0.12),
    "techno": Desk(("909", "808"), bass=-8.0, duck=0.75, sweep=1.4, delay=0.3, feedback=0.5, drive=1.8),
    "dub techno": Desk(("dub",), bass=-7.0, pad=-10.0, duck=0.5, sweep=1.2, delay=0.8, feedback=0.62, room=0.4, room_s=2.0,
                       drive=0.5),
    "drum and bass": Desk(("break",), bass=-5.0, chords=-5.0, duck=0.25, delay=0.25, room=0.2, room_s=1.5, drive=1.2),
    "trap": Desk(("808",), bass=-6.0, chords=-6.0, duck=0.2, sweep=0.4, delay=0.25, room=0.25, room_s=1.6, drive=1.5),
    "ambient": Desk(("808",), bass=-8.0, chords=-6.0, pad=-6.0, duck=0.0, sweep=1.0, delay=0.5, feedback=0.55, room=0.5,
                    room_s=2.4, drive=0.2),
    "synthwave": Desk(("gated",), duck=0.2, sweep=0.6, room=0.25, room_s=1.4, drive=1.0),
    "trance": Desk(("909",), bass=-7.0, pad=-7.0, lead=-4.0, duck=0.8, sweep=1.2, delay=0.4, feedback=0.5, room=0.3, room_s=1.8),
}  # fmt: skip


def can_synthesise(piece: Piece) -> bool:
    """Whether this is an electronic style."""
    return piece.style.name in DESKS


def synthesise(piece: Piece, rng: np.random.Generator) -> Audio:
    """The piece in stereo, float32 [N, 2], exactly its bars long, peaks about 1. Deterministic in `rng`. Raises ValueError for
    a style that is played by people.
    """
    if not can_synthesise(piece):
        raise ValueError(f"{piece.style.name} is no electronic style: there are {', '.join(DESKS)}")
    desk, style = DESKS[piece.style.name], piece.style.name
    clock = _Clock(piece)
    kit = tune(KITS[desk.kits[int(rng.integers(len(desk.kits)))]], rng)
    voices = {part: choose(style, piece.instruments.get(part, "synth bass"), part, rng) for part in PARTS}
    drums = np.zeros((clock.samples, 2), np.float32)
    strokes = cache(lambda pitch: _placed(stroke(pitch, kit), PLACES.get(pitch, 0.0)))
    for note in _notes(piece, DRUM_CHANNEL):
        add(drums, strokes(note.pitch) * np.float32((note.velocity / 118) ** 1.5), clock.at(note.start))
    ducking = 1 - desk.duck * ducks(piece, clock)
    knob = filters(piece, desk.sweep)
    dry, wet = drums.copy(), 0.25 * signal.sosfilt(signal.butter(2, 300, "high", fs=SAMPLE_RATE, output="sos"), drums, axis=0)
    for channel, part in enumerate(PARTS):
        voice = voices[part]
        played = cache(
            lambda pitch, length, velocity, opened, voice=voice: play(
                voice, 440 * 2 ** ((pitch - 69) / 12), length / SAMPLE_RATE, velocity, opened
            )
        )
        track = np.zeros((clock.samples, 2), np.float32)
        for note in _notes(piece, channel):
            first, after = clock.at(note.start), clock.at(note.start + note.length)
            add(track, played(note.pitch, after - first, note.velocity, knob(note)), first)
        if not track.any():
            continue
        track *= 10 ** (getattr(desk, part) / 20) * ducking[:, None]
        dry += track
        if part in ("chords", "lead"):
            echoes = desk.delay * ping_pong(track, clock.at(0.75), desk.feedback)
            dry += echoes
            wet += track + echoes
        elif part == "pad":
            wet += track
    mixed = dry + desk.room * room(wet, desk.room_s)
    mixed /= 4 * np.sqrt(np.mean(mixed**2)) + 1e-9  # peaks about 1
    return drive(mixed, desk.drive).astype(np.float32)


class _Clock:
    """Beats of a piece → samples. Bars begin at whole samples, so that equal bars are equal."""

    def __init__(self, piece: Piece) -> None:
        self.beats, self.bar = piece.style.beats, piece.bar_frames * SAMPLE_RATE // FRAME_RATE
        self.samples = piece.bars * self.bar

    def at(self, beat: float) -> int:
        bar, within = divmod(beat, self.beats)
        return int(bar) * self.bar + round(within * self.bar / self.beats)


def _notes(piece: Piece, channel: int) -> list[Note]:
    return [note for note in piece.notes if note.channel == channel]


def _placed(audio: FloatArray, place: float) -> Audio:
    placed: Audio = (audio[:, None] * np.sqrt([1 - place, 1 + place])).astype(np.float32)
    return placed


def add(track: FloatArray, sound: FloatArray, first: int) -> None:
    """Adds `sound` to `track` from sample `first` on; what reaches beyond the end is cut off."""
    room_left = len(track) - first
    if room_left > 0:
        track[first : first + len(sound)] += sound[:room_left]


def ducks(piece: Piece, clock: _Clock) -> FloatArray:
    """[N], 0 to 1: how far a side-chain compressor is closed. 1 at each kick and open again three quarters of a beat later."""
    length = clock.at(0.75)
    t = np.arange(length) / length
    shape = np.minimum(1, np.arange(length) / 96) * (0.5 + 0.5 * np.cos(np.pi * np.minimum(1, t**0.7)))
    closed = np.zeros(clock.samples)
    for note in _notes(piece, DRUM_CHANNEL):
        if note.pitch == KICK:
            first = clock.at(note.start)
            here = closed[first : first + length]
            np.maximum(here, shape[: len(here)], out=here)
    return closed


def filters(piece: Piece, octaves: float) -> Callable[[Note], tuple[float, float]]:
    """How far the filters' knobs have been turned when a note begins and when it ends, in octaves: up and down over a phrase, and
    all the way up over a build-up. In steps of a tenth, so that few notes differ.
    """
    beats = piece.style.beats
    rises = [
        ((section.first_bar + section.bars - section.build_up) * beats, (section.first_bar + section.bars) * beats)
        for section in piece.sections
        if section.build_up
    ]

    def turned(beat: float, since: float) -> float:
        for first, after in rises:
            if first <= since < after:
                return float(np.interp(beat, (first, after), BUILD_UP_OCTAVES))
        return -octaves * float(np.cos(2 * np.pi * beat / (PHRASE * beats)))

    return lambda note: (
        round(turned(note.start, note.start), 1), round(turned(note.start + note.length, note.start), 1)
    )  # fmt: skip


def ping_pong(track: FloatArray, delay: int, feedback: float) -> FloatArray:
    """Echoes [N, 2] of a track, `delay` samples apart, each softer and duller than the last, left and right in turn."""
    echoes = np.zeros_like(track)
    tap = track.mean(1)
    band = signal.butter(1, (250, 5_000), "band", fs=SAMPLE_RATE, output="sos")
    level = 1.0
    for number in range(1, 9):
        if level < 0.03 or number * delay >= len(track):
            break
        tap = signal.sosfilt(band, tap)
        echoes[number * delay :, number % 2] += level * tap[: -number * delay]
        level *= feedback
    return echoes


def room(track: FloatArray, seconds: float) -> FloatArray:
    """[N, 2] in a room that rings for `seconds`, half as long above 2.5 kHz; another on either side."""
    return np.stack([signal.oaconvolve(track[:, side], _impulse(seconds, side))[: len(track)] for side in (0, 1)], axis=1)


@cache
def _impulse(seconds: float, side: int) -> Audio:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.default_rng(side).standard_normal(len(t))
    low, high = (
        signal.sosfilt(signal.butter(1, edges, kind, fs=SAMPLE_RATE, output="sos"), noise)
        for edges, kind in (((180, 2_500), "band"), ((2_500, 9_000), "band"))
    )
    impulse = low * np.exp(-6.9 * t / seconds) + high * np.exp(-13.8 * t / seconds)
    impulse = np.concatenate([np.zeros(round(0.012 * SAMPLE_RATE)), impulse])
    of_unit_energy: Audio = (impulse / np.sqrt(np.sum(impulse**2))).astype(np.float32)
    return of_unit_energy
