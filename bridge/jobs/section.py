"""One section of an arrangement made anew: a fill of its place in the file that was made."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from bridge.errors import JobError, MessageError
from bridge.jobs.job import Job
from bridge.osc.commands import Again, Submit
from bridge.osc.replies import paths_of
from bridge.results import sidecar
from engine.api import RequestError


def section_again(job: Job, command: Again, which: str) -> Submit:
    """The piece of an ended job with one section anew, under another seed unless the command gives one.

    The section is made anew in one of the job's variations, as often as the command says: alternatives to choose from.

    Raises JobError and MessageError.
    """
    request = job.request
    if request.arrangement is None:
        raise JobError(f"the job {job.id!r} has no sections: those of an arrange have, or leave section away", "bad_request")
    if job.end is None:
        raise JobError(f"the job {job.id!r} has not ended: its sections can be made anew when it has", "not_ended")
    path = _file_of(job, command.variation or 1)
    if request.bpm is None:
        problem = f"the job {job.id!r} has the tempo of its clip: ask for the piece again with bpm, then for its sections"
        raise JobError(problem, "bad_request")
    try:
        anew = replace(
            request, part=which, piece_s=_begin_s(job, path), clip=path, bars=None, from_bar=None, join="append", timbre="model",
            grid=None, variations=command.variations or 1, candidates=None, seed=command.seed,
            decode=command.decode or request.decode,
        )  # fmt: skip
    except RequestError as error:
        raise MessageError(str(error), error.code, command.id, command.reply_port) from None
    play = job.command.play if command.play is None else bool(command.play)
    return Submit(command.id, anew, play, command.path, reply_port=command.reply_port)


def _file_of(job: Job, variation: int) -> str:
    """Raises JobError."""
    assert job.end is not None, "it has ended"
    paths = paths_of(job.end)
    if variation > max(1, len(paths)):
        count = "1 variation" if len(paths) == 1 else f"{len(paths)} variations"
        raise JobError(f"the job {job.id!r} has {count}: variation 1 to {len(paths)} is allowed", "bad_request")
    if not paths or not os.path.exists(paths[variation - 1]):
        raise JobError(f"the job {job.id!r} has no result, or its file is gone: ask for the whole of it again", "no_audio")
    return paths[variation - 1]


def _begin_s(job: Job, path: str) -> float:
    """Where in the file its piece begins: after the clip that it goes on from, where the file holds that too. Raises JobError."""
    request = job.request
    if request.part is not None:
        return request.piece_s
    if request.clip is None or request.join != "append":
        return 0.0
    begin_s = sidecar.join_of(sidecar.read(Path(path)) or {})
    if begin_s is None:
        problem = f"the JSON file beside the result of {job.id!r} is gone, so that nobody knows where its sections begin"
        raise JobError(f"{problem}: ask for the whole of it again", "no_audio")
    return begin_s
