"""One section of an arrangement made anew: a fill of its place in the file that was made."""

from __future__ import annotations

import os
from dataclasses import replace

from bridge.errors import JobError, MessageError
from bridge.jobs.job import Job
from bridge.osc.commands import Again, Submit
from bridge.osc.replies import paths_of
from engine.api import RequestError


def section_again(job: Job, command: Again, which: str) -> Submit:
    """The piece of an ended job with one section anew, under another seed unless the command gives one; its first variation.

    Raises JobError and MessageError.
    """
    request = job.request
    if request.arrangement is None:
        raise JobError(f"the job {job.id!r} has no sections: those of an arrange have, or leave section away", "bad_request")
    if job.end is None:
        raise JobError(f"the job {job.id!r} has not ended: its sections can be made anew when it has", "not_ended")
    path = next(iter(paths_of(job.end)), None)
    if path is None or not os.path.exists(path):
        raise JobError(f"the job {job.id!r} has no result, or its file is gone: ask for the whole of it again", "no_audio")
    try:
        anew = replace(
            request, part=which, clip=path, bars=None, join="append", timbre="model", grid=None, variations=1, candidates=None,
            seed=command.seed, decode=command.decode or request.decode,
        )  # fmt: skip
    except RequestError as error:
        raise MessageError(str(error), error.code, command.id, command.reply_port) from None
    play = job.command.play if command.play is None else bool(command.play)
    return Submit(command.id, anew, play, command.path, reply_port=command.reply_port)
