"""Gets published models into the models folder, verifies and removes them. No torch here.

A model appears in its place at once and whole: until every file is there and its hash is right, all is kept in `.pull/NAME`
beside it, where no model is looked for, and the next pull goes on in the middle of a file. `pulled.json` in the model's folder is
its lock: the source, the revision that the first pull met, every file's size and hash; what is verified is verified against it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import filelock

from engine.api import ModelError
from engine.checkpoints.library import LOCK, list_models
from engine.checkpoints.published import PUBLISHED, Published, find_published
from engine.checkpoints.pull_staging import (
    hashed,
    is_got,
    keep_only,
    part_of,
    plan_of,
    put_in_place,
    read_json,
    reuse,
    tree_of,
    write_json,
)
from engine.checkpoints.sources import SOURCES, Listing, RemoteFile, Source, SourceError, Unreachable

STAGING = ".pull"  # in the models folder
_MARGIN = 50_000_000  # bytes left free on the disk


@dataclass(frozen=True)
class Step:
    """How far a pull is, in bytes of all its files. `listing` comes once, with the first."""

    file: str
    done: int
    total: int
    listing: Listing | None = None


def pull(
    name: str, folder: Path, *, revision: str | None = None, report: Callable[[Step], None] = lambda step: None,
    sources: Sequence[Callable[[], Source]] = SOURCES,
) -> tuple[Path, bool]:  # fmt: skip
    """The model's directory, and whether anything was fetched: not where it is there, whole, at that revision.

    revision: of the source; else what an earlier pull met, else the newest. Raises ModelError.
    """
    model = find_published(name)
    target, staging = folder / model.name, folder / STAGING / model.name
    with _disk_errors(folder), _alone(staging):
        lock = read_lock(target)
        if target.exists() and lock is None:
            raise ModelError(f"{target} is there and was not pulled: rename it or take it away, then pull again")
        if lock is not None and revision in (None, lock["revision"]) and not _faults(target, lock):
            return target, False
        source, listing = _resolved(model, revision, plan_of(staging) or lock, sources)
        files = _wanted(model, listing)
        reuse(target, lock, staging, files)
        _fetch(source, listing, files, staging, report)
        write_json(tree_of(staging) / LOCK, _lock_of(model, listing, files, staging))
        put_in_place(staging, target)
    return target, True


def verify(name: str, folder: Path, report: Callable[[Step], None] = lambda step: None) -> list[str]:
    """What differs from the lock, in words; nothing where all is as it was pulled. Raises ModelError where it was not pulled."""
    directory = _here(name, folder)
    lock = read_lock(directory)
    if lock is None:
        raise ModelError(f"{directory} was not pulled, so there are no hashes to verify it against")
    with _disk_errors(folder):
        return _faults(directory, lock, report)


def remove(name: str, folder: Path) -> Path:
    """Takes a model of the models folder away, and what a pull of it left half done. Raises ModelError."""
    staging = folder / STAGING / (find_published(name).name if _is_published(name) else name)
    is_half_there = plan_of(staging) is not None
    try:
        directory = _here(name, folder)
    except ModelError:
        if not is_half_there:
            raise
        directory = staging
    with _disk_errors(folder), _alone(staging):
        if directory != staging:
            leaving = folder / STAGING / f"{directory.name}.leaving"
            leaving.parent.mkdir(exist_ok=True)
            os.replace(directory, leaving)  # at once: no half model is ever found
            shutil.rmtree(leaving)
        if staging.exists():
            shutil.rmtree(staging)
    return directory


def half_pulled(folder: Path) -> dict[str, int]:
    """Bytes that are there of models whose pull has not ended."""
    return {
        name: sum(
            file.stat().st_size
            for part in ("tree", "parts")
            for file in (folder / STAGING / name / part).rglob("*")
            if file.is_file()
        )
        for name in PUBLISHED
        if plan_of(folder / STAGING / name) is not None
    }


def read_lock(directory: Path) -> dict[str, Any] | None:
    """What was pulled into a directory; None where nothing was."""
    return read_json(directory / LOCK)


# --- what is to be had


def _resolved(
    model: Published, revision: str | None, earlier: dict[str, Any] | None, sources: Sequence[Callable[[], Source]]
) -> tuple[Source, Listing]:
    """The first source that answers, and what it has: at the revision asked for, else at the one an earlier pull met there."""
    silent = []
    for source in [make() for make in sources]:
        pinned = earlier["revision"] if earlier and earlier["source"] == source.name else None
        try:
            return source, source.list(model, revision or pinned)
        except Unreachable as error:
            silent.append(str(error))
    raise Unreachable(f"nothing was pulled: {'; '.join(silent)}; check the network and give the same command again")


def _wanted(model: Published, listing: Listing) -> list[RemoteFile]:
    files = [file for file in listing.files if model.wants(file.path)]
    where = f"{listing.source}'s {listing.repository}"
    for file in files:
        parts = PurePosixPath(file.path).parts
        if file.path.startswith("/") or ".." in parts or "\\" in file.path or not file.identity:
            raise SourceError(f"{where} lists {file.path!r} without a hash or outside its folder: it is not to be trusted")
    if missing := model.lacks({file.path for file in files}):
        raise SourceError(f"{where} lacks {', '.join(missing)} at revision {listing.revision}: {model.name} cannot be had there")
    return files


# --- getting it


def _fetch(source: Source, listing: Listing, files: list[RemoteFile], staging: Path, report: Callable[[Step], None]) -> None:
    """Every file that is not there yet, each with its hash right."""
    keep_only(staging, files)
    got = (plan_of(staging) or {}).get("got", {})
    plan: dict[str, Any] = {"source": listing.source, "revision": listing.revision, "got": got}
    left = [file for file in files if not is_got(file, staging, plan)]
    partial = sum(part_of(staging, file).stat().st_size for file in left if part_of(staging, file).exists())
    needed, free = sum(file.bytes for file in left) - partial, shutil.disk_usage(staging).free
    if needed + _MARGIN > free:
        usable = max(0, free - _MARGIN)
        raise ModelError(
            f"{needed / 1e9:.2f} GB are still to come, but only {usable / 1e9:.2f} GB are free in {staging.parents[1]}: "
            "free some, or set models_folder to another disk"
        )
    write_json(staging / "plan.json", plan)
    total = sum(file.bytes for file in files)
    done = total - sum(file.bytes for file in left)
    report(Step("", done, total, listing))
    for file in left:
        before = done
        plan["got"][file.path] = _fetch_one(source, listing, file, staging, lambda n: report(Step(file.path, before + n, total)))  # noqa: B023
        write_json(staging / "plan.json", plan)
        done += file.bytes


def _fetch_one(
    source: Source, listing: Listing, file: RemoteFile, staging: Path, report: Callable[[int], None]
) -> dict[str, Any]:  # fmt: skip
    """One file, from where an earlier pull broke off. Its hash is taken of what lies on the disk."""
    part, place = part_of(staging, file), tree_of(staging) / file.path
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("a+b") as opened:
        done = opened.tell()
        if done > file.bytes:
            opened.truncate(done := 0)
        source.download(listing, file, _ReportingFile(opened, report), done)
        opened.flush()
        os.fsync(opened.fileno())
    sha256, right = hashed(part, file)
    if not right:
        part.unlink()
        raise SourceError(f"{file.path} came with another content than {listing.source} says (its hash differs): pull it again")
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(part, place)
    return {"bytes": file.bytes, "sha256": sha256, "identity": file.identity}


class _ReportingFile:
    """A file that says how long it has become."""

    def __init__(self, file: BinaryIO, report: Callable[[int], None]) -> None:
        self._file, self._report = file, report

    def write(self, data: bytes, /) -> int:
        count = self._file.write(data)
        self._report(self._file.tell())
        return count

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, /) -> int:
        return self._file.seek(offset)

    def truncate(self) -> int:
        return self._file.truncate()


# --- the lock


def _lock_of(model: Published, listing: Listing, files: list[RemoteFile], staging: Path) -> dict[str, Any]:
    got = (plan_of(staging) or {"got": {}})["got"]
    listed = {key: value for key, value in asdict(listing).items() if key != "files"}
    hashes = {file.path: {"bytes": file.bytes, "sha256": got[file.path]["sha256"]} for file in files}
    return {"model": model.name, **listed, "pulled_at": datetime.now(UTC).isoformat(timespec="seconds"), "files": hashes}


def _faults(directory: Path, lock: dict[str, Any], report: Callable[[Step], None] = lambda step: None) -> list[str]:
    faults, done, total = [], 0, sum(file["bytes"] for file in lock["files"].values())
    for name, file in lock["files"].items():
        path = directory / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif path.stat().st_size != file["bytes"]:
            faults.append(f"{name} has {path.stat().st_size} bytes instead of {file['bytes']}")
        elif not hashed(path, RemoteFile(name, file["bytes"], file["sha256"]))[1]:
            faults.append(f"{name} has another content than when it was pulled")
        done += file["bytes"]
        report(Step(name, done, total))
    return faults


def _here(name: str, folder: Path) -> Path:
    """The directory of a model in the models folder. Raises ModelError."""
    known = list_models(folder)
    found = known.get(name) or (known.get(find_published(name).name) if _is_published(name) else None)
    if found is None:
        own = ", ".join(one.name for one in known.values() if one.kind != "embedded")
        raise ModelError(f"no model {name!r} is here: {f'there are {own}' if own else f'there is none in {folder}'}")
    if found.kind == "embedded":
        raise ModelError(f"{found.name} came with the program and goes with it: there is nothing to verify or remove")
    return found.path


def _is_published(name: str) -> bool:
    with contextlib.suppress(ModelError):
        return bool(find_published(name))
    return False


# --- files


@contextlib.contextmanager
def _alone(staging: Path) -> Iterator[None]:
    """One pull or removal of a model at a time."""
    staging.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(staging.with_name(f"{staging.name}.lock"), timeout=0)
    try:
        with lock:
            yield
    except filelock.Timeout:
        raise ModelError(f"{staging.name} is being pulled or removed by another process: let it end first") from None


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turns an error of the disk into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "free some space; the same command goes on where this one ended"
            raise ModelError(f"the disk of {folder} is full: {advice}") from None
        raise ModelError(f"cannot write {error.filename or folder}: {error.strerror or error}") from None
