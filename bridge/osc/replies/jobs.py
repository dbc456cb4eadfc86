"""What happens to a job, from its queue to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from bridge.errors import BridgeError
from bridge.osc.fields import Meta
from bridge.osc.protocol import MAX_LIVE_IN_A_ROW, MAX_PROGRESS_PER_S
from bridge.osc.replies.table import (
    DoneS,
    Duration,
    Index,
    Others,
    Pairs,
    Path,
    Paused,
    Position,
    Reply,
    Rtf,
    Seed,
    Shortened,
    TotalS,
    Underruns,
    reply,
)
from bridge.plain_text import escaped
from engine.api import EngineError


@reply(
    "/inspire/queued",
    f"the job waits: continuations go before text, but not more than {MAX_LIVE_IN_A_ROW} in a row; clients take turns",
)
@dataclass(frozen=True)
class Queued(Reply):
    position: Position
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        paused: Paused
        later: Annotated[int, Meta("1: the daemon ends; the job waits for the next one, and is not played then")]


@reply("/inspire/progress", f"at most {MAX_PROGRESS_PER_S} a second")
@dataclass(frozen=True)
class ProgressReport(Reply):
    done_s: DoneS
    total_s: TotalS
    rtf: Annotated[float, Meta("seconds of work for a second of audio; 0 while unknown")]


@reply("/inspire/chunk", "a piece of audio is on disk")
@dataclass(frozen=True)
class Chunk(Reply):
    index: Index
    start_s: Annotated[float, Meta("where in the file it begins")]
    duration_s: Annotated[float, Meta("how long it is")]
    path: Annotated[str, Meta("the growing file, playable now and under the name it keeps")]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        variation: Annotated[int, Meta("which, counted from 1, where there are several; index and start_s are its own")]
        shortened: Shortened


@reply("/inspire/done", "the job's end: all of it is on disk")
@dataclass(frozen=True)
class Done(Reply):
    path: Path
    duration_s: Duration
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        others: Others
        samplerate: Annotated[int, Meta("Hz")]
        seed: Seed
        rtf: Rtf
        first_chunk_s: Annotated[float, Meta("seconds from the job's start to its first chunk of new audio on disk")]
        underruns: Underruns
        bar: Annotated[int, Meta("of start bar and next_loop: the host's bar that it plays from, counted from 1")]
        bpm: Annotated[float, Meta("tempo measured in the result")]
        bpm_measured: Annotated[float, Meta("tempo measured against the grid that was asked for; not where there is no beat")]
        downbeat_ms: Annotated[float, Meta("by how many milliseconds the beats are late on that grid; negative: early")]
        grid_confidence: Annotated[float, Meta("0 to 1: how much of what begins, begins on that grid")]
        rolls: Annotated[int, Meta("takes made to be on the grid, or to go round as a loop, of which this is the best", 1)]
        key: Annotated[str, Meta("key measured in the result, such as A minor")]
        join_click_db: Annotated[
            float, Meta("the click at the join with the clip, against the sound around it; at 0 dB and less there is none")
        ]
        midi_tracks: Annotated[str, Meta("tracks of its MIDI file that were transcribed: chords, drums, bass; of midi 1")]
        drawn: Annotated[str, Meta("key, mood and instruments that the prompt left open, drawn from the seed; words of a prompt")]
        note: Annotated[str, Meta("what was understood otherwise than it was written", is_sentence=True)]
        weights: Annotated[str, Meta("the model's weights, as a hash: again asks for the same")]
        shortened: Shortened


@reply("/inspire/fail", "the command's or the job's end: it cannot be done")
@dataclass(frozen=True)
class Fail(Reply):
    code: Annotated[str, Meta("one of the codes below")]
    message: Annotated[str, Meta("what was wrong, what is allowed, what to do", is_sentence=True)]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        path: Path
        duration_s: Duration
        others: Others
        shortened: Shortened


@reply("/inspire/cancelled", "the job's end: stopped as asked")
@dataclass(frozen=True)
class Cancelled(Reply):
    path: Path
    duration_s: Duration
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        others: Others
        shortened: Shortened


End = Done | Fail | Cancelled


def fail(error: BridgeError | EngineError, id: str) -> Fail:
    """The reply that an error with a `code` becomes."""
    return Fail(id, error.code, escaped(str(error)))
