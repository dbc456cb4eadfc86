"""Who holds a port: so that a message can say whom to blame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import BridgeError
from bridge.osc.client import Client
from bridge.osc.replies import State

_PATIENCE_S = 0.5
_MAX_COMMAND = 100  # characters shown
_LISTENS = "0A"  # the state of a TCP socket


def describe(port: int) -> str:
    """Such as "inspire 0.1.0 (process 4711)" or "pd -nogui (process 4712)"; "another program" where no more can be known."""
    return _ask(port) or _look(port) or "another program"


def _ask(port: int) -> str:
    """What it says of itself, if it is a daemon of ours."""
    try:
        with Client(port, patience_s=_PATIENCE_S) as client:
            state = client.status()
    except BridgeError:  # silent, or it speaks of something else
        return ""
    return f"inspire {state.pairs.get('version')} (process {state.pairs.get('pid')})" if isinstance(state, State) else ""


def _look(port: int) -> str:
    """What Linux knows of it. Processes of other users are not shown to us."""
    links = {f"socket:[{inode}]" for inode in _sockets(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if links else ():
        try:
            if os.readlink(descriptor) in links:
                process = descriptor.parts[2]
                command = Path("/proc", process, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"{command.strip()[:_MAX_COMMAND]} (process {process})"
        except OSError:  # it is gone, or not ours to see
            continue
    return "a program of another user" if links else ""


def _sockets(port: int) -> Iterator[str]:
    """The inodes of the sockets that hold it."""
    for kind in ("udp", "udp6", "tcp", "tcp6"):
        try:
            lines = Path("/proc/net", kind).read_text().splitlines()[1:]
        except OSError:  # not Linux
            continue
        for _, local, _, state, *rest in map(str.split, lines):
            if int(local.rpartition(":")[2], 16) == port and (state == _LISTENS or kind.startswith("udp")):
                yield rest[5]
