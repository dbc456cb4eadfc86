"""What a client may ask: one frozen class a command, with its fields' types, ranges, defaults and meanings.

These classes are the table of commands: the parser, clients, `inspire osc` and the documentation read them. Every command's first
argument is a request id that the client chooses; then the command's arguments in order (fields without a default); then key,
value pairs in any order (fields with one). Pure: no socket, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Annotated, Any, TypeVar

from bridge.errors import MessageError
from bridge.osc.arguments import shown
from bridge.osc.fields import COMMON, Message, Meta, read_message
from bridge.osc.protocol import (
    HISTORY_LIMIT,
    JOB_STATES,
    LEARN_S,
    LEAST_DATAGRAM_OUT,
    LEAST_GAIN_DB,
    MAX_DATAGRAM_OUT,
    MAX_GAIN_DB,
    MAX_LISTED,
    MIDI_ACTIONS,
    MIDI_KINDS,
    PROTOCOL,
    SKETCH_BARS,
    SKETCH_S,
    SKETCHES,
    STARTS,
    TRANSPORT_S,
)
from engine.api import (
    BEAT_UNITS,
    DECODE_PATHS,
    JOINS,
    MAX_CLIP_S,
    MAX_DURATION_S,
    MAX_PROMPT_CHARS,
    MAX_VARIATIONS,
    SECTIONS,
    TIMBRES,
    GenerationRequest,
    RequestError,
)

COMMANDS: dict[str, Message] = {}
TYPES: dict[str, type[Command]] = {}  # by address


@dataclass(frozen=True)
class Command:
    """`reply_port` is where the sender listens, None for where it sent from."""

    id: str
    reply_port: int | None = field(default=None, kw_only=True)

    @classmethod
    def read(cls, id: str, **values: Any) -> Command:
        """The command of these checked values: of this class, unless it leads to another. Raises MessageError."""
        return cls(id, **values)


C = TypeVar("C", bound=type[Command])


def command(address: str, doc: str, *answers: str) -> Callable[[C], C]:
    """Puts a class into the table. `answers` name replies."""

    def add(type_: C) -> C:
        COMMANDS[address], TYPES[address] = read_message(type_, address, doc, answers, COMMON), type_
        return type_

    return add


# ---- values that several commands have

_JOB_EVENTS = ("ack", "queued", "progress", "chunk", "done", "fail", "cancelled")
JobId = Annotated[str, Meta("the id of a generate, continue or again", 1, 100)]
_Prompt = Annotated[str, Meta("what to play: style, tempo, key, instruments", 0, MAX_PROMPT_CHARS, is_free=True)]
_Play = Annotated[bool, Meta("1: heard on the audio device while it is generated; when not given 0, from the command line 1")]
_OWN = "when not given the model's own, of sketch"
_ResultName = Annotated[str, Meta("file name of the result, inside the output folder", 1, 200)]
_Limit = Annotated[int, Meta(f"entries at most; {HISTORY_LIMIT} when not given", 1, MAX_LISTED)]
_BANKS = "electronic, band, jazz_latin, cinematic, utilities, or a file of your own"
_Bank = Annotated[str, Meta(f"a bank of presets: {_BANKS}", 1, 100)]
Action = Annotated[str, Meta("what it does", choices=MIDI_ACTIONS)]
Kind = Annotated[str, Meta("which MIDI message does it", choices=MIDI_KINDS)]
Number = Annotated[int, Meta("the note, program or controller; any when not given", 0, 127)]
Channel = Annotated[int, Meta("the MIDI channel; any when not given", 1, 16)]
Low = Annotated[float, Meta("of gain in dB and guidance: what a controller's 0 stands for", LEAST_GAIN_DB, 20)]
High = Annotated[float, Meta("of gain in dB and guidance: what a controller's 127 stands for", LEAST_GAIN_DB, 20)]


# ---- the connection


@command(
    "/inspire/hello",
    "registers a client: its replies go to one place, it hears events; any message renews the lease",
    "welcome",
    "fail",
)
@dataclass(frozen=True)
class Hello(Command):
    name: Annotated[str, Meta("who is speaking", 0, 100)]
    protocol: Annotated[int, Meta(f"the protocol it speaks: {PROTOCOL}", 1, 1000)]
    events: Annotated[str, Meta("own: of the jobs it asked for; all: of every job", choices=("own", "all"))] = "own"
    max_datagram: Annotated[int, Meta("bytes of the largest reply it can read", LEAST_DATAGRAM_OUT, MAX_DATAGRAM_OUT)] = (
        MAX_DATAGRAM_OUT
    )


# ---- jobs


@dataclass(frozen=True, kw_only=True)
class _Music(Command):
    """What generate, continue and sketch may say. What is given becomes a Submit, or a Draft where values are still to come."""

    duration_s: Annotated[
        float | None, Meta("length of the new audio in seconds; 10 when neither this nor bars is given", 0.5, MAX_DURATION_S)
    ] = None
    bars: Annotated[
        int | None, Meta("length of the new audio in bars, at bpm or at the tempo of the prompt or the clip", 1, 512)
    ] = None
    bpm: Annotated[float | None, Meta("tempo in beats per minute", 20, 400)] = None
    beats_per_bar: Annotated[int | None, Meta("beats in a bar", 1, 16)] = None
    beat_unit: Annotated[
        int | None, Meta("the note a beat is: 2, 4, 8 or 16; 8 in 7/8, where bpm counts quarter notes still", 2, 16)
    ] = None
    key: Annotated[str | None, Meta("such as A minor, F#m, A-Dur or 8A; in other modes the nearest one", 1, 20)] = None
    section: Annotated[str | None, Meta("which part of a piece this is", choices=SECTIONS)] = None
    time_start_s: Annotated[float | None, Meta("where in the whole piece the result begins", 0, 3600)] = None
    time_end_s: Annotated[float | None, Meta("how long the whole piece is", 0, 3600)] = None
    seed: Annotated[int | None, Meta("same seed, same machine, same audio; drawn at random when not given", 0, 2**31 - 1)] = None
    variations: Annotated[
        int | None, Meta("so many in one go: the first with this seed, the others with the next", 1, MAX_VARIATIONS)
    ] = None
    guidance: Annotated[float | None, Meta(f"how strictly prompt and clip are followed; {_OWN} 5, with a clip 2", 0, 20)] = None
    top_k: Annotated[int | None, Meta(f"how many tokens the sampler chooses from; {_OWN} 100", 1, 100_000)] = None
    temperature: Annotated[float | None, Meta(f"how freely it chooses; {_OWN} 0.9", 0, 5)] = None
    decode: Annotated[str | None, Meta("full: flow matching, 48 kHz; fast: token decoder, 24 kHz", choices=DECODE_PATHS)] = None
    model: Annotated[str | None, Meta("a model's name or its folder; the settings' one when not given", 1, 1000)] = None
    preset: Annotated[
        str | None,
        Meta("a preset's name, or selected; the request's own keys win over it, and its prompt unless empty", 1, 60),
    ] = None
    play: _Play | None = None
    start: Annotated[
        str | None,
        Meta(
            "bar: heard from the host's next bar on (transport, MIDI clock), at its tempo unless bpm is given", choices=STARTS
        ),
    ] = None
    path: _ResultName | None = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        return _submission(id, values, is_sketch=False)


@command("/inspire/generate", "text to music", *_JOB_EVENTS)
@dataclass(frozen=True)
class Generate(_Music):
    prompt: _Prompt


@command("/inspire/continue", "goes on from a recorded clip", *_JOB_EVENTS)
@dataclass(frozen=True)
class Continue(_Music):
    clip: Annotated[str, Meta("path of an audio file, or of a MIDI file, which FluidSynth plays", 1, 1000, is_free=True)]
    prompt: _Prompt | None = None
    from_s: Annotated[float | None, Meta("continue from this second of the clip; its end when not given", 0, MAX_CLIP_S)] = None
    context_s: Annotated[float | None, Meta("how many seconds before from_s the model hears", 1, 30)] = None
    timbre: Annotated[
        str | None,
        Meta("clip: in the clip's own sound; model: in the model's; clip unless words ask for others", choices=TIMBRES),
    ] = None
    join: Annotated[str | None, Meta("append: the clip and the new part in one file; new: only the new part", choices=JOINS)] = (
        None
    )


@command(
    "/inspire/sketch",
    f"generate, to choose from: {SKETCHES} variations of {SKETCH_BARS} bars, without a tempo {SKETCH_S:g} s, unless it says",
    *_JOB_EVENTS,
)
@dataclass(frozen=True)
class Sketch(_Music):
    prompt: _Prompt

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        return _submission(id, values, is_sketch=True)


@dataclass(frozen=True)
class Submit(Command):
    """A job with all its values, whichever command asked for it. `path` is the result's name.

    `weights` are those that the model must have, empty for any: what a job was made with that is asked for again.
    """

    request: GenerationRequest
    play: bool = False
    path: str | None = None
    weights: str = ""
    start: str = "now"  # one of STARTS
    draft: Draft | None = None  # what it was made from


@dataclass(frozen=True)
class Draft(Command):
    """A submit that leaves values to where they are known, a preset's, a MIDI clip's, the clock's: `complete` makes it a Submit.

    `music` are the request's own fields, `ours` the rest of Submit's. A sketch need not name a preset.
    """

    preset: str | None
    music: dict[str, Any]
    ours: dict[str, Any]
    is_sketch: bool = False

    def above(self, preset: Mapping[str, Any], music: dict[str, Any]) -> dict[str, Any]:
        """What wins over a preset's values: `music`, and of a sketch how short it is, and how many there are."""
        if not self.is_sketch:
            return music
        length: dict[str, Any] = {}
        if not {"bars", "duration_s"} & music.keys():
            has_tempo = (music | dict(preset)).get("bpm")
            length = {"bars": SKETCH_BARS} if has_tempo else {"duration_s": SKETCH_S}
        return {"variations": SKETCHES} | length | music

    def complete(self, music: dict[str, Any]) -> Submit:
        """Raises MessageError when the values do not go together."""
        try:
            return Submit(self.id, GenerationRequest(**music), **self.ours, reply_port=self.reply_port, draft=self)
        except RequestError as error:
            message = f"{error} (with preset {self.preset})" if self.preset else str(error)
            raise MessageError(message, error.code, self.id, self.reply_port) from None


