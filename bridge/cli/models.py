"""Commands about models: what there is, what is to be had, getting it, verifying and removing it."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from bridge.cli.completion import model_names, published_names
from bridge.cli.connection import fail
from bridge.cli.consoles import err, out, report
from bridge.cli.job_view import has_room
from bridge.cli.options import AsJson
from bridge.config.settings import load_settings
from engine.api import ModelError
from engine.checkpoints import pull as puller
from engine.checkpoints.library import ModelInfo, list_models
from engine.checkpoints.memory import fits, machine_memory
from engine.checkpoints.published import PUBLISHED, Published
from engine.checkpoints.sources import Listing

_LINE_EVERY_S = 10.0  # on a dumb terminal

app = typer.Typer()
models = typer.Typer(invoke_without_command=True)
app.add_typer(models, name="models")


@models.callback()
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models that are here, and those to be had; pull, verify and remove them."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    here, memory, half = list_models(settings.models_folder), machine_memory(), puller.half_pulled(settings.models_folder)
    for model in here.values():
        _show_here(model, model.name == settings.model, memory, as_json)
    if not as_json:
        out.print("to be had with 'inspire models pull NAME':", markup=False)
    for one in PUBLISHED.values():
        if one.name not in here:
            _show_published(one, memory, half.get(one.name), as_json)
    if not as_json:
        err.print(f"your own: {settings.models_folder}", markup=False)


def _show_here(model: ModelInfo, is_default: bool, memory: int, as_json: bool) -> None:
    known, lock = PUBLISHED.get(model.name), puller.read_lock(model.path)
    samplerate = model.samplerate or (known.samplerate if known else 0)
    row: dict[str, Any] = {"name": model.name, "kind": model.kind, "here": True, "bytes": model.bytes, "path": str(model.path)}
    row |= {"samplerate": samplerate, "default": is_default}
    if model.licence:
        row["licence"] = model.licence
    if known:
        row |= _facts(known, memory)
    if lock:
        row |= {"licence": lock["licence"] or known and known.licence, "source": lock["source"], "revision": lock["revision"]}
    if as_json:
        print(json.dumps(row))
        return
    rate = f"{samplerate / 1000:g} kHz" if samplerate else ""
    space = "" if not known or row["fits"] else f"  {_memory(known, memory)}"
    licence = f"  {row['licence']}" if row.get("licence") else ""
    line = f"{'*' if is_default else ' '} {model.name:>28}  {model.kind:>8}  {model.bytes / 1e6:7.1f} MB  {rate:>6}"
    out.print(f"{line}  {model.path}{licence}{space}", markup=False)


def _show_published(one: Published, memory: int, half: int | None, as_json: bool) -> None:
    if as_json:
        row = {"name": one.name, "kind": "published", "here": False, "bytes": one.bytes, "half_here": half or 0}
        row |= {"default": False, "samplerate": one.samplerate, "licence": one.licence}
        print(json.dumps(row | _facts(one, memory)))
        return
    started = f"  ({half / 1e6:.0f} MB of it are here)" if half is not None else ""
    size = f"{one.size}, {one.bytes / 1e9:.1f} GB"
    out.print(f"  {one.name:>28}  {size:>13}  {one.licence}  {_memory(one, memory)}  {one.what}{started}", markup=False)


def _facts(one: Published, memory: int) -> dict[str, Any]:
    needs = {"memory_bytes": one.memory_bytes, "fits": fits(one.memory_bytes, memory)}
    return {"what": one.what, "paper": one.paper, "hugging_face": one.hugging_face, "model_scope": one.model_scope, **needs}


def _memory(one: Published, memory: int) -> str:
    word = "fits" if fits(one.memory_bytes, memory) else "too large"
    return f"{word}: {one.memory_bytes / 1e9:.0f} of {memory / 1e9:.0f} GB memory" if memory else ""


@models.command()
def pull(
    name: Annotated[str, typer.Argument(help="as 'inspire models' lists it", autocompletion=published_names)],
    revision: Annotated[str | None, typer.Option(help="of the source; when not given what an earlier pull met")] = None,
    as_json: AsJson = False,
) -> None:
    """Get a published model. Ctrl-C stops it, the same command goes on; what is there is verified, and only the rest fetched."""
    folder = load_settings().models_folder
    view = _View(as_json)
    try:
        with _errors_shown(), view:
            path, fetched = puller.pull(name, folder, revision=revision, report=view)
    except KeyboardInterrupt:
        err.print("stopped; the same command goes on from here")
        raise typer.Exit(130) from None
    known, lock = PUBLISHED[path.name], puller.read_lock(path)
    assert lock is not None, "a pull leaves a lock"
    if not as_json and not fits(known.memory_bytes, machine_memory()):
        err.print(f"{known.name} may not run here: {_memory(known, machine_memory())}", style="yellow", markup=False)
    word = "whole" if fetched else "is here already, whole"
    sentence = f"{path}  {word}: revision {lock['revision']} of {lock['repository']} ({lock['source']})"
    report({"path": str(path), "fetched": fetched, **{key: lock[key] for key in ("source", "revision")}}, sentence, as_json)
    if not as_json:
        how = "" if known.has_flow else " --decode fast"
        err.print(f'play it: inspire generate "…" --model {path.name}{how}', markup=False)


@models.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="all that were pulled when not given", autocompletion=model_names)] = None,
    as_json: AsJson = False,
) -> None:
    """Hash a pulled model's files against what was pulled."""
    folder = load_settings().models_folder
    pulled = [one.name for one in list_models(folder).values() if puller.read_lock(one.path)]
    if name is None and not pulled:
        fail("no model here was pulled, so there is none to verify", 1)
    code = 0
    for one in [name] if name is not None else pulled:
        with _errors_shown():
            faults = puller.verify(one, folder)
        advice = "" if not faults else f"; 'inspire models pull {one}' mends it"
        report({"name": one, "faults": faults}, f"{one}: {'; '.join(faults) or 'as it was pulled'}{advice}", as_json)
        code = max(code, bool(faults))
    raise typer.Exit(code)


