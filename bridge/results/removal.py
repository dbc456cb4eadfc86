"""Results leave: to the folder `Deleted` beside them, and from there for good. Blocks on the disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bridge.results import paths, sidecar
from bridge.results.disk_errors import explained


def move_away(files: Sequence[Path], id: str) -> Path:
    """Moves a result's files and what is beside them to a folder `Deleted` there; returns where the first is now. Raises
    OutputError.
    """
    with explained(files[0]):
        folder = files[0].parent / "Deleted"
        folder.mkdir(exist_ok=True)
        targets = paths.reserve(folder / paths.unnumbered(files[0], len(files)).name, len(files), {"id": id})
        try:
            for path, target in zip(files, targets, strict=True):
                beside = sidecar.files_beside(path, id)
                os.replace(path, target)
                if not beside:
                    sidecar.path_of(target).unlink()
                for other in beside:
                    os.replace(other, target.with_suffix(other.suffix))
        finally:
            for target in targets:
                if not target.exists():  # its name was reserved in vain
                    sidecar.path_of(target).unlink(missing_ok=True)
        return targets[0]


def remove(files: Sequence[Path], id: str) -> None:
    """Removes a result's files and what is beside them from the disk. Raises OSError."""
    for path in files:
        for one in (*sidecar.files_beside(path, id), path):
            one.unlink()
