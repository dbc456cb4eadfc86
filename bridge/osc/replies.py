"""What the daemon says: one frozen class a reply, with its fields' types and meanings.

These classes are the table of replies. Fields are arguments; a class `Keys` names the optional keys of the dictionary `pairs`.
The first argument of every reply is the request's id. Only int32, float32 and strings are sent. Pure: no socket, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from bridge.errors import BridgeError, MessageError
from bridge.osc.arguments import convert, read_values, shown
from bridge.osc.commands import Action, Channel, High, JobId, Kind, Low, Number
from bridge.osc.fields import Message, Meta, read_message, short_name
from bridge.osc.protocol import JOB_STATES, MAX_LIVE_IN_A_ROW, MAX_PROGRESS_PER_S
from bridge.plain_text import escaped
from engine.api import EngineError

REPLIES: dict[str, Message] = {}
TYPES: dict[str, type[Reply]] = {}  # by address
_ADDRESSES: dict[type[Reply], str] = {}


@dataclass(frozen=True)
class Reply:
    """`id` is the request's."""

    id: str


R = TypeVar("R", bound=type[Reply])
Pairs = dict[str, Any]  # a value that is None is not sent


def reply(address: str, doc: str) -> Callable[[R], R]:
    """Puts a class into the table."""

    def add(type_: R) -> R:
        REPLIES[address], TYPES[address], _ADDRESSES[type_] = read_message(type_, address, doc), type_, address
        return type_

    return add


# ---- values that several replies have

_Path = Annotated[str, Meta("the file; empty when there is no audio")]
_Others = Annotated[str, Meta("names of the other variations' files beside path, '/' between")]
_Duration = Annotated[float, Meta("seconds of audio in the file")]
_Index = Annotated[int, Meta("counts from 0")]
_Count = Annotated[int, Meta("how many there are in this answer")]
_Version = Annotated[str, Meta("the daemon's version")]
_Shortened = Annotated[int, Meta("1: something in it was cut or left out, to fit your max_datagram", 0, 1)]
_Protocol = Annotated[int, Meta("the protocol it speaks")]
_DoneS = Annotated[float, Meta("seconds of new audio generated")]
_TotalS = Annotated[float, Meta("seconds of new audio asked for")]
_Seed = Annotated[int, Meta("the seed used")]
_Rtf = Annotated[float, Meta("seconds of work for a second of audio")]
_Underruns = Annotated[int, Meta("gaps played on the audio device")]
_Paused = Annotated[int, Meta("1: none begins until resume")]
_Position = Annotated[int, Meta("jobs ahead of it")]


# ---- answers to commands


@reply("/inspire/pong", "here I am")
@dataclass(frozen=True)
class Pong(Reply):
    version: _Version
    protocol: _Protocol


@reply("/inspire/welcome", "you are registered")
@dataclass(frozen=True)
class Welcome(Reply):
    version: _Version
    protocol: _Protocol
    lease_s: Annotated[float, Meta("seconds without a message until you are forgotten")]


@reply("/inspire/ack", "the command is accepted")
@dataclass(frozen=True)
class Ack(Reply):
    pass


@reply("/inspire/preset", "a preset")
@dataclass(frozen=True)
class PresetInfo(Reply):
    index: _Index
    count: _Count
    name: Annotated[str, Meta("its name")]
    bank: Annotated[str, Meta("its bank")]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        description: Annotated[str, Meta("what it is for", is_sentence=True)]
        prompt: Annotated[str, Meta("what it plays, the beginning of it", is_sentence=True)]
        bpm: Annotated[float, Meta("its tempo")]
        key: Annotated[str, Meta("its key")]
        bars: Annotated[int, Meta("its length in bars")]
        shortened: _Shortened


@reply("/inspire/model", "a model")
@dataclass(frozen=True)
class ModelReply(Reply):
    index: _Index
    count: _Count
    name: Annotated[str, Meta("what to call it")]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        kind: Annotated[str, Meta("embedded; own: in your models folder; released: as InspireMusic publishes them")]
        megabytes: Annotated[float, Meta("size of its weights")]
        loaded: Annotated[int, Meta("1: it is in memory")]
        path: Annotated[str, Meta("its folder")]
        shortened: _Shortened


@reply("/inspire/midi/binding", "what a MIDI message does: settings.toml has it")
@dataclass(frozen=True)
class BindingInfo(Reply):
    index: _Index
    action: Action
    kind: Kind
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        number: Number
        channel: Channel
        low: Low
        high: High
        values: Annotated[str, Meta("arguments and keys that go with the action, as TOML has them")]
        shortened: _Shortened


# ---- what happens to a job


