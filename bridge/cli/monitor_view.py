"""What `inspire monitor` shows: looks at a daemon, one after the other, and a log of what happened between them.

Everything is asked for and received over OSC; the waveform is read from the running job's growing file, which the daemon names.
"""

from __future__ import annotations

import os
import textwrap
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import soundfile
from rich.cells import set_cell_size

from bridge.errors import BridgeError
from bridge.osc.client import Client
from bridge.osc.replies import Cancelled, Done, Fail, Reply, Welcome
from bridge.osc.spec import MAX_LISTED
from bridge.plain_text import on_one_line

Snapshot = dict[str, Any]  # of a daemon: its state and that state's keys, as they go to JSON; see `snapshot`

WAVEFORM_S = 10.0  # of the result's end
_BLOCKS = " ▁▂▃▄▅▆▇█"
_BARS = 120  # values of a waveform in a snapshot
_RANGE_DB = 60.0  # below full scale, shown as nothing
_KEPT_LINES = 100  # of the log
_QUEUE_LINES = 8  # of the queue, shown
_FEWEST_LOG_LINES = 3  # shown, however low the screen is


class Watch:
    """A daemon watched for as long as one likes: no trouble of its own, nor its end, ends the watching.

    `find` gives a client of the daemon, None where there is none. `log` holds the last lines of what happened.
    """

    def __init__(self, find: Callable[[], Client | None]):
        self._find = find
        self._client: Client | None = None
        self._registered_pid: int | None = None  # the daemon that sends its events here
        self._before: Snapshot = {}
        self._asked: dict[str, str] = {}  # job → what for, until it ends
        self._news: list[str] = []
        self.log: deque[str] = deque(maxlen=_KEPT_LINES)

    def look(self) -> Snapshot:
        """A snapshot with the state "gone" while there is no daemon, and under `log` the lines since the last look."""
        try:
            self._client = self._client or self._find()
            view = snapshot(self._client) if self._client else {"state": "gone"}
            if self._client and view.get("pid") not in (None, self._registered_pid):
                self._say_hello(self._client, view)
        except BridgeError as error:
            view = {"state": "gone", "problem": str(error)}
        if view["state"] == "gone":
            self.close()
        self._compare(view)
        news, self._news = self._news, []
        return view | {"log": news}

    def listen(self, seconds: float) -> None:
        """Receives what happens, so long."""
        deadline = time.monotonic() + seconds
        try:
            while self._client and (reply := self._client.receive(None, deadline - time.monotonic())):
                self._receive(reply)
        except BridgeError:
            self.close()  # the next look shows why
        time.sleep(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        if self._client:
            self._client.close()
        self._client = self._registered_pid = None
        self._asked.clear()

    def _say_hello(self, client: Client, view: Snapshot) -> None:
        if isinstance(client.hello("monitor", events="all"), Welcome):
            self._registered_pid = view["pid"]
            self._note("daemon", f"inspire {view['version']}, process {view['pid']}")

    def _receive(self, reply: Reply) -> None:
        """An end of anybody's job."""
        if not isinstance(reply, (Done, Fail, Cancelled)):
            return
        what = self._asked.pop(reply.id, f"job {reply.id}")
        match reply:
            case Done():
                self._note("done", f"{os.path.basename(reply.path)}, {reply.duration_s:.1f} s")
            case Cancelled():
                self._note("cancelled", f"{what}, {reply.duration_s:.1f} s")
            case Fail():
                self._note("failed", f"{what}: {reply.message}")

    def _compare(self, view: Snapshot) -> None:
        """What has changed since the look before."""
        before, self._before = self._before, view
        if view["state"] == "gone":
            if before.get("state") != "gone":
                self._note("daemon", "gone")
            return
        for entry in view.get("queue", []):
            if entry["job"] not in self._asked:
                self._asked[entry["job"]] = what = entry.get("prompt") or entry.get("clip", "")
                self._note("asked", f"{what}, by {entry.get('client', 'someone')}")
        if view.get("restarts", 0) > before.get("restarts", 0) and "pid" in before:
            self._note("engine", "started again")
        if view.get("problem") != before.get("problem") and view.get("problem"):
            self._note("problem", view["problem"])
        for name, word in (("audio_device", "sound"), ("midi_in", "midi")):
            if name in before and view.get(name) != before[name]:
                self._note(word, view.get(name, "none"))
        if view.get("paused", 0) != before.get("paused", 0) and "pid" in before:
            self._note("queue", "paused" if view["paused"] else "resumed")

    def _note(self, word: str, text: str) -> None:
        line = f"{time.strftime('%H:%M:%S')} {word:<9} {text}"
        self.log.append(line)
        self._news.append(line)


def snapshot(client: Client) -> Snapshot:
    """The daemon's state; under `queue` the jobs that run and wait; under `job` the running one, with its last seconds' peaks.

    Raises NoDaemon.
    """
    state = client.status()
    if isinstance(state, Fail):
        return {"state": "unknown", "problem": state.message}
    view: Snapshot = {"state": state.state, **state.pairs, "queue": []}
    if view.get("running") or view.get("queued"):
        listed = client.jobs(limit=MAX_LISTED)
        entries = [] if isinstance(listed, Fail) else listed[1]
        view["queue"] = [{"job": entry.job, "position": entry.index, "state": entry.state, **entry.pairs} for entry in entries]
    if running := view.get("running"):
        job = client.status(running)
        if not isinstance(job, Fail):  # else it has been forgotten meanwhile
            view["job"] = {"state": job.state, **job.pairs, "peaks_db": peaks_db(job.pairs.get("path"))}
    return view


def peaks_db(path: str | None) -> list[float]:
    """Peaks, in dBFS, of equal parts of the last seconds of a file that may be growing; none where it cannot be read."""
    if path is None:
        return []
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(max(0, file.frames - int(WAVEFORM_S * file.samplerate)))
            samples = np.abs(file.read(dtype="float32", always_2d=True)).max(axis=1)
    except (OSError, soundfile.SoundFileError):  # renamed at its end, or not begun
        return []
    peaks = [part.max() for part in np.array_split(samples, _BARS) if len(part)]
    return [round(float(20 * np.log10(max(peak, 1e-6))), 1) for peak in peaks]


def lines(view: Snapshot, log: Iterable[str], width: int, height: int = 40, blocks: bool = True) -> list[str]:
    """A snapshot, and as much of the log as there is room for, in lines of at most `width` columns.

    `blocks`: the terminal can draw a waveform.
    """
    shown = _gone(view, width) if view["state"] == "gone" else _state(view, width, blocks)
    queue = view.get("queue", [])
    shown += [f"{entry['position']:>7} {entry.get('prompt') or entry.get('clip', '')}" for entry in queue[:_QUEUE_LINES]]
    shown += [f"        and {len(queue) - _QUEUE_LINES} more"] * (len(queue) > _QUEUE_LINES)
    room = max(_FEWEST_LOG_LINES, height - len(shown))
    return [set_cell_size(on_one_line(line), width).rstrip() for line in (*shown, *list(log)[-room:])]


def _gone(view: Snapshot, width: int) -> list[str]:
    why = view.get("problem") or "no daemon runs: start one with 'inspire serve'"
    return [*textwrap.wrap(why, width), "waiting for one"]


def _state(view: Snapshot, width: int, blocks: bool) -> list[str]:
    queue = f"{view.get('queued', 0)} waiting" + (", paused" if view.get("paused") else "")
    shown = [f"inspire {view.get('version', '')}  {view['state']}  {queue}", f"model   {view.get('model', 'none')}"]
    if job := view.get("job"):
        shown.append(f"job     {job['job']}")
        shown.append(f"        {job.get('done_s', 0):.1f} of {job.get('total_s', 0):.1f} s, rtf {job.get('rtf', 0):.2f}")
        if blocks and job["peaks_db"]:
            shown.append(waveform(job["peaks_db"], width))
    shown.append(f"sound   {view.get('audio_device', 'unknown')}")
    levels = f"peak {view['peak_db']:.1f}, rms {view['rms_db']:.1f} dBFS, " if "peak_db" in view else ""
    shown.append(f"        {levels}gain {view.get('gain_db', 0):g} dB, {view.get('underruns', 0)} underruns")
    if view.get("problem"):
        shown += textwrap.wrap(f"problem {view['problem']}", width, subsequent_indent=" " * 8)
    return shown


def waveform(peaks_db: list[float], width: int) -> str:
    """One character a part, the newest at the right."""
    parts = np.array_split(np.asarray(peaks_db), min(width, len(peaks_db)))
    levels = [np.clip((part.max() + _RANGE_DB) / _RANGE_DB, 0, 1) for part in parts]
    return "".join(_BLOCKS[round(float(level) * (len(_BLOCKS) - 1))] for level in levels)
