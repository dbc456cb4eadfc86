"""The daemon's side of the mailbox: takes the requests that clients put there, writes the replies.

A thread of its own does all that touches the disk. It looks every 20 to 200 ms and carries: commands go to the event loop through
`serve`, as from a socket, and replies come from there through `send`, which never waits. Everything else is of the thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge import limits
from bridge.errors import MessageError
from bridge.mailbox import letters
from bridge.mailbox.heartbeat import Heartbeat
from bridge.osc import commands, replies

REQUESTS, REPLIES = "requests", "replies"
_BUSY_LOOK_S, _LOOK_S = 0.02, 0.2  # between two looks, while a client is about and while none is
_ABOUT_S = 60.0  # after its last request a client is about for so long
_SWEEP_EVERY_S = 600.0

Stamp = tuple[int, int, int]  # of a file: changes where another takes its name
Received = commands.Command | MessageError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BoxClient:
    """A client that writes here, by the name of its box: a reply sink."""

    mailbox: Mailbox
    box: str

    @property
    def name(self) -> str:
        return f"mailbox:{self.box}"

    @property
    def turn(self) -> Hashable:
        return self.mailbox

    def send(self, reply: replies.Reply) -> None:
        self.mailbox.send(reply, self.box)


@dataclass
class _Box:
    """One client's folder."""

    folder: Path
    active: float = float("-inf")
    taken: dict[str, Stamp] = field(default_factory=dict)  # requests by file name: each lies there until its first reply does