@models.command()
def remove(
    name: Annotated[str, typer.Argument(help="of a model in your models folder", autocompletion=model_names)],
    yes: Annotated[bool, typer.Option("--yes", help="also a model that cannot be pulled again")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a model of your models folder, or what a stopped pull left of it."""
    folder = load_settings().models_folder
    own = list_models(folder).get(name)
    if own is not None and own.kind != "embedded" and puller.read_lock(own.path) is None and not yes:
        if not sys.stdin.isatty():
            fail(f"{name} was not pulled, so it cannot be had again: say --yes to delete {own.path}", 2)
        typer.confirm(f"{name} was not pulled, so it cannot be had again. Delete {own.path}?", abort=True, err=True)
    with _errors_shown():
        path = puller.remove(name, folder)
    report({"removed": str(path)}, f"removed {path}", as_json)


@contextlib.contextmanager
def _errors_shown() -> Iterator[None]:
    try:
        yield
    except ModelError as error:
        fail(str(error), 1)


class _View:
    """A pull as a progress bar, as lines for logs, or as JSON lines."""

    def __init__(self, as_json: bool) -> None:
        self._as_json, self._next, self._file = as_json, 0.0, ""
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        has_bar = has_room(err) and not as_json
        self._bar = Progress(*columns, TimeRemainingColumn(), console=err, transient=True) if has_bar else None
        self._task = self._bar.add_task("", total=None) if self._bar else None

    def __enter__(self) -> None:
        if self._bar:
            self._bar.start()

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, step: puller.Step) -> None:
        if step.listing is not None:
            self._begin(step.listing, step)
        now = time.monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=step.file, completed=step.done, total=step.total)
        elif now >= self._next or step.done == step.total or step.file != self._file:
            self._next, self._file = now + (0.5 if self._as_json else _LINE_EVERY_S), step.file
            if self._as_json:
                print(json.dumps({"event": "progress", "file": step.file, "done": step.done, "total": step.total}), flush=True)
            elif step.file:
                err.print(f"{step.file}: {step.done / 1e6:.0f} of {step.total / 1e6:.0f} MB", markup=False)

    def _begin(self, listing: Listing, step: puller.Step) -> None:
        row = {name: getattr(listing, name) for name in ("source", "repository", "revision", "licence")}
        if self._as_json:
            print(json.dumps({"event": "listed", **row, "done": step.done, "total": step.total}), flush=True)
            return
        left = f"{(step.total - step.done) / 1e6:.1f} of {step.total / 1e6:.1f} MB to come"
        licence = f"its licence: {listing.licence}" if listing.licence else "no licence is stated there: see its page"
        err.print(f"{listing.repository} at {listing.source}, revision {listing.revision}; {licence}; {left}", markup=False)
