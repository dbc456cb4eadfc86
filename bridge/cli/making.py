"""Commands that make music, and those that hold it up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bridge import job_views
from bridge.cli.completion import preset_names, unended_jobs
from bridge.cli.connection import answered, connect, fail
from bridge.cli.consoles import err, out
from bridge.cli.options import AsJson, NoStart, PastJob, Port, with_keys_of
from bridge.client import Client, new_id
from bridge.osc_spec import MAX_LISTED
from bridge.replies import Cancelled, Done, Fail, Reply

app = typer.Typer()


@app.command()
@with_keys_of("/inspire/generate")
def generate(
    prompt: Annotated[str, typer.Argument(help="what to play: style, tempo, key, instruments; a preset may say it")] = "",
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Make music from a text."""
    with connect(port, no_start, as_json) as client:
        _follow(client, lambda id: client.generate(prompt, id=id, **pairs), as_json)


@app.command("continue")
@with_keys_of("/inspire/continue")
def continue_clip(
    clip: Annotated[Path, typer.Argument(help="an audio file")],
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Go on from a recorded clip."""
    with connect(port, no_start, as_json) as client:
        _follow(client, lambda id: client.continue_clip(str(clip.absolute()), id=id, **pairs), as_json)


@app.command()
@with_keys_of("/inspire/again")
def again(
    job: PastJob,
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Ask for a job's request again: the same audio, unless another seed is given."""
    with connect(port, no_start, as_json) as client:
        _follow(client, lambda id: client.again(job, id=id, **pairs), as_json)


@app.command()
@with_keys_of("/inspire/sketch", without=("preset",))
def sketch(
    presets: Annotated[list[str] | None, typer.Argument(help="one after the other", autocompletion=preset_names)] = None,
    prompt: Annotated[str, typer.Option(help="what to play, in place of the presets' own words")] = "",
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Make short variations to choose from: of a preset, of a prompt, or of a prompt as a preset plays it.

    Of several presets one each, unless --variations says more.
    """
    if not presets and not prompt.strip():
        fail("say what to sketch: a preset's name ('inspire presets' lists them), or --prompt", 2)
    if presets and len(presets) > 1 and pairs["variations"] is None:
        pairs["variations"] = 1
    with connect(port, no_start, as_json) as client:
        for preset in presets or [None]:
            if preset and not as_json:
                err.print(preset, markup=False)
            end = _show_job(client, lambda id: client.sketch(prompt, id=id, preset=preset, **pairs), as_json)  # noqa: B023
            if not isinstance(end, Done):
                raise typer.Exit(_exit_code(end))


@app.command()
def jobs(port: Port = None, as_json: AsJson = False) -> None:
    """List the jobs that run and wait, in the order of their turns."""
    with connect(port, no_start=True) as client:
        found, entries = answered(client.jobs(limit=MAX_LISTED))
    for entry in entries:
        if as_json:
            print(json.dumps({"job": entry.job, "position": entry.index, "state": entry.state, **entry.pairs}))
        else:
            job_views.show_entry(entry, out)
    if not as_json and found.shown < found.count:
        err.print(f"and {found.count - found.shown} more")


@app.command()
def cancel(
    job: Annotated[str | None, typer.Argument(help="its id; the running one if not given", autocompletion=unended_jobs)] = None,
    port: Port = None,
) -> None:
    """Stop a job; what it made stays."""
    with connect(port, no_start=True) as client:
        job = job or answered(client.status()).pairs.get("running")
        if job is None:
            fail("nothing is running", 1)
        answered(client.cancel(job))
        out.print(f"cancelled {job}")


@app.command()
def pause(port: Port = None) -> None:
    """Begin no other job until resume; the running one ends."""
    with connect(port, no_start=True) as client:
        answered(client.pause())
    out.print("the queue is paused: 'inspire resume' lets it go on")


@app.command()
def resume(port: Port = None) -> None:
    """Let waiting jobs begin again."""
    with connect(port, no_start=True) as client:
        answered(client.resume())


def _follow(client: Client, start, as_json: bool) -> NoReturn:
    """Shows a job to its end, and exits."""
    raise typer.Exit(_exit_code(_show_job(client, start, as_json)))


def _exit_code(end: Reply) -> int:
    return 0 if isinstance(end, Done) else 130 if isinstance(end, Cancelled) else 1


def _show_job(client: Client, start, as_json: bool) -> Reply:
    """Shows a job to its end, which it gives. Ctrl-C cancels the job and still shows its end."""
    id = new_id()
    show = job_views.choose(as_json, err)
    end = None
    with show:
        try:
            for reply in start(id):
                show(reply)
                end = reply
        except KeyboardInterrupt:
            client.cancel(id)
            while not isinstance(end, (Done, Fail, Cancelled)):
                end = client.receive(id, 30) or Fail(id, "no_daemon", "the daemon does not answer")
            show(end)
    if not as_json:
        job_views.show_end(end, out, err)
    return end
