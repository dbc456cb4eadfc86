"""What an engine is asked for: a request, which is checked when it is made."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import limits, words
from engine.arrangement import Section, find_section, parse_arrangement
from engine.clip_file import MAX_CLIP_S
from engine.errors import RequestError
from engine.limits import check_choice, check_metre, check_number, check_prompt, parse_key
from engine.words import LEAST_BPM, MOST_BPM

_ONLY_OF_MUSIC: dict[str, object] = {
    "prompt": "", "duration_s": None, "bars": None, "loop": False, "from_s": None, "context_s": None, "guidance": None,
    "top_k": None, "temperature": None, "variations": 1, "width": None,
}  # fmt: skip
_SWITCHES = {
    "loop": "its end leads to its beginning", "grid": "it is moved onto its grid", "midi": "it is transcribed for its MIDI file"
}  # fmt: skip


@dataclass(frozen=True)
class GenerationRequest:
    """One piece of music to make. Times in seconds of audio, tempo in beats per minute.

    With `clip` set it is a continuation: the model reads the `context_s` seconds that end at `from_s`
    (the clip's end when None) and goes on from there. The length is `duration_s`, or `bars` at `bpm`
    in `beats_per_bar`; in bars the result has exactly the sample frames those bars last.

    With `to_s` as well it is a fill: what takes the place of the clip from `from_s` to `to_s`. Of `candidates` the one that leads
    best to what follows is given, at the clip's rate and exactly as long as the region; `variations` are the best ones, the best
    first. `from_bar` and `to_bar` say the same in bars from 1, where the clip begins, at its tempo or `bpm`.

    Where no field states the metre, or of `bars` the tempo, what the prompt says of it is taken. Bars of a clip without either
    last as its tempo is measured: until then `seconds` is an estimate.

    `task` "reconstruct" sends `clip` through the model's codec and back, "upsample" gives it what lies above where its spectrum
    ends, by flow matching at 48 kHz; both take a whole clip and no words, and last as long as it does.

    An `arrangement` with `clip` goes on from it: its first section is what follows the clip.

    `variations` are made together, each with a seed of its own (`seed_of`): the same audio as that seed gives alone.
    """

    prompt: str = ""
    duration_s: float | None = None
    bars: int | None = None
    bpm: float | None = None
    beats_per_bar: int = 4
    beat_unit: int = 4  # the note that a beat is: 8 in 7/8; bpm counts quarter notes in every metre
    key: str | None = None  # "A minor", "F# major"
    loop: bool = False  # in bars, 4 when none are given; the result's end leads to its beginning
    midi: bool = False  # chords, drums and bass line are transcribed from what was made
    grid: bool | None = None  # True: it is measured before any of it goes out, moved onto its grid, or made again; None: as loop
    arrangement: str | None = None  # sections, see engine.arrangement; `bars` are theirs together
    part: str | None = None  # of an arrangement whose result is `clip`: the section that is made again, a fill; by name or number
    piece_s: float = 0.0  # with part: where in `clip` the arrangement begins, as one that goes on from a recording does
    section: str = "verse"  # one of engine.limits.SECTIONS
    time_start_s: float = 0.0  # where in the whole piece the result begins
    time_end_s: float | None = None  # how long the whole piece is; time_start_s + duration when None
    clip: str | None = None  # path of the clip to continue
    from_s: float | None = None
    from_bar: int | None = None  # in place of from_s
    to_s: float | None = None
    to_bar: int | None = None  # in place of to_s: the bar that follows the region
    candidates: int | None = None  # of a fill; CANDIDATES when None
    context_s: float | None = None  # what suits the model when None
    join: str = "append"  # "append": the clip up to from_s, then the new part; "new": only the new part
    seed: int | None = None  # drawn at random when None, and reported
    guidance: float | None = None  # this and the next two: what suits the model when None
    top_k: int | None = None
    temperature: float | None = None
    variations: int = 1
    width: float | None = None  # of the model's stereo, 0 (mono) to 1; None: what suits the model, or the clip
    timbre: str | None = None  # of a continuation; "clip": the clip's own sound; "model": the model's; None: as suits both
    decode: str = "full"  # "full": flow matching, 48 kHz; "fast": token decoder, 24 kHz
    model: str | None = None  # a name or a folder; None: the embedded one, or what a daemon's settings name
    task: str = "music"  # one of engine.limits.TASKS

    def __post_init__(self) -> None:
        check_choice("task", self.task, limits.TASKS)
        if self.task != "music":
            self._take_task()
        check_prompt(self.prompt)
        if not self.prompt.strip() and self.clip is None and not self._sections_say_all:
            raise RequestError("prompt is empty: say what to play, such as 'dub techno, 124 bpm, A minor'")
        check_number("bpm", self.bpm, LEAST_BPM, MOST_BPM, optional=True)
        check_metre(self.beats_per_bar, self.beat_unit)
        self._take_switches()
        self._take_arrangement()
        self._take_from_prompt()
        _check_length(self)
        _check_place(self)
        check_number("time_start_s", self.time_start_s, 0, 3600)
        check_number("time_end_s", self.time_end_s, 0, 3600, optional=True)
        check_number("context_s", self.context_s, 1, 30, optional=True)
        check_number("seed", self.seed, 0, 2**31 - 1, whole=True, optional=True)
        check_number("variations", self.variations, 1, limits.MAX_VARIATIONS, whole=True)
        check_number("guidance", self.guidance, 0, 20, optional=True)
        check_number("top_k", self.top_k, 1, 100_000, whole=True, optional=True)
        check_number("temperature", self.temperature, 0, 5, optional=True)
        check_choice("section", self.section, limits.SECTIONS)
        check_choice("join", self.join, limits.JOINS)
        check_choice("decode", self.decode, limits.DECODE_PATHS)
        check_number("width", self.width, 0, 1, optional=True)
        if self.width is not None and self.timbre == "clip":
            raise RequestError("timbre clip is as wide as the clip: leave width away, or set timbre to model")
        if self.timbre is not None:
            check_choice("timbre", self.timbre, limits.TIMBRES)
        if self.timbre == "clip" and self.clip is None:
            raise RequestError("timbre clip needs a clip whose sound it is: give clip, or leave timbre away")
        if self.clip is not None and not isinstance(self.clip, str):
            raise RequestError(f"clip must be a file's path, got {type(self.clip).__name__}")
        parse_key(self.key)

    def _take_task(self) -> None:
        """A clip and no words: what only music has is an error."""
        if self.clip is None:
            raise RequestError(f"{self.task} needs a clip: give a recording's path")
        given = [name for name, nothing in _ONLY_OF_MUSIC.items() if getattr(self, name) != nothing]
        if given:
            raise RequestError(f"{self.task} takes a clip as it is: leave {', '.join(given)} away")
        object.__setattr__(self, "join", "new")  # of the result: all of it is rendered anew

    def _take_switches(self) -> None:
        for name, means in _SWITCHES.items():
            value = getattr(self, name)
            if value not in (False, True) and not (name == "grid" and value is None):
                raise RequestError(f"{name} is {value!r}: 1, {means}, or 0 is allowed")
            object.__setattr__(self, name, None if value is None else bool(value))
        if self.loop and self.duration_s is not None:
            raise RequestError("a loop lasts whole bars: give bars instead of duration_s")
        if self.loop and self.bars is None:
            object.__setattr__(self, "bars", limits.LOOP_BARS)

    def _take_arrangement(self) -> None:
        for name in ("arrangement", "part"):
            if not isinstance(getattr(self, name), str | None):
                raise RequestError(f"{name} must be text, got {type(getattr(self, name)).__name__}")
        if self.part is not None:
            self._take_part(self.part)
            return
        if self.arrangement is None:
            return
        if self.is_fill:
            raise RequestError("a region is filled without sections: leave the arrangement away, or the region's end")
        bars = sum(section.bars for section in self.sections)
        if self.duration_s is not None or self.loop or self.bars not in (None, bars):
            raise RequestError(f"the sections last {bars} bars, and so does the piece: leave bars, duration_s and loop away")
        object.__setattr__(self, "bars", bars)

    def _take_part(self, part: str) -> None:
        if self.arrangement is None or self.clip is None or self.bpm is None:
            raise RequestError("part is a section of a piece that is there: give arrangement, clip and bpm, or leave part away")
        section = self.section_called(part)
        check_number("piece_s", self.piece_s, 0, MAX_CLIP_S)
        object.__setattr__(self, "from_s", self.piece_s + self.bar_s(section.start))
        object.__setattr__(self, "to_s", self.piece_s + self.bar_s(section.start + section.bars))

    def _take_from_prompt(self) -> None:
        """So that every reader of a request finds one tempo and one metre in it."""
        if (self.beats_per_bar, self.beat_unit) == (4, 4) and (metre := words.metre_in(self.prompt)):
            object.__setattr__(self, "beats_per_bar", metre[0])
            object.__setattr__(self, "beat_unit", metre[1])
        if self.bars is not None and self.bpm is None:
            object.__setattr__(self, "bpm", words.tempo_in(self.prompt))

    @property
    def _sections_say_all(self) -> bool:
        return bool(self.sections) and all(section.words for section in self.sections)

    @property
    def on_grid(self) -> bool:
        """Whether it is measured against its grid before any of it goes out."""
        return self.loop if self.grid is None else self.grid

    @property
    def quarters_per_bar(self) -> float:
        """How many quarter notes a bar lasts: 3.5 in 7/8."""
        quarters = self.beats_per_bar * 4 / self.beat_unit
        return int(quarters) if quarters.is_integer() else quarters

    @property
    def sections(self) -> tuple[Section, ...]:
        """Of an arrangement; empty where there is none. Raises RequestError."""
        try:
            return parse_arrangement(self.arrangement) if self.arrangement is not None else ()
        except ValueError as error:
            raise RequestError(str(error)) from None

    def section_called(self, which: str) -> Section:
        """By name, or by number from 1. Raises RequestError."""
        try:
            return find_section(self.sections, which)
        except ValueError as error:
            raise RequestError(str(error)) from None

    def under(self, section: Section) -> dict[str, Any]:
        """What a section says otherwise than the whole arrangement does: its words, and where in the piece it lies."""
        whole_s = self.bar_s(sum(one.bars for one in self.sections))
        return {
            "arrangement": None, "part": None, "prompt": ", ".join(filter(None, (self.prompt.strip(" ,"), section.words))),
            "section": section.kind, "time_start_s": self.time_start_s + self.bar_s(section.start),
            "time_end_s": self.time_end_s or self.time_start_s + whole_s,
        }  # fmt: skip

    def bar_s(self, bar: int) -> float:
        """Where a bar begins, counted from 0, in seconds of the new audio."""
        return bar * self.quarters_per_bar * 60.0 / (self.bpm or limits.USUAL_BPM)

    @property
    def is_fill(self) -> bool:
        return self.to_s is not None or self.to_bar is not None

    @property
    def made_s(self) -> float:
        """Seconds of new audio that are made: of a loop that is measured a bar more, see `engine.rendering.on_grid`."""
        return self.seconds + (self.bar_s(1) if self.loop and self.on_grid and self.clip is None else 0.0)

    @property
    def seconds(self) -> float:
        """Length of the new audio in seconds."""
        if self.to_s is not None and self.from_s is not None:
            return self.to_s - self.from_s
        if self.to_bar is not None and self.from_bar is not None:
            return self.bar_s(self.to_bar - self.from_bar)
        if self.bars is not None:
            return self.bar_s(self.bars)
        return 10.0 if self.duration_s is None else self.duration_s

    def seed_of(self, variation: int) -> int:
        """The seed of a variation, counted from 1: the request's own, and those that follow it."""
        assert self.seed is not None, "a seed is drawn before a request is planned"
        return (self.seed + variation - 1) % 2**31

    def frames(self, samplerate: int) -> int:
        """Length of the new audio in sample frames at `samplerate` Hz."""
        return round(self.seconds * samplerate)


def draw_seed() -> int:
    """A seed at random. It and those of its variations stay below 2^24, so that a client that has only 32-bit floats can repeat
    them.
    """
    return secrets.randbelow(2**24 - limits.MAX_CANDIDATES)


def request_from_mapping(values: Mapping[str, Any]) -> GenerationRequest:
    """A request from loose keys and values (OSC, TOML, JSON). An unknown key raises RequestError with the known ones."""
    known = {f.name for f in dataclasses.fields(GenerationRequest)}
    for name in values:
        if name not in known:
            raise RequestError(f"unknown key {name!r}: known are {', '.join(sorted(known))}")
    return GenerationRequest(**values)


def _check_place(request: GenerationRequest) -> None:
    """Where in the clip it begins and, of a fill, ends."""
    check_number("from_s", request.from_s, 0, MAX_CLIP_S, optional=True)
    check_number("to_s", request.to_s, 0, MAX_CLIP_S + limits.MAX_DURATION_S, optional=True)
    for name in ("from_bar", "to_bar"):
        check_number(name, getattr(request, name), 1, limits.MAX_BAR, whole=True, optional=True)
    if request.from_s is not None and request.from_bar is not None:
        raise RequestError("give from_s or from_bar, not both")
    if request.from_bar is not None and request.clip is None:
        raise RequestError("from_bar is a place in a clip: give clip, or leave from_bar away")
    if not request.is_fill:
        if request.candidates is not None:
            raise RequestError("candidates are what a fill chooses from: give from_s and to_s, or leave candidates away")
        return
    check_number("candidates", request.candidates, 1, limits.MAX_CANDIDATES, whole=True, optional=True)
    if request.clip is None:
        raise RequestError("a fill replaces a part of a clip: give clip")
    if request.duration_s is not None or request.bars is not None:
        raise RequestError("a fill lasts as long as the region: leave duration_s, bars and loop away")
    begin, end = (request.from_s, request.to_s) if request.to_bar is None else (request.from_bar, request.to_bar)
    if begin is None or end is None or (request.to_s is not None and request.to_bar is not None):
        raise RequestError("the region's beginning and end are needed, both in seconds (from_s, to_s) or both in bars")
    if not begin < end:
        raise RequestError(f"the region begins at {begin:g} and ends at {end:g}: its end must come after its beginning")
    if request.variations > (most := request.candidates or limits.CANDIDATES):
        raise RequestError(f"variations is {request.variations}: at most as many as there are candidates, {most}, are allowed")


def _check_length(request: GenerationRequest) -> None:
    if request.duration_s is not None and request.bars is not None:
        raise RequestError("give duration_s or bars, not both")
    if request.bars is not None:
        check_number("bars", request.bars, 1, 512, whole=True)
        if request.bpm is None and request.clip is None:
            raise RequestError("bars needs bpm: say the tempo, such as bpm 124, or write it into the prompt")
    check_number("duration_s", request.duration_s, 0.5, limits.MAX_DURATION_S, optional=True)
    if request.bars is not None and request.bpm is not None and not 0.5 <= request.seconds <= limits.MAX_DURATION_S:
        raise RequestError(
            f"{request.bars} bars at {request.bpm:g} bpm last {request.seconds:.1f} s: "
            f"0.5 to {limits.MAX_DURATION_S:g} s are allowed"
        )