@command(
    "/inspire/again",
    "asks for a job's request again: the same audio, or a fail where its model has changed, unless another seed is given",
    *_JOB_EVENTS,
)
@dataclass(frozen=True)
class Again(Command):
    """Under a new id. What is None is as it was then."""

    job: JobId
    play: Annotated[bool | None, Meta("1: heard; when not given as then, from the command line 1")] = None
    path: _ResultName | None = None
    seed: Annotated[int | None, Meta("in place of the job's own", 0, 2**31 - 1)] = None
    decode: Annotated[str | None, Meta("in place of the job's own: the same music, at this quality", choices=DECODE_PATHS)] = None


@command(
    "/inspire/cancel",
    "stops the job with this id (or the one named by job) within a token step; what was generated stays; again: its state",
    "ack",
    "state",
    "fail",
)
@dataclass(frozen=True)
class Cancel(Command):
    job: JobId = ""

    @classmethod
    def read(cls, id: str, **values: Any) -> Cancel:
        return cls(id, **{"job": id, **values})


@dataclass(frozen=True)
class SetPaused(Command):
    paused: bool


@command("/inspire/pause", "the running job ends, no other begins until resume, also not after a restart", "ack")
@dataclass(frozen=True)
class Pause(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> SetPaused:
        return SetPaused(id, True, **values)


@command("/inspire/resume", "waiting jobs begin again", "ack")
@dataclass(frozen=True)
class Resume(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> SetPaused:
        return SetPaused(id, False, **values)


@command("/inspire/status", "asks for the daemon's state, or a job's", "state", "fail")
@dataclass(frozen=True)
class Status(Command):
    job: JobId | None = None


@command("/inspire/jobs", "asks for the jobs that run and wait, in the order of their turns", "found", "entry")
@dataclass(frozen=True)
class ListJobs(Command):
    limit: _Limit = HISTORY_LIMIT
    offset: Annotated[int, Meta("leave out so many of the first", 0, 2**31 - 1)] = 0


@command(
    "/inspire/history", "searches what was made, also by daemons before this one; the newest first", "found", "entry", "fail"
)
@dataclass(frozen=True)
class History(Command):
    """Empty texts ask for nothing in particular."""

    words: Annotated[str, Meta("all of these stand in the prompt or the clip's name", 0, 200, is_free=True)] = ""
    state: Annotated[str, Meta("only jobs that ended so, or have not", choices=JOB_STATES)] = ""
    since: Annotated[str, Meta("only from this day (UTC) on: 2026, 2026-11 or 2026-11-21", 4, 10)] = ""
    until: Annotated[str, Meta("only up to and with this day, month or year (UTC)", 4, 10)] = ""
    kept: Annotated[bool, Meta("1: only favourites")] = False
    limit: _Limit = HISTORY_LIMIT
    offset: Annotated[int, Meta("leave out this many of the newest", 0, 2**31 - 1)] = 0

    @classmethod
    def read(cls, id: str, **values: Any) -> History:
        for name in ("since", "until"):
            if name in values and not _is_day(values[name]):
                raise MessageError(f"{name} is {shown(values[name])}: a day such as 2026-11-21 is allowed", "bad_value")
        return cls(id, **values)


@command("/inspire/keep", "makes a result a favourite: it is never removed for its space", "ack", "fail")
@dataclass(frozen=True)
class Keep(Command):
    job: JobId
    keep: Annotated[bool, Meta("0: no longer")] = True


@command(
    "/inspire/delete",
    "moves a result and the files of its name to a folder Deleted beside them, and forgets the job",
    "ack",
    "fail",
)
@dataclass(frozen=True)
class Delete(Command):
    job: JobId


# ---- presets


@command("/inspire/presets", "asks for all presets, or a bank's: one reply each", "preset", "fail")
@dataclass(frozen=True)
class ListPresets(Command):
    bank: _Bank | None = None


@command("/inspire/preset/select", "selects a preset", "preset", "fail")
@dataclass(frozen=True)
class SelectPreset(Command):
    preset: Annotated[str, Meta("a preset's name, or its number in the list that presets tells, from 0", 1, 60)]


@dataclass(frozen=True)
class StepPreset(Command):
    by: int


@command("/inspire/preset/next", "selects the next preset", "preset")
@dataclass(frozen=True)
class NextPreset(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> StepPreset:
        return StepPreset(id, 1, **values)


@command("/inspire/preset/previous", "selects the one before", "preset")
@dataclass(frozen=True)
class PreviousPreset(Command):
    @classmethod
    def read(cls, id: str, **values: Any) -> StepPreset:
        return StepPreset(id, -1, **values)


@command("/inspire/preset/bank", "selects a bank's first preset", "preset", "fail")
@dataclass(frozen=True)
class SelectBank(Command):
    bank: _Bank


@command("/inspire/preset/save", "keeps what a job asked for, without its clip and seed, as a preset", "preset", "fail")
@dataclass(frozen=True)
class SavePreset(Command):
    name: Annotated[str, Meta("the new preset's name", 1, 60)]
    job: JobId


# ---- audio and MIDI


@command(
    "/inspire/gain", "sets how loud the audio device plays, at once and without a click; files keep their level", "ack", "fail"
)
@dataclass(frozen=True)
class SetGain(Command):
    gain_db: Annotated[float, Meta("0: as it is in the file", LEAST_GAIN_DB, MAX_GAIN_DB)]


@command("/inspire/play", "plays a result that is there; a cancel of its job, or another play, ends it", "ack", "fail")
@dataclass(frozen=True)
class Play(Command):
    job: JobId
    variation: Annotated[int, Meta("which, counted from 1", 1, MAX_VARIATIONS)] = 1


@command(
    "/inspire/transport",
    f"tells the host's transport, for start bar: counts for {TRANSPORT_S:g} s, so say it once a second; wins over MIDI clock",
    "ack",
    "fail",
)
@dataclass(frozen=True)
class TellTransport(Command):
    """As it is when it is sent. The last one wins, whoever sends it."""

    bpm: Annotated[float, Meta("tempo in quarter notes per minute", 10, 1000)]
    position_beats: Annotated[
        float, Meta("where the song is, in quarter notes from its beginning; negative in a count-in", -1_000, 1_000_000)
    ]
    playing: Annotated[bool, Meta("1: it moves on from there; 0: it is stopped")]
    beats_per_bar: Annotated[
        int | None, Meta("beats in a bar; when not given the setting midi_beats_per_bar, else the job's", 1, 16)
    ] = None
    beat_unit: Annotated[int | None, Meta("the note a beat is: 2, 4, 8 or 16; 4 when not given", 2, 16)] = None

    @classmethod
    def read(cls, id: str, **values: Any) -> TellTransport:
        unit = values.get("beat_unit", 4)
        if unit not in BEAT_UNITS:
            raise MessageError(f"beat_unit is {unit}: one of 2, 4, 8, 16 is allowed", "bad_value")
        if (beats := values.get("beats_per_bar", 4)) * 4 / unit > 16:
            raise MessageError(f"the metre is {beats}/{unit}: bars of at most 16 quarter notes are allowed", "bad_request")
        if unit != 4 and "beats_per_bar" not in values:
            raise MessageError("beat_unit is given without beats_per_bar: give both, or neither", "bad_request")
        return cls(id, **values)


@command("/inspire/midi/list", "asks what MIDI does: one reply each", "found", "midi/binding", "fail")
@dataclass(frozen=True)
class ListBindings(Command):
    pass


@dataclass(frozen=True)
class Learn(Command):
    """`values` are the action's own arguments and keys, and what a controller's ends stand for."""

    action: str
    values: dict[str, Any]


@command(
    "/inspire/midi/learn",
    f"the next note, program or controller that comes does this from now on; a cancel of its id or {LEARN_S:g} s end it",
    "ack",
    "midi/binding",
    "fail",
)
@dataclass(frozen=True)
class LearnAction(Command):
    action: Action
    preset: Annotated[str | None, Meta("of preset/select, generate and sketch: which", 1, 60)] = None
    bank: Annotated[str | None, Meta("of preset/bank: which", 1, 100)] = None
    start: Annotated[str | None, Meta("of generate and sketch: when it is heard", choices=STARTS)] = None
    low: Low | None = None
    high: High | None = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Learn:
        return Learn(id, values.pop("action"), reply_port=values.pop("reply_port", None), values=values)


@command("/inspire/midi/forget", "what this did, it does no more", "ack", "fail")
@dataclass(frozen=True)
class Forget(Command):
    kind: Kind
    number: Number | None = None
    channel: Channel | None = None


# ---- the daemon


@command("/inspire/models", "asks for all models: one reply each", "model")
@dataclass(frozen=True)
class ListModels(Command):
    pass


@command("/inspire/ping", "are you there", "pong")
@dataclass(frozen=True)
class Ping(Command):
    pass


@command("/inspire/quit", "ends the daemon; a running job keeps what it has, those that wait go on with the next daemon", "ack")
@dataclass(frozen=True)
class Quit(Command):
    drop: Annotated[bool, Meta("1: those that wait are cancelled")] = False


def is_midi_clip(clip: str | None) -> bool:
    """By its name: one that is not what it says fails when it is read."""
    return clip is not None and clip.lower().strip("'\" ").endswith((".mid", ".midi"))


_MUSIC_FIELDS = {f.name for f in fields(GenerationRequest)}


def _submission(id: str, values: dict[str, Any], is_sketch: bool) -> Submit | Draft:
    reply_port, preset = values.pop("reply_port", None), values.pop("preset", None)
    music = {name: value for name, value in values.items() if name in _MUSIC_FIELDS}
    ours = {"play": False} | {name: value for name, value in values.items() if name not in _MUSIC_FIELDS}
    if preset or is_sketch or values.get("start") == "bar" or is_midi_clip(values.get("clip")):
        return Draft(id, preset, music, ours, is_sketch, reply_port=reply_port)
    return Submit(id, GenerationRequest(**music), **ours, reply_port=reply_port)


def _is_day(text: str) -> bool:
    """Whether it is a year, a month or a day."""
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}(-\d\d){0,2}", text) is not None
