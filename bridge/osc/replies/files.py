"""A result's files, as replies name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.osc.replies.jobs import Cancelled, Done, End
from bridge.osc.replies.lists import Entry


def others_of(paths: Sequence[Path]) -> dict[str, str]:
    """The pair that names a result's variations beside the first of `paths`; none where it is alone."""
    return {"others": "/".join(path.name for path in paths[1:])} if len(paths) > 1 else {}


def paths_of(reply: End | Entry) -> list[str]:
    """A result's files as a reply names them, the first first."""
    path = reply.path if isinstance(reply, Done | Cancelled) else reply.pairs.get("path")
    if not path:
        return []
    others = reply.pairs.get("others")
    return [path, *(str(Path(path).with_name(name)) for name in others.split("/"))] if others else [path]
