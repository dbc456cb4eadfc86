"""Commands that make music, and those that hold it up."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bridge import job_views
from bridge.cli.connection import answered, connect, fail
from bridge.cli.options import AsJson, NoStart, Port, err, out, with_keys_of
from bridge.client import Client, new_id
from bridge.presets import Presets
from bridge.replies import Cancelled, Done, Fail, Reply
from bridge.settings import load_settings

_SKETCHES, _SKETCH_BARS, _SKETCH_S = 4, 4, 8.0  # how many, and how long each is, unless said

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
    job: Annotated[str, typer.Argument(help="a job's id, as history shows it")],
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Ask for a job's request again: the same audio, unless another seed is given."""
    with connect(port, no_start, as_json) as client:
        _follow(client, lambda id: client.again(job, id=id, **pairs), as_json)


@app.command()
@with_keys_of("/inspire/generate", without=("preset",))
def sketch(
    presets: Annotated[list[str] | None, typer.Argument(help="presets, taken in turn")] = None,
    count: Annotated[int | None, typer.Option(min=1, help=f"how many; {_SKETCHES}, or one of each preset")] = None,
    prompt: Annotated[str, typer.Option(help="what to play, in place of the presets' own words")] = "",
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Make short variations in a row, each with a seed of its own: of presets, of a prompt, or of a prompt as presets play it."""
    library = Presets(load_settings({"port": port}).presets_folder)
    chosen = [library.get(name) for name in presets or ()]
    if not chosen and not prompt.strip():
        fail("say what to sketch: a preset's name ('inspire presets' lists them), or --prompt", 2)
    count = count or max(_SKETCHES, len(chosen))
    first_seed = secrets.randbelow(2**31) if pairs["seed"] is None else pairs["seed"]
    with connect(port, no_start, as_json) as client:
        for number in range(count):
            preset = chosen[number % len(chosen)] if chosen else None
            asked = {**pairs, "seed": (first_seed + number) % 2**31, "preset": preset.name if preset else None}
            if pairs["bars"] is None and pairs["duration_s"] is None:
                in_bars = pairs["bpm"] or (preset and preset.values.get("bpm"))
                asked |= {"bars": _SKETCH_BARS} if in_bars else {"duration_s": _SKETCH_S}
            if not as_json:
                err.print(f"{number + 1} of {count}: {preset.name if preset else prompt}", markup=False)
            end = _show_job(client, lambda id: client.generate(prompt, id=id, **asked), as_json)  # noqa: B023 - used at once
            if not isinstance(end, Done):
                raise typer.Exit(_exit_code(end))


@app.command()
def cancel(
    job: Annotated[str | None, typer.Argument(help="a job's id; the running one if not given")] = None,
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