@reply(
    "/inspire/queued",
    f"the job waits: continuations go before text, but not more than {MAX_LIVE_IN_A_ROW} in a row; clients take turns",
)
@dataclass(frozen=True)
class Queued(Reply):
    position: _Position
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        paused: _Paused
        later: Annotated[int, Meta("1: the daemon ends; the job waits for the next one, and is not played then")]


@reply("/inspire/progress", f"at most {MAX_PROGRESS_PER_S} a second")
@dataclass(frozen=True)
class ProgressReport(Reply):
    done_s: _DoneS
    total_s: _TotalS
    rtf: Annotated[float, Meta("seconds of work for a second of audio; 0 while unknown")]


@reply("/inspire/chunk", "a piece of audio is on disk")
@dataclass(frozen=True)
class Chunk(Reply):
    index: _Index
    start_s: Annotated[float, Meta("where in the file it begins")]
    duration_s: Annotated[float, Meta("how long it is")]
    path: Annotated[str, Meta("the growing file, playable now and under the name it keeps")]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        variation: Annotated[int, Meta("which, counted from 1, where there are several; index and start_s are its own")]
        shortened: _Shortened


@reply("/inspire/done", "the job's end: all of it is on disk")
@dataclass(frozen=True)
class Done(Reply):
    path: _Path
    duration_s: _Duration
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        others: _Others
        samplerate: Annotated[int, Meta("Hz")]
        seed: _Seed
        rtf: _Rtf
        first_chunk_s: Annotated[float, Meta("seconds from the job's start to its first chunk of new audio on disk")]
        underruns: _Underruns
        bar: Annotated[int, Meta("of start bar and next_loop: the host's bar that it plays from, counted from 1")]
        bpm: Annotated[float, Meta("tempo measured in the result")]
        bpm_measured: Annotated[float, Meta("tempo measured against the grid that was asked for; not where there is no beat")]
        downbeat_ms: Annotated[float, Meta("by how many milliseconds the beats are late on that grid; negative: early")]
        grid_confidence: Annotated[float, Meta("0 to 1: how much of what begins, begins on that grid")]
        rolls: Annotated[int, Meta("takes made to be on the grid, of which this is the best", 1)]
        note: Annotated[str, Meta("what was understood otherwise than it was written", is_sentence=True)]
        weights: Annotated[str, Meta("the model's weights, as a hash: again asks for the same")]
        shortened: _Shortened


@reply("/inspire/fail", "the command's or the job's end: it cannot be done")
@dataclass(frozen=True)
class Fail(Reply):
    code: Annotated[str, Meta("one of the codes below")]
    message: Annotated[str, Meta("what was wrong, what is allowed, what to do", is_sentence=True)]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        path: _Path
        duration_s: _Duration
        others: _Others
        shortened: _Shortened


@reply("/inspire/cancelled", "the job's end: stopped as asked")
@dataclass(frozen=True)
class Cancelled(Reply):
    path: _Path
    duration_s: _Duration
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        others: _Others
        shortened: _Shortened


End = Done | Fail | Cancelled


# ---- what there is


@reply("/inspire/found", "how many fit the question; as many entries (or bindings) as shown follow")
@dataclass(frozen=True)
class Found(Reply):
    count: Annotated[int, Meta("how many fit")]
    shown: Annotated[int, Meta("entries that follow")]


@reply("/inspire/estimated", "how long a request would take, as this machine has worked so far")
@dataclass(frozen=True)
class Estimated(Reply):
    first_s: Annotated[float, Meta("seconds from the job's begin to its first new audio; loading the model included")]
    total_s: Annotated[float, Meta("seconds from the job's begin to its end")]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        wait_s: Annotated[float, Meta("seconds until it would begin, after the jobs that run and wait")]
        new_s: Annotated[float, Meta("seconds of new audio that it makes")]
        measured: Annotated[int, Meta("how many jobs this rests on; 0: on the engine's warm-up alone")]


@reply("/inspire/entry", "a job: in the history, or of those that run and wait")
@dataclass(frozen=True)
class Entry(Reply):
    index: Annotated[int, Meta("counts from offset; of one that waits, the jobs ahead of it")]
    job: JobId
    state: Annotated[str, Meta("what became of it", choices=JOB_STATES)]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        created: Annotated[str, Meta("when it was asked for: ISO 8601, UTC")]
        client: Annotated[str, Meta("who asked: as it said hello, else its address")]
        kept: Annotated[int, Meta("1: a favourite")]
        prompt: Annotated[str, Meta("what was to be played; its beginning", is_sentence=True)]
        clip: Annotated[str, Meta("the name of the clip that was continued")]
        seed: _Seed
        path: _Path
        others: _Others
        duration_s: _Duration
        shortened: _Shortened


_STATES = ("starting", "idle", "busy", "down")  # of the daemon


