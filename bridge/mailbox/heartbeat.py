"""Who serves a mailbox: a file that says so and changes while its daemon lives.

`daemon.json` holds pid, version, protocol, started (Unix seconds), beat and port. `beat` counts up at least every `IDLE_S`, each
second while a client is about: whoever waits for the daemon looks whether it still changes, and needs no clock in common with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

FILE = "daemon.json"
BEAT_S = 1.0
IDLE_S = 10.0
GONE_S = 2 * IDLE_S  # without a beat another daemon may take over


class Heartbeat:
    """Of one daemon in one folder. `about` is what else the file holds. Used from one thread."""

    def __init__(self, folder: Path, about: dict[str, object]):
        self._file = folder / FILE
        self._content = {"pid": os.getpid(), "started": time.time(), **about}
        self._beat = 0
        self._due = 0.0
        self._other: tuple[object, object] | None = None  # pid and beat of another daemon as last seen
        self._other_since = 0.0

    def serves(self, busy: bool, now: float) -> bool:
        """Beats where a beat is due. False while another daemon serves this folder. Raises OSError."""
        if now < self._due:
            return self._other is None
        self._due = now + (BEAT_S if busy or self._other else IDLE_S)
        if self._is_taken(now):
            return False
        self._other = None
        self._beat += 1
        try:
            replace_file(self._file, json.dumps({**self._content, "beat": self._beat}).encode() + b"\n")
        except PermissionError:  # Windows: somebody is reading it just now
            self._due = now
        return True

    def hurry(self) -> None:
        """A client has come: it wants to see a beat soon."""
        self._due = min(self._due, time.monotonic() + BEAT_S)

    def end(self) -> None:
        if self._other is None and self._read().get("pid") == os.getpid():
            self._file.unlink(missing_ok=True)

    def _is_taken(self, now: float) -> bool:
        """By a daemon that lives and was there first."""
        there = self._read()
        pid = there.get("pid")
        if not isinstance(pid, int) or pid == os.getpid() or not _may_live(pid):
            return False
        started, own = there.get("started"), self._content["started"]
        if self._beat and isinstance(started, int | float) and isinstance(own, int | float) and started > own:
            return False  # both began at once: the older one serves
        seen = (pid, there.get("beat"))
        if seen != self._other:
            self._other, self._other_since = seen, now
        return now - self._other_since < GONE_S

    def _read(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):  # absent or damaged: as good as none
            read = json.loads(self._file.read_text("utf-8"))
            return read if isinstance(read, dict) else {}
        return {}


def replace_file(file: Path, content: bytes) -> None:
    """Written beside and renamed, so that nobody reads a half. Raises OSError."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        os.replace(part, file)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _may_live(pid: int) -> bool:
    """Whether a process with this number may exist. Only POSIX can check without harm."""
    if os.name != "posix" or pid <= 0:
        return pid > 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
