"""What makes music: generate, continue and sketch, and the request that comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from bridge.errors import MessageError
from bridge.osc.commands.submission import Draft, Submit, submission
from bridge.osc.commands.table import JOB_EVENTS, Command, Play, ResultName, Table
from bridge.osc.fields import Meta
from bridge.osc.protocol import SKETCH_BARS, SKETCH_S, SKETCHES, STARTS
from engine.api import (
    CANDIDATES,
    DECODE_PATHS,
    JOINS,
    LOOP_BARS,
    MAX_BAR,
    MAX_CANDIDATES,
    MAX_CLIP_S,
    MAX_DURATION_S,
    MAX_PROMPT_CHARS,
    MAX_VARIATIONS,
    SECTIONS,
    TIMBRES,
)

TABLE = Table()

_Prompt = Annotated[str, Meta("what to play: style, tempo, key, instruments", 0, MAX_PROMPT_CHARS, is_free=True)]
_Clip = Annotated[str, Meta("path of an audio file, or of a MIDI file, which FluidSynth plays", 1, 1000, is_free=True)]
_Sections = Annotated[
    str,
    Meta("NAME:BARS for each, or NAME:BARS=WORDS, such as intro:4 verse:8 drop:8=dark, drums outro:4", 1, 4000, is_free=True),
]
_Timbre = Annotated[
    str, Meta("clip: in the clip's own sound; model: in the model's; clip unless words ask for others", choices=TIMBRES)
]
_StartS = Annotated[float, Meta("where in the clip the region begins", 0, MAX_CLIP_S)]
_EndS = Annotated[float, Meta("where it ends", 0, MAX_CLIP_S + MAX_DURATION_S)]
_StartBar = Annotated[int, Meta("the region in bars of the clip, whose first is 1; start_s and end_s are 0 then", 1, MAX_BAR)]
_EndBar = Annotated[int, Meta("with start_bar: the bar that follows the region", 1, MAX_BAR)]
_Candidates = Annotated[
    int, Meta(f"of so many, with this seed and those that follow, the best is chosen; {CANDIDATES}", 1, MAX_CANDIDATES)
]
_REGION = {"start_s", "end_s", "start_bar", "end_bar"}
_OWN = "when not given the model's own, of sketch"


@dataclass(frozen=True, kw_only=True)
class _Asked(Command):
    """What may be said of any music."""

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
    guidance: Annotated[float | None, Meta(f"how strictly prompt and clip are followed; {_OWN} 6, with a clip 2", 0, 20)] = None
    top_k: Annotated[int | None, Meta(f"how many tokens the sampler chooses from; {_OWN} 100", 1, 100_000)] = None
    temperature: Annotated[float | None, Meta(f"how freely it chooses; {_OWN} 0.9", 0, 5)] = None
    width: Annotated[
        float | None, Meta(f"of the stereo, 0 mono to 1; the mono sum is the same; {_OWN} 1, beside a clip the clip's", 0, 1)
    ] = None
    decode: Annotated[str | None, Meta("full: flow matching, 48 kHz; fast: token decoder, 24 kHz", choices=DECODE_PATHS)] = None
    midi: Annotated[
        bool | None, Meta("1: chords, drums and bass line are transcribed into tracks of the MIDI file beside the result")
    ] = None
    model: Annotated[str | None, Meta("a model's name or its folder; the settings' one when not given", 1, 1000)] = None
    preset: Annotated[
        str | None,
        Meta("a preset's name, or selected; the request's own keys win over it, and its prompt unless empty", 1, 60),
    ] = None
    play: Play | None = None
    start: Annotated[
        str | None,
        Meta(
            "bar: played from the host's next bar on (transport, MIDI clock), at its tempo unless bpm is given; "
            "next_loop: from when the host's loop (transport) next begins, as long as that unless a length is given",
            choices=STARTS,
        ),
    ] = None
    path: ResultName | None = None


@dataclass(frozen=True, kw_only=True)
class _Values(_Asked):
    """What generate, continue, sketch and estimate may say: of what lasts as long as it is asked to."""

    duration_s: Annotated[
        float | None, Meta("length of the new audio in seconds; 10 when neither this nor bars is given", 0.5, MAX_DURATION_S)
    ] = None
    bars: Annotated[
        int | None, Meta("length of the new audio in bars, at bpm or at the tempo of the prompt or the clip", 1, 512)
    ] = None
    loop: Annotated[bool | None, Meta(f"1: in bars ({LOOP_BARS} when not given), and its end leads to its beginning")] = None
    grid: Annotated[
        bool | None,
        Meta(
            "1: measured before any of it goes out, then moved onto its grid or, over 20 ms off or a loop whose join is audible, "
            "made again with the next seed, 3 takes at most; when not given as loop"
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class _ClipValues(_Values):
    """What may be said of a clip, too."""

    from_s: Annotated[float | None, Meta("continue from this second of the clip; its end when not given", 0, MAX_CLIP_S)] = None
    from_bar: Annotated[int | None, Meta("in place of from_s: a bar of the clip, whose first is 1", 1, MAX_BAR)] = None
    context_s: Annotated[float | None, Meta("how many seconds before from_s the model reads", 1, 30)] = None
    timbre: _Timbre | None = None
    join: Annotated[str | None, Meta("append: the clip and the new part in one file; new: only the new part", choices=JOINS)] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class _Music(_Values):
    """What is given becomes a Submit, or a Draft where values are still to come."""

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        return submission(id, values, is_sketch=False)


@TABLE.command("/inspire/generate", "text to music", *JOB_EVENTS)
@dataclass(frozen=True)
class Generate(_Music):
    prompt: _Prompt


@TABLE.command("/inspire/continue", "goes on from a recorded clip", *JOB_EVENTS)
@dataclass(frozen=True)
class Continue(_ClipValues, _Music):
    clip: _Clip
    prompt: _Prompt | None = None


@TABLE.command(
    "/inspire/fill",
    "replaces a part of a recorded clip by what leads from the music before it to the music after it",
    *JOB_EVENTS,
)
@dataclass(frozen=True)
class Fill(_Asked):
    clip: _Clip
    start_s: _StartS
    end_s: _EndS
    prompt: _Prompt | None = None
    start_bar: _StartBar | None = None
    end_bar: _EndBar | None = None
    candidates: _Candidates | None = None
    variations: Annotated[int | None, Meta("so many files: the best candidate and those next to it", 1, MAX_VARIATIONS)] = field(
        default=None, kw_only=True
    )
    context_s: Annotated[float | None, Meta("how many seconds before the region the model reads", 1, 30)] = None
    timbre: _Timbre | None = None
    join: Annotated[
        str | None,
        Meta(
            "new: the region alone; append: the whole clip with the region replaced; new, from the command line append",
            choices=JOINS,
        ),
    ] = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        return submission(id, {"join": "new"} | _of_region(values), is_sketch=False)


def _of_region(values: dict[str, Any]) -> dict[str, Any]:
    """A fill's values as a request's: its region in seconds or in bars. Raises MessageError."""
    seconds = {new: values[old] for old, new in (("start_s", "from_s"), ("end_s", "to_s")) if old in values}
    bars = {new: values[old] for old, new in (("start_bar", "from_bar"), ("end_bar", "to_bar")) if old in values}
    if bars and any(seconds.values()):
        problem = "the region is given in seconds and in bars: give one of them, for bars with start_s and end_s 0"
        raise MessageError(problem, "bad_request")
    return {name: value for name, value in values.items() if name not in _REGION} | (bars or seconds)


@TABLE.command(
    "/inspire/sketch",
    f"variations to choose from: {SKETCHES} of {SKETCH_BARS} bars, without a tempo of {SKETCH_S:g} s, unless other keys say so",
    *JOB_EVENTS,
)
@dataclass(frozen=True)
class Sketch(_Music):
    prompt: _Prompt

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        return submission(id, values, is_sketch=True)


@TABLE.command(
    "/inspire/arrange",
    "makes a whole piece of sections, each from where the last one ends, the first from a clip's end where one is given; "
    "it dies away in its last bar",
    *JOB_EVENTS,
)
@dataclass(frozen=True)
class Arrange(_ClipValues, _Music):
    sections: _Sections
    prompt: _Prompt | None = None
    clip: _Clip | None = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        arrangement = values.pop("sections")
        return submission(id, {"prompt": ""} | values | {"arrangement": arrangement}, is_sketch=False)


@TABLE.command(
    "/inspire/estimate",
    "how long a generate would take, with clip a continue, with a region too a fill, with sections an arrange; nothing is made",
    "estimated",
    "fail",
)
@dataclass(frozen=True)
class AskEstimate(_ClipValues):
    prompt: _Prompt | None = None
    clip: _Clip | None = None
    sections: _Sections | None = None
    start_s: _StartS | None = None
    end_s: _EndS | None = None
    start_bar: _StartBar | None = None
    end_bar: _EndBar | None = None
    candidates: _Candidates | None = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Estimate:
        if _REGION & values.keys():
            values = {"join": "new"} | _of_region(values)
        if "sections" in values:
            values["arrangement"] = values.pop("sections")
        asked = values if "clip" in values else {"prompt": "music"} | values
        of = submission(id, {**asked}, is_sketch=False)
        return Estimate(id, of, reply_port=of.reply_port)


@dataclass(frozen=True)
class Estimate(Command):
    """Of what is asked for."""

    of: Submit | Draft


@dataclass(frozen=True, kw_only=True)
class _Resynthesis(Command):
    """What takes a clip and no words."""

    seed: Annotated[int | None, Meta("same seed, same machine, same audio; drawn at random when not given", 0, 2**31 - 1)] = None
    model: Annotated[str | None, Meta("a model's name or its folder; the settings' one when not given", 1, 1000)] = None
    play: Play | None = None
    path: ResultName | None = None


@TABLE.command(
    "/inspire/upsample", "super resolution: a clip at 48 kHz, the frequencies above its own made by the model", *JOB_EVENTS
)
@dataclass(frozen=True)
class Upsample(_Resynthesis):
    clip: Annotated[str, Meta("path of an audio file", 1, 1000, is_free=True)]
    timbre: Annotated[
        str | None, Meta("clip: the recording stays as it is below; model: all is the model's; clip", choices=TIMBRES)
    ] = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        return submission(id, {"task": "upsample"} | values, is_sketch=False)


@TABLE.command("/inspire/reconstruct", "a clip through the model's codec and back: how much of it the codec keeps", *JOB_EVENTS)
@dataclass(frozen=True)
class Reconstruct(_Resynthesis):
    clip: Annotated[str, Meta("path of an audio file", 1, 1000, is_free=True)]
    decode: Annotated[str | None, Meta("full: the codec of flow matching; fast: the token decoder", choices=DECODE_PATHS)] = None

    @classmethod
    def read(cls, id: str, **values: Any) -> Submit | Draft:
        return submission(id, {"task": "reconstruct"} | values, is_sketch=False)