@reply("/inspire/state", "the daemon's state, or a job's where job is given")
@dataclass(frozen=True)
class State(Reply):
    state: Annotated[str, Meta(f"daemon: {', '.join(_STATES)}; job: {', '.join(JOB_STATES)}", choices=(*_STATES, *JOB_STATES))]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        job: JobId
        version: _Version
        protocol: _Protocol
        pid: Annotated[int, Meta("the daemon's process")]
        engine_pid: Annotated[int, Meta("the engine's process; absent while it is down")]
        model: Annotated[str, Meta("the model that is loaded")]
        engine_device: Annotated[str, Meta("what the model runs on")]
        restarts: Annotated[int, Meta("times the engine had to be started again")]
        running: Annotated[str, Meta("the running job")]
        queued: Annotated[int, Meta("jobs that wait")]
        paused: _Paused
        clients: Annotated[int, Meta("registered clients")]
        folder: Annotated[str, Meta("where results go")]
        audio_device: Annotated[str, Meta("where sound goes, or why it does not", is_sentence=True)]
        playing: Annotated[int, Meta("1 while the audio device sounds")]
        underruns: _Underruns
        midi_in: Annotated[str, Meta("where MIDI comes from, or why it does not", is_sentence=True)]
        transport: Annotated[str, Meta("the host's, while it reports it or there is a MIDI clock: playing or stopped")]
        transport_from: Annotated[str, Meta("report: as /inspire/transport reported it; midi_clock: by the MIDI clock")]
        bpm: Annotated[float, Meta("the host's tempo")]
        bar: Annotated[int, Meta("where it is, in bars from 1")]
        beats_per_bar: Annotated[
            int, Meta("of these bars: the host's, else the setting midi_beats_per_bar, else the running job's, else 4")
        ]
        beat_unit: Annotated[int, Meta("the note that a beat of these bars is; bpm counts quarter notes in every metre")]
        gain_db: Annotated[float, Meta("how loud the audio device plays; 0: as it is in the file")]
        peak_db: Annotated[float, Meta("highest level of the last 0.3 s on the audio device, in dBFS; only while it is open")]
        rms_db: Annotated[float, Meta("mean level of the last 0.3 s on the audio device, in dBFS; only while it is open")]
        problem: Annotated[str, Meta("what is wrong with the engine, if anything", is_sentence=True)]
        position: _Position
        done_s: _DoneS
        total_s: _TotalS
        rtf: _Rtf
        path: _Path
        duration_s: _Duration
        shortened: _Shortened


def encode_reply(reply: Reply) -> tuple[str, list[int | float | str]]:
    """Address and arguments, of int, float and str only, in the table's order. A pair that is None is left out."""
    message = message_of(reply)
    values: list[int | float | str] = [reply.id]
    values += [convert(f.type, getattr(reply, f.name)) for f in message.arguments]
    for name, value in pairs_of(reply).items():
        key = message.pair(name)
        assert key is not None, f"{message.address} has no key {name!r}"
        if value is not None:
            values += [name, convert(key.type, value)]
    return message.address, values


def decode_reply(address: str, arguments: list[Any]) -> Reply:
    """The client's half of `encode_reply`. Raises MessageError."""
    message = REPLIES.get(address)
    if message is None:
        raise MessageError(f"the daemon sends no {shown(address)}", "unknown_address")
    if not arguments or not isinstance(arguments[0], str):
        raise MessageError(f"{address} came without an id", "no_id")
    values = read_values(message, arguments[1:])
    names = {f.name for f in message.arguments}
    given = {name: value for name, value in values.items() if name in names}
    if message.pairs:
        given["pairs"] = {name: value for name, value in values.items() if name not in names}
    return TYPES[address](arguments[0], **given)


def message_of(reply: Reply) -> Message:
    return REPLIES[_ADDRESSES[type(reply)]]


def pairs_of(reply: Reply) -> Pairs:
    """Its optional keys; none where it has no room for them."""
    pairs: Pairs = getattr(reply, "pairs", {})
    return pairs


def name_of(reply: Reply) -> str:
    """Its address without the prefix, such as "done"."""
    return short_name(_ADDRESSES[type(reply)])


def others_of(paths: Sequence[Path]) -> dict[str, str]:
    """The pair that names a result's variations beside the first of `paths`; none where it is alone."""
    return {"others": "/".join(path.name for path in paths[1:])} if len(paths) > 1 else {}


def paths_of(reply: End | Entry) -> list[str]:
    """A result's files as a reply names them, the first first."""
    path = reply.path if isinstance(reply, Done | Cancelled) else reply.pairs.get("path")
    if not path:
        return []
    others = reply.pairs.get("others")
    return [path, *(str(Path(path).with_name(name)) for name in others.split("/"))] if others else [path]


def fail(error: BridgeError | EngineError, id: str) -> Fail:
    """The reply that an error with a `code` becomes."""
    return Fail(id, error.code, escaped(str(error)))
