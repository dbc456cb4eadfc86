"""What there is: the history, the queue, and how long a request would take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from bridge.osc.commands import JobId
from bridge.osc.fields import Meta
from bridge.osc.protocol import JOB_STATES
from bridge.osc.replies.table import Duration, Others, Pairs, Path, Reply, Seed, Shortened, reply


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
        seed: Seed
        path: Path
        others: Others
        duration_s: Duration
        shortened: Shortened
