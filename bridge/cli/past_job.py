"""Which job is meant: `last`, a result's path, or an id."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bridge.cli.connection import always_in, answered, fail
from bridge.osc.client import Client
from bridge.results import sidecar

_KINDS = (".wav", ".json", ".mid")  # of a result's files
_LAST = "last"


def id_of(client: Client, job: str) -> str:
    """Ends the command where there is none."""
    return job_of(client, job)[0]


def job_of(client: Client, job: str) -> tuple[str, int]:
    """(id, which variation a path names: 1 where it does not)."""
    if job == _LAST:
        _, entries = answered(client.history(limit=1))
        if not entries:
            fail("nothing was made yet: there is no last job", 1)
        return entries[0].job, 1
    path = _path(client, job)
    return (job, 1) if path is None else _of_path(path)


def _path(client: Client, job: str) -> Path | None:
    """The file that is meant, also one whose name in the output folder is given; None where it is an id."""
    if job.startswith("file://"):
        job = unquote(urlsplit(job).path)
    path = Path(job).expanduser()
    if path.suffix.lower() not in _KINDS and os.sep not in job:
        return None
    if not path.exists() and not path.is_absolute():
        inside = Path(always_in(answered(client.status()), "folder")) / path
        path = inside if inside.exists() else path
    return path.absolute()


def _of_path(path: Path) -> tuple[str, int]:
    contents = sidecar.read(path)
    if not contents or "id" not in contents:
        why = "there is none" if contents is None else "it does not name a job"
        fail(f"{path}: its job stands in {sidecar.path_of(path).name} beside it, but {why}; 'inspire history' lists the jobs", 1)
    variation = contents.get("variation")
    number = variation.get("number") if isinstance(variation, dict) else None
    return str(contents["id"]), number if isinstance(number, int) else 1
