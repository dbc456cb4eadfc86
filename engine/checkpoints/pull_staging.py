"""What a pull keeps until a model is whole: `tree`, the files that are right; `parts`, what has come of others; and its plan.

And the files' hashes. No torch here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from engine.checkpoints.sources import RemoteFile

_BLOCK = 2**20


def tree_of(staging: Path) -> Path:
    return staging / "tree"


def part_of(staging: Path, file: RemoteFile) -> Path:
    return staging / "parts" / f"{file.identity}.part"  # named by content: also another source goes on with it


def plan_of(staging: Path) -> dict[str, Any] | None:
    return read_json(staging / "plan.json")


def is_got(file: RemoteFile, staging: Path, plan: dict[str, Any]) -> bool:
    place, got = tree_of(staging) / file.path, plan["got"].get(file.path)
    return got is not None and got["identity"] == file.identity and place.is_file() and place.stat().st_size == file.bytes


def keep_only(staging: Path, files: list[RemoteFile]) -> None:
    """Away with what belongs to another revision."""
    kept = {tree_of(staging) / file.path for file in files} | {part_of(staging, file) for file in files}
    for part in ("tree", "parts"):
        (staging / part).mkdir(parents=True, exist_ok=True)
        for path in list((staging / part).rglob("*")):
            if path.is_file() and path not in kept:
                path.unlink()


def reuse(target: Path, lock: dict[str, Any] | None, staging: Path, files: list[RemoteFile]) -> None:
    """Takes over what is right of a model that is there, so that only the rest is fetched."""
    if lock is None:
        return
    plan = plan_of(staging) or {"source": lock["source"], "revision": lock["revision"], "got": {}}
    for file in files:
        here, place = target / file.path, tree_of(staging) / file.path
        if place.exists() or not here.is_file() or here.stat().st_size != file.bytes:
            continue
        sha256, right = hashed(here, file)
        if right:
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(here, place)
            plan["got"][file.path] = {"bytes": file.bytes, "sha256": sha256, "identity": file.identity}
    write_json(staging / "plan.json", plan)


def _link(here: Path, place: Path) -> None:
    try:
        os.link(here, place)
    except OSError:  # a file system without links
        shutil.copyfile(here, place)


def put_in_place(staging: Path, target: Path) -> None:
    """The whole tree at once, instead of an older one."""
    leaving = staging.with_name(f"{target.name}.leaving")
    shutil.rmtree(leaving, ignore_errors=True)
    if target.exists():
        os.replace(target, leaving)
    os.replace(tree_of(staging), target)
    shutil.rmtree(leaving, ignore_errors=True)
    shutil.rmtree(staging, ignore_errors=True)


def hashed(path: Path, file: RemoteFile) -> tuple[str, bool]:
    """A file's SHA-256, and whether its content is what the source says."""
    sha256, git = hashlib.sha256(), hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as opened:
        while block := opened.read(_BLOCK):
            sha256.update(block)
            if not file.sha256:
                git.update(block)
    right = sha256.hexdigest() == file.sha256 if file.sha256 else git.hexdigest() == file.git_sha1
    return sha256.hexdigest(), right


def read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and {"source", "revision"} <= content.keys() else None


def write_json(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    os.replace(partial, path)
