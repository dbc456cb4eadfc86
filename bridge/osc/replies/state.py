"""The state of the daemon and of its jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from bridge.osc.commands import JobId
from bridge.osc.fields import Meta
from bridge.osc.protocol import JOB_STATES
from bridge.osc.replies.table import (
    DoneS,
    Duration,
    Others,
    Pairs,
    Path,
    Paused,
    Position,
    Protocol,
    Reply,
    Rtf,
    Shortened,
    TotalS,
    Underruns,
    Version,
    reply,
)

_STATES = ("starting", "idle", "busy", "down")  # of the daemon


@reply("/inspire/state", "the daemon's state, or a job's where job is given")
@dataclass(frozen=True)
class State(Reply):
    state: Annotated[str, Meta(f"daemon: {', '.join(_STATES)}; job: {', '.join(JOB_STATES)}", choices=(*_STATES, *JOB_STATES))]
    pairs: Pairs = field(default_factory=dict)

    class Keys:
        job: JobId
        version: Version
        protocol: Protocol
        pid: Annotated[int, Meta("the daemon's process")]
        engine_pid: Annotated[int, Meta("the engine's process; absent while it is down")]
        model: Annotated[str, Meta("the model that is loaded")]
        engine_device: Annotated[str, Meta("what the model runs on")]
        restarts: Annotated[int, Meta("times the engine had to be started again")]
        running: Annotated[str, Meta("the running job")]
        queued: Annotated[int, Meta("jobs that wait")]
        paused: Paused
        clients: Annotated[int, Meta("registered clients")]
        folder: Annotated[str, Meta("where results go")]
        audio_device: Annotated[str, Meta("where sound goes, or why it does not", is_sentence=True)]
        others: Others
        playing: Annotated[int, Meta("1 while the audio device sounds")]
        underruns: Underruns
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
        position: Position
        done_s: DoneS
        total_s: TotalS
        rtf: Rtf
        path: Path
        duration_s: Duration
        shortened: Shortened
