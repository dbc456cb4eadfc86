"""Where this user's daemon is: a file that the daemon writes, and that its clients read.

It may be out of date: a daemon that was killed leaves it behind.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from typing import Any

from bridge.config.settings import AUTO, Settings


def write(settings: Settings, state: Mapping[str, object]) -> None:
    """`state` holds host, port and pid at least. Raises OSError."""
    file = settings.state_file
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # prompts and paths are for its user
    part = file.with_suffix(f".{os.getpid()}")
    try:
        part.write_text(json.dumps(dict(state)) + "\n", "utf-8")
        os.replace(part, file)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def remove(settings: Settings) -> None:
    """Unless another daemon has written it meanwhile."""
    if _read(settings).get("pid") == os.getpid():
        settings.state_file.unlink(missing_ok=True)


def addresses(settings: Settings, asked: bool) -> list[tuple[str, int]]:
    """Where to look for the daemon: where it said it is, unless the port of the settings was `asked` for; then there."""
    usual = (settings.near_host, settings.usual_port)
    state = {} if asked and settings.port not in (AUTO, 0) else _read(settings)
    port = state.get("port")
    written = (str(state.get("host", settings.near_host)), port if isinstance(port, int) else 0)
    return [address for address in dict.fromkeys([written, usual]) if address[1]]


def _read(settings: Settings) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):  # absent, or being replaced: as good as none
        state = json.loads(settings.state_file.read_text("utf-8"))
        return state if isinstance(state, dict) else {}
    return {}