class Mailbox:
    """Serves `folder` from `start` to `close`. `about` is what the heartbeat says of the daemon."""

    def __init__(self, folder: Path, serve: Callable[[Received, BoxClient], None], about: dict[str, object]):
        self._folder = folder
        self._serve = serve
        self._about = about
        self._boxes: dict[str, _Box] = {}
        self._outgoing: queue.SimpleQueue[tuple[replies.Reply, str]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._logged: set[str] = set()  # what the log already has

    def start(self) -> None:
        """On the event loop. A folder that cannot be used is logged; the daemon serves on without."""
        self._loop = asyncio.get_running_loop()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o700)  # who can write here commands the daemon
            if os.name == "posix" and self._folder.stat().st_uid != os.geteuid():
                raise OSError(0, "it belongs to another user")
        except OSError as error:
            log.warning("no mailbox in %s: %s", self._folder, error.strerror or error)
            return
        self._heart = Heartbeat(self._folder, self._about)
        self._thread = threading.Thread(target=self._run, name="mailbox", daemon=True)
        self._thread.start()

    def send(self, reply: replies.Reply, box: str) -> None:
        """Written soon. Where the disk does not keep up progress is left out, and in the end all: who asks again gets it."""
        waiting = self._outgoing.qsize()
        most = limits.MAX_UNWRITTEN // 2 if isinstance(reply, replies.ProgressReport) else limits.MAX_UNWRITTEN
        if self._thread is None or waiting >= most:
            return
        self._outgoing.put((reply, box))
        self._wake.set()

    def close(self) -> None:
        """What was sent until now is written."""
        if self._thread:
            self._closing = True
            self._wake.set()
            self._thread.join()

    def _run(self) -> None:
        sweep_at = 0.0
        while not self._closing:
            now = time.monotonic()
            busy = any(box.active > now - _ABOUT_S for box in self._boxes.values())
            try:
                if self._heart.serves(busy, now):
                    self._take_requests(now)
                    if now >= sweep_at:
                        sweep_at = now + _SWEEP_EVERY_S
                        self._sweep()
            except OSError as error:
                self._log_once(f"the mailbox {self._folder} cannot be read or written: {error.strerror or error}")
                with contextlib.suppress(OSError):
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except Exception as error:  # a fault of ours must not close the door
                self._log_once(f"a fault of the daemon's own in the mailbox: {error!r}")
            self._wake.wait(_BUSY_LOOK_S if busy else _LOOK_S)
            self._wake.clear()
            self._write_replies()
        self._write_replies()
        with contextlib.suppress(OSError):
            self._heart.end()

    def _take_requests(self, now: float) -> None:
        """Of each box the oldest first, and at most MAX_LETTERS at a time, so that one box cannot hold up the others."""
        self._find_boxes()
        for name, box in self._boxes.items():
            try:
                waiting = self._waiting(box)
            except OSError as error:
                self._log_once(f"the box {box.folder} cannot be read: {error.strerror or error}")
                continue
            for stamp, file in waiting[: limits.MAX_LETTERS]:
                box.active = now
                self._heart.hurry()
                self._take(name, box, file, stamp)

    def _waiting(self, box: _Box) -> list[tuple[Stamp, Path]]:
        """Requests that were not taken yet, the oldest first. Files that are still being written are left."""
        found = []
        with os.scandir(box.folder / REQUESTS) as entries:
            for entry in entries:
                if entry.name.endswith(letters.REQUEST) and not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        if box.taken.get(entry.name) != (stamp := _stamp(os.lstat(entry.path))):
                            found.append((stamp, entry.name))
                if len(found) == limits.MAX_BACKLOG_LETTERS:
                    break
        return [(stamp, box.folder / REQUESTS / name) for stamp, name in sorted(found)]

    def _take(self, name: str, box: _Box, file: Path, stamp: Stamp) -> None:
        age_s = time.time() - stamp[0] / 1e9
        received: Received
        try:
            received = letters.read_request(file)
            if age_s > limits.MAX_LETTER_AGE_S:
                most = f"{limits.MAX_LETTER_AGE_S:g} s"
                problem = f"this request lay here for {age_s:.0f} s, more than {most}, with no daemon: ask again"
                received = MessageError(problem, "too_late", received.id)
        except FileNotFoundError:
            return
        except MessageError as error:
            received = error
        if isinstance(received, commands.ReportTransport):  # it was so when the file was written, not when we looked
            received = replace(received, age_s=(received.age_s or 0.0) + max(0.0, age_s))
        # The file goes when its answer is there: a daemon that is killed in between leaves it to the next.
        box.taken[file.name] = stamp
        self._loop.call_soon_threadsafe(self._serve, received, BoxClient(self, name))
        if received.id == letters.NAMELESS and isinstance(received, MessageError):
            self._remove_request(box, file.name)

    def _write_replies(self) -> None:
        for _ in range(limits.MAX_UNWRITTEN):
            try:
                reply, name = self._outgoing.get_nowait()
            except queue.Empty:
                return
            box = self._boxes.get(name)
            if box is None:
                continue
            file = box.folder / REPLIES / letters.reply_file(reply.id)
            try:
                file.parent.mkdir(exist_ok=True)
                handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
                with open(handle, "ab", buffering=0) as opened:
                    opened.write(letters.reply_line(reply))  # in one call: a reader finds whole lines, or the last unended
            except OSError as error:
                self._log_once(f"cannot write the reply {file}: {error.strerror or error}")
                continue
            if reply.id + letters.REQUEST in box.taken:
                self._remove_request(box, reply.id + letters.REQUEST)

    def _remove_request(self, box: _Box, name: str) -> None:
        stamp = box.taken.pop(name)
        file = box.folder / REQUESTS / name
        try:
            if _stamp(file.lstat()) != stamp:
                return  # the next request has come under this name
            shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            self._log_once(f"cannot remove the request {file}: {error.strerror or error}")
            box.taken[name] = stamp  # not to be served again and again

    def _find_boxes(self) -> None:
        with os.scandir(self._folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        for name in names:
            folder = self._folder / name
            if name in self._boxes or not (folder / REQUESTS).is_dir():
                continue
            if not letters.NAME.fullmatch(name):
                self._log_once(f"{folder} is no box: a name has 1 to 100 letters, digits, '.', '_' and '-'")
            elif len(self._boxes) == limits.MAX_BOXES:
                self._log_once(f"{folder} is not served: there are {limits.MAX_BOXES} boxes already")
            else:
                self._boxes[name] = _Box(folder)
        for name in [name for name in self._boxes if name not in names]:
            del self._boxes[name]

    def _sweep(self) -> None:
        """Away with what nobody came for, and with boxes that are then empty."""
        for name, box in [*self._boxes.items()]:
            for lying in (box.folder / REQUESTS, box.folder / REPLIES):
                with contextlib.suppress(OSError), os.scandir(lying) as entries:
                    for entry in entries:
                        if time.time() - entry.stat(follow_symlinks=False).st_mtime > limits.MAX_UNREAD_LETTER_S:
                            os.unlink(entry.path)
            with contextlib.suppress(OSError):  # of those in use one is not empty, or was changed lately
                if time.time() - box.folder.stat().st_mtime > limits.MAX_UNREAD_LETTER_S and not box.taken:
                    for folder in (REPLIES, REQUESTS):
                        with contextlib.suppress(FileNotFoundError):
                            (box.folder / folder).rmdir()
                    box.folder.rmdir()
                    del self._boxes[name]

    def _log_once(self, problem: str) -> None:
        if problem not in self._logged and len(self._logged) < limits.MAX_BOXES:
            self._logged.add(problem)
            log.warning("%s", problem)


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino
