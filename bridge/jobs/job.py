"""One job: what was asked, how far it is, and its end.

Every job is reported in replies: queued, progress, chunk, and exactly one end.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bridge.audio.voice import Voice
from bridge.osc.commands import Submit
from bridge.osc.replies import Cancelled, Done, End, Fail, ProgressReport, Queued
from bridge.results.recording import Kept, Recording
from engine.api import GenerationRequest


@dataclass(eq=False)
class Job:
    """One request and what became of it. Times are of `time.monotonic`.

    `seed` is the one used, drawn at once where the request has none: None only for jobs of daemons that did not.
    """

    command: Submit
    recording: Recording | Kept
    seed: int | None
    client: str = ""  # who asked
    written: asyncio.Future[None] | None = None  # in the journal: only then may its client rely on it
    acknowledging: asyncio.Lock = field(default_factory=asyncio.Lock)  # who asks for it waits for `written` in turn
    created: float = field(default_factory=time.monotonic)
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    started: float | None = None
    ended: float | None = None
    first_chunk_s: float | None = None
    work_at: float | None = None  # when work began, the model being loaded
    generating: bool = False  # what comes now is new audio, not the clip
    worked_s: float = 0.0  # for done_s
    done_s: float = 0.0  # of new audio
    kept_s: float = 0.0  # of it, of the first variation, on disk
    total_s: float = 0.0  # as the engine reports it: of bars of a clip known once it has read it
    audible: bool = True  # False: asked for while another daemon ran, so that nobody expects it to play now
    cancelled: bool = False  # asked to stop
    interrupted: bool = False  # … because the daemon ends
    voice: Voice | None = None
    cued_bar: int | None = None  # the host's bar that it was to play from
    bars_until_again: int = 1  # that it is later where it was not ready then; 0: the same bar, of the loop's next round
    announced: Path | None = None  # where its audio is, as the journal has it
    reported_at: float = 0.0
    place_sent: Queued | None = None  # its place in the queue, as its client was last sent it
    end: End | None = None

    @property
    def id(self) -> str:
        return self.command.id

    @property
    def growing(self) -> Recording:
        """Its recording, of a job that has not ended."""
        assert isinstance(self.recording, Recording), f"the job {self.id} has ended"
        return self.recording

    @property
    def request(self) -> GenerationRequest:
        return self.command.request

    @property
    def exact(self) -> GenerationRequest:
        """The request with its seed: what makes the same audio again."""
        return self.request if self.seed is None else replace(self.request, seed=self.seed)

    @property
    def state(self) -> str:
        if self.end:
            if isinstance(self.end, Fail) and self.end.code == "interrupted":
                return "interrupted"
            return {Done: "done", Fail: "failed", Cancelled: "cancelled"}[type(self.end)]
        return "queued" if self.started is None else "running"

    @property
    def rtf(self) -> float:
        """Seconds of work for a second of new audio, 0 while unknown."""
        return self.worked_s / self.done_s if self.done_s else 0.0

    @property
    def expected_s(self) -> float:
        """Seconds of new audio that there will be: as the request says until the engine knows better."""
        return self.total_s or self.request.seconds

    def progress(self) -> ProgressReport:
        return ProgressReport(self.id, self.done_s, self.expected_s, self.rtf)
