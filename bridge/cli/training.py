"""The command that makes a model of one's own: starts a process of the engine's that trains, shows it, stops it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bridge.cli.connection import fail
from bridge.cli.consoles import err, out
from bridge.cli.job_view import has_room
from bridge.cli.options import AsJson
from bridge.config.settings import load_settings

_MODULE = "engine.training.adapt"
_ENDS = ("done", "no_gain", "fail", "stopped")
_LINE_EVERY_S = 30.0  # on a dumb terminal

_Event = dict[str, Any]  # what the engine's process says, a JSON object a line: under `event` what it is, and its figures

app = typer.Typer()


@app.command()
def train(
    on: Annotated[Path, typer.Option("--on", help="folder of your recordings, and captions.csv (file,caption,bpm,key)")],
    name: Annotated[str | None, typer.Option(help="of the new model; the folder's if not given")] = None,
    minutes: Annotated[float, typer.Option(help="at most; it ends sooner when nothing more is gained")] = 20.0,
    base: Annotated[str, typer.Option(help="the model it begins as, a name or a folder")] = "sketch",
    restart: Annotated[bool, typer.Option("--restart", help="forget what an interrupted run has learnt")] = False,
    save_anyway: Annotated[bool, typer.Option("--save-anyway", help="also without a gain on held-out recordings")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a model of your own: a copy of another, fine-tuned on your recordings. Ctrl-C stops it, the same command goes on."""
    on = on.expanduser().absolute()
    name = name if name is not None else re.sub(r"[^A-Za-z0-9._-]+", "_", on.name).strip("._-") or "mine"
    command = [sys.executable, "-m", _MODULE, str(on), f"--name={name}", f"--models={load_settings().models_folder}"]
    command += [f"--base={base}", f"--minutes={minutes}", *["--restart"] * restart, *["--save-anyway"] * save_anyway]
    view = _JsonView() if as_json else _BarView(err) if has_room(err) else _LineView(err)
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        code, last = _run(command, view, complaints)
        if code != 130 and last.get("event") not in _ENDS:
            complaints.seek(0)
            lines = complaints.read().strip().splitlines()
            fail(f"the training ended unexpectedly: {lines[-1] if lines else f'code {code}'}; the same command goes on", 1)
    if not as_json:
        _show_end(last, code, name)
    raise typer.Exit(code)


def _event(line: str) -> _Event | None:
    """None for what a library printed in between."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _run(command: list[str], view: _JsonView, complaints: IO[str]) -> tuple[int, _Event]:
    """Shows a training to its end: (exit code, last event). Ctrl-C lets it keep what it has; a second one does not."""
    last: _Event = {}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, encoding="utf-8")
    assert child.stdout is not None, "it is a pipe"
    interrupted = False
    with view, child:
        while True:
            try:
                for line in child.stdout:
                    if (event := _event(line)) is not None:
                        last = event
                        view(last)
                return 130 if interrupted else child.wait(), last
            except KeyboardInterrupt:
                if interrupted:
                    child.kill()
                else:
                    child.send_signal(signal.SIGINT)
                interrupted = True


class _JsonView:
    """What the engine says, line by line."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: _Event) -> None:
        print(json.dumps(event), flush=True)


class _LineView(_JsonView):
    """For logs."""

    def __init__(self, console: Console) -> None:
        self._console, self._next_s = console, 0.0

    def __call__(self, event: _Event) -> None:
        if text := _in_words(event):
            self._console.print(text, markup=False)
        elif event["event"] == "progress" and event["done_s"] >= self._next_s:
            self._next_s = event["done_s"] + _LINE_EVERY_S
            self._console.print(f"{event['done_s']:.0f} of {event['total_s']:.0f} s, {_figures(event)}", markup=False)


class _BarView(_JsonView):
    """A progress bar."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[figures]}"))
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("beginning", total=None, figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, event: _Event) -> None:
        if text := _in_words(event):
            self._progress.console.print(text, markup=False)
        elif event["event"] == "encoded":
            self._show("listening", event["done"], event["total"], event["file"])
        elif event["event"] == "progress":
            self._show("training", event["done_s"], event["total_s"], _figures(event))

    def _show(self, description: str, completed: float, total: float, figures: str) -> None:
        self._progress.update(self._task, description=description, completed=completed, total=total, figures=figures)


def _figures(progress: _Event) -> str:
    learnt = f", loss {progress['loss']:.3f}" if "loss" in progress else ""
    return f"step {progress['step']}{learnt}, held-out {progress['held_out']:.3f}"


def _in_words(event: _Event) -> str:
    """What is worth a line of its own; else empty."""
    match event["event"]:
        case "skipped":
            return f"left out: {event['file']}: {event['reason']}"
        case "recordings":
            held_out = event["held_out"]
            named = ", ".join(held_out[:3]) + (f" and {len(held_out) - 3} more" if len(held_out) > 3 else "")
            return f"{event['files']} recordings, {event['minutes']:.1f} minutes; never trained on: {named}"
        case "before":
            return f"before: {event['held_out']:.3f} nats a token on those"
        case "resumed":
            return f"going on after {event['step']} steps, {event['done_s'] / 60:.1f} minutes"
    return ""


def _show_end(last: _Event, code: int, name: str) -> None:
    """The model's folder on stdout, for scripts; the rest on stderr."""
    if code == 130:
        err.print("stopped; the same command goes on from here")
        return
    match last["event"]:
        case "done":
            out.print(last["path"], markup=False)
            figures = f"{last['before']:.3f} before, {last['after']:.3f} now"
            err.print(f"held-out recordings, nats a token: {figures}; {last['step']} steps in {last['minutes']:.1f} minutes")
            err.print(f'play it: inspire generate "…" --model "{name}"', markup=False)
        case "no_gain":
            err.print(
                f"nothing was gained on the held-out recordings ({last['before']:.3f} nats a token before, {last['best']:.3f} at "
                f"best), so no model was saved: more recordings help most; more --minutes go on, --save-anyway keeps it"
            )
        case "fail":
            fail(last["message"], code)
