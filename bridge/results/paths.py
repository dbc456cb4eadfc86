"""Names of results: made from the prompt, inside the output folder, numbered for variations, never one that is taken.

A result `x.wav` has an `x.json`, which reserves its name, and perhaps an `x.mid` beside it: where any of them is, `x` is taken.
All of it blocks on the disk, and may raise OSError.
"""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import OutputError
from bridge.results import sidecar
from engine.api import GenerationRequest

PART = ".part.wav"  # of a file that is not whole yet

_MAX_SLUG = 60
_BESIDE = (".json", ".mid", PART)  # of a result's own name


def variation_paths(path: Path, count: int) -> list[Path]:
    """Where a result's variations are, by where the first of them is."""
    return numbered(unnumbered(path, count), count)


def slug(request: GenerationRequest) -> str:
    """A file name from the prompt ("Dub techno, 124 bpm" → "dub-techno-124-bpm"), or from the clip's name."""
    done = {"music": "continued", "upsample": "upsampled", "reconstruct": "reconstructed"}[request.task]
    done = "filled" if request.is_fill else done
    done = f"{request.section_called(request.part).name} anew" if request.part else done
    text = request.prompt if request.clip is None else f"{Path(request.clip).stem} {done}"
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = "".join(letter if letter.isalnum() else " " for letter in plain).split()
    return "-".join(words)[:_MAX_SLUG].strip("-") or "untitled"


def inside(folder: Path, path: str) -> Path:
    """The result that a client asked for by its `path`. Raises OutputError when it leads outside of `folder`."""
    require_inside(folder, folder / path)
    target = (folder / path).resolve()
    target = target if target.suffix.lower() == ".wav" else target.with_name(target.name + ".wav")
    require_inside(folder, target.parent)  # where the path was the folder's own
    return target


def require_inside(folder: Path, path: Path) -> None:
    """Raises OutputError unless `path` is `folder` or in it, with every link followed."""
    try:
        real = path.resolve()
        # Links in a circle are an error up to Python 3.12, later left as they are.
        within = real.is_relative_to(folder.resolve()) and not any(map(os.path.islink, (real, *real.parents)))
    except (OSError, RuntimeError):
        within = False
    if not within:
        raise OutputError(f"path {str(path)!r} leads outside of the output folder {folder}: give a name inside it")


def numbered(path: Path, count: int) -> list[Path]:
    """ "x.wav" → "x.1.wav" to "x.<count>.wav"; itself where it is alone."""
    stem = path.name.removesuffix(".wav")
    return [path] if count == 1 else [path.with_name(f"{stem}.{number}.wav") for number in range(1, count + 1)]


def unnumbered(path: Path, count: int) -> Path:
    """What `numbered` makes `path` the first of."""
    return path if count == 1 else path.with_name(path.name.removesuffix(".wav").removesuffix(".1") + ".wav")


def reserve(target: Path, count: int, entries: sidecar.Entries) -> list[Path]:
    """Free names of `count` variations, taken by sidecars with the `entries`. Raises OutputError when there are none."""
    for names in free_names(target, count):
        made: list[Path] = []
        with contextlib.suppress(FileExistsError):
            for number, name in enumerate(names, 1):
                sidecar.reserve(name, sidecar.of_variation(entries, number, names) if "request" in entries else entries)
                made.append(sidecar.path_of(name))
            if not any(os.path.lexists(name) for name in names):
                return names
        for taken in made:
            taken.unlink()
    raise AssertionError("unreachable")


def free_names(target: Path, count: int) -> Iterator[list[Path]]:
    """A name for each variation, one choice after the other."""
    stem, ending = os.path.splitext(target)
    for number in range(1, 10_000):
        name = f"{stem}-{number}{ending}" if number > 1 else str(target)
        if count == 1 and os.path.lexists(name):  # thousands may be: each Path costs time, and a place in Python's table of names
            continue
        names = numbered(Path(name), count)
        if all(map(is_free, names)):
            yield names
    raise OutputError(f"there are too many files named like {target}: give another path")


def is_free(target: Path) -> bool:
    """Neither a result nor anything beside it has this name."""
    return not any(os.path.lexists(file) for file in (target, *map(target.with_suffix, _BESIDE)))
