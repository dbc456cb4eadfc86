"""What a dead daemon left: ends it, so that it is a result like any other. Blocks on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.results import paths, sidecar, wav
from bridge.results.disk_errors import explained
from bridge.results.sidecar import Entries


def salvage(path: Path, entries: Entries, count: int = 1) -> tuple[Path | None, float, Entries]:
    """Ends `count` variations, the first of them at `path`: its path (None where there is no audio), its seconds, its entries.

    That is the given one, or what that daemon had already written in the sidecar. Where the sidecar names another job, or there
    is none, the files are someone else's and stay as they are. Raises OutputError.
    """
    with explained(path):
        if path.name.endswith(paths.PART):
            path = _renamed(path, entries, count)
        targets = paths.variation_paths(path, count)
        each = [sidecar.of_variation(entries, number, targets) for number in range(1, count + 1)]
        return [_salvage(*one) for one in zip(targets, each, strict=True)][0]


def _salvage(target: Path, entries: Entries) -> tuple[Path | None, float, Entries]:
    if not sidecar.belongs_to(target, entries["id"]):
        return None, 0.0, entries
    target.with_suffix(paths.PART).unlink(missing_ok=True)  # its first chunk was never announced
    contents = sidecar.read(target) or {}
    if contents.get("state", sidecar.RUNNING) != sidecar.RUNNING:  # the job had ended
        if not target.exists():
            return None, 0.0, entries
        sidecar.write_midi(target, contents)  # the daemon may have died before it came to that
        return target, contents["audio"]["duration_s"], contents
    shape = wav.mend(target) if target.exists() else None
    if shape is None:
        target.unlink(missing_ok=True)
        sidecar.path_of(target).unlink()
        return None, 0.0, entries
    sidecar.write(target, shape, entries)
    return target, shape.duration_s, entries


def _renamed(part: Path, entries: Entries, count: int) -> Path:
    """Daemons up to 0.1 let a file grow as `<name>.part.wav`, without a sidecar: gives such files the names of results."""
    stem = part.name.removesuffix(paths.PART)
    target = part.with_name(f"{stem}.wav")
    parts = [one.with_suffix(paths.PART) for one in paths.variation_paths(target, count)]
    if not any(one.exists() for one in parts):
        return target
    if sidecar.belongs_to(target, entries["id"]):  # killed after the sidecar, before the file got its name
        targets = paths.variation_paths(target, count)
    else:
        aside = [one.with_name(f"{one.name}.old") for one in parts]  # a part makes its own name taken
        for old, new in zip(parts, aside, strict=True):
            if old.exists():
                os.replace(old, new)
        targets, parts = paths.reserve(paths.unnumbered(target, count), count, {"id": entries["id"]}), aside
    for old, new in zip(parts, targets, strict=True):
        if old.exists():
            os.replace(old, new)
    return targets[0]
