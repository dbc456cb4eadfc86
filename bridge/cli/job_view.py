"""How the command line shows a running job: JSON lines, plain lines, or a progress bar."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import datetime
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from bridge.osc.replies import Ack, Cancelled, Chunk, Done, End, Entry, Fail, ProgressReport, Queued, Reply, name_of, paths_of
from bridge.plain_text import on_one_line

_BAR_WIDTH = 40  # of a terminal that has room for a progress bar on one line


def choose(as_json: bool, console: Console) -> JsonView:
    """A view of one job: enter it, call it with each reply, leave it."""
    if as_json:
        return JsonView()
    return BarView(console) if has_room(console) else LineView(console)


def has_room(console: Console) -> bool:
    """For a progress bar: it is a terminal, no dumb one and no narrow one."""
    return console.is_terminal and not console.is_dumb_terminal and console.width >= _BAR_WIDTH


class JsonView:
    """One line a reply."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, reply: Reply) -> None:
        values = dataclasses.asdict(reply)
        pairs = values.pop("pairs", {})
        print(json.dumps({"event": name_of(reply), **values, **pairs}), flush=True)


class LineView(JsonView):
    """For narrow and dumb terminals and logs: a line for every chunk."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, reply: Reply) -> None:
        if isinstance(reply, Ack):
            self._console.print(f"job {reply.id}", markup=False)
        elif isinstance(reply, Queued) and "later" not in reply.pairs and (waiting := _waiting(reply)):  # that is its end
            self._console.print(waiting)
        elif isinstance(reply, Chunk):
            which = f"variation {reply.pairs['variation']}: " if "variation" in reply.pairs else ""
            self._console.print(f"{which}{reply.start_s + reply.duration_s:.1f} s on disk")


class BarView(JsonView):
    """A progress bar."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
        self._progress = Progress(*columns, console=console, transient=True)
        self._task: TaskID = self._progress.add_task("waiting", total=None, figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, reply: Reply) -> None:
        if isinstance(reply, Ack):
            self._progress.console.print(f"job {reply.id}", markup=False)
        elif isinstance(reply, Queued) and (waiting := _waiting(reply)):
            self._progress.update(self._task, description=waiting)
        elif isinstance(reply, ProgressReport):
            figures = f"{reply.done_s:.1f} of {reply.total_s:.1f} s, rtf {reply.rtf:.2f}"
            self._progress.update(self._task, description="making", total=reply.total_s, completed=reply.done_s, figures=figures)


def _waiting(queued: Queued) -> str:
    """Why it waits; empty when it does not have to."""
    if queued.pairs.get("later"):
        return "the daemon ends: the job waits for the next one ('inspire stop --drop' forgets such jobs)"
    if queued.pairs.get("paused"):
        return f"waiting, the queue is paused ('inspire resume'), {queued.position} ahead"
    return f"waiting, {queued.position} ahead" if queued.position else ""


def show_entry(entry: Entry, out: Console) -> None:
    """One job of the history, in two lines."""
    p = entry.pairs
    figures = [_here(p.get("created", "")), entry.job, entry.state, f"{p.get('duration_s', 0):.1f} s"]
    line = "  ".join([*figures, p.get("prompt") or p.get("clip", "")])
    out.print(("★ " if p.get("kept") else "  ") + on_one_line(line), markup=False)
    for path in paths_of(entry):
        out.print(f"    {path}{'' if os.path.exists(path) else '  (gone)'}", markup=False)


def _here(created: str) -> str:
    """On the clock of whoever looks; as it is where it is no time."""
    try:
        return f"{datetime.fromisoformat(created).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return created


def show_end(end: Reply, out: Console, err: Console) -> None:
    """The path on `out`, for scripts; the rest on `err`."""
    match end:
        case Done():
            p = end.pairs
            figures = [f"{end.duration_s:.1f} s"]
            figures += [f"first chunk after {p['first_chunk_s']:.2f} s"] if "first_chunk_s" in p else []
            figures += [f"rtf {p['rtf']:.2f}"] if "rtf" in p else []
            figures += _musical_time(p)
            figures += [f"seed {p['seed']}"] if "seed" in p else []
            figures += [f"{p['underruns']} underruns"] if p.get("underruns") else []
            _show_paths(end, out)
            err.print(", ".join(figures), markup=False)
            if "drawn" in p:
                err.print(f"drawn from the seed: {p['drawn']}", markup=False)
            if "note" in p:
                err.print(f"note: {p['note']}", markup=False)
        case Cancelled():
            _show_paths(end, out)
            err.print(f"cancelled after {end.duration_s:.1f} s")
        case Queued():
            err.print(_waiting(end))
        case Fail():
            _show_paths(end, out)
            err.print(f"[red]failed[/red] ({end.code}): ", end="")
            err.print(end.message, markup=False)
        case _:
            message = f"the daemon answered with {name_of(end)!r}, which is no end of a job: it may be of another version"
            err.print(message, markup=False)


def _musical_time(p: dict[str, Any]) -> list[str]:
    """How it keeps its grid, where it has a beat; else its tempo, where there is one."""
    if "downbeat_ms" not in p:
        return [f"{p['bpm']:.1f} bpm"] if "bpm" in p else []
    rolls = f" after {p['rolls']} takes" if p.get("rolls", 1) > 1 else ""
    return [f"{p['bpm_measured']:.2f} bpm", f"downbeat {p['downbeat_ms']:+.0f} ms{rolls}"]


def _show_paths(end: End, out: Console) -> None:
    for path in paths_of(end):
        out.print(path, markup=False)
