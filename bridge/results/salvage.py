"""What a dead daemon left: ends it, so that it is a result like any other. Blocks on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.results import paths, sidecar, wav
from bridge.results.disk_errors import explained
from bridge.results.sidecar import Story


def salvage(path: Path, story: Story, count: int = 1) -> tuple[Path | None, float, Story]:
    """Ends `count` variations, the first of them at `path`: its path (None where there is no audio), its seconds, its story.

    That is the given one, or what that daemon had already written in the sidecar. Where the sidecar names another job, or there
    is none, the files are someone else's and stay as they are. Raises OutputError.
    """
    with explained(path):
        if path.name.endswith(paths.PART):
            path = _renamed(path, story, count)
        targets = paths.variation_paths(path, count)
        stories = [sidecar.of_variation(story, number, targets) for number in range(1, count + 1)]
        return [_salvage(*one) for one in zip(targets, stories, strict=True)][0]


def _salvage(target: Path, story: Story) -> tuple[Path | None, float, Story]:
    if not sidecar.belongs_to(target, story["id"]):
        return None, 0.0, story
    target.with_suffix(paths.PART).unlink(missing_ok=True)  # its first chunk was never announced
    told = sidecar.read(target) or {}
    if told.get("state", sidecar.RUNNING) != sidecar.RUNNING:  # the job had ended
        if not target.exists():
            return None, 0.0, story
        sidecar.write_midi(target, told)  # the daemon may have died before it came to that
        return target, told["audio"]["duration_s"], told
    shape = wav.mend(target) if target.exists() else None
    if shape is None:
        target.unlink(missing_ok=True)
        sidecar.path_of(target).unlink()
        return None, 0.0, story
    sidecar.write(target, shape, story)
    return target, shape.duration_s, story


def _renamed(part: Path, story: Story, count: int) -> Path:
    """Daemons up to 0.1 let a file grow as `<name>.part.wav`, without a sidecar: gives such files the names of results."""
    stem = part.name.removesuffix(paths.PART)
    target = part.with_name(f"{stem}.wav")
    parts = [one.with_suffix(paths.PART) for one in paths.variation_paths(target, count)]
    if not any(one.exists() for one in parts):
        return target
    if sidecar.belongs_to(target, story["id"]):  # killed after the sidecar, before the file got its name
        targets = paths.variation_paths(target, count)
    else:
        aside = [one.with_name(f"{one.name}.old") for one in parts]  # a part makes its own name taken
        for old, new in zip(parts, aside, strict=True):
            if old.exists():
                os.replace(old, new)
        targets, parts = paths.reserve(paths.unnumbered(target, count), count, {"id": story["id"]}), aside
    for old, new in zip(parts, targets, strict=True):
        if old.exists():
            os.replace(old, new)
    return targets[0]
