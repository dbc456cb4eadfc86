"""Commands that make music, and those that hold it up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bridge.cli import job_view
from bridge.cli.completion import preset_names, unended_jobs
from bridge.cli.connection import answered, connect, expected, fail
from bridge.cli.consoles import err, out, report
from bridge.cli.options import AsJson, NoStart, PastJob, Port, with_keys_of
from bridge.cli.past_job import id_of
from bridge.osc.client import Client, new_id
from bridge.osc.replies import Ack, Cancelled, Done, Fail, Queued, Reply
from bridge.osc.spec import MAX_LISTED
from engine.api import clip_text

app = typer.Typer()
_OF_A_PART = ("duration_s", "bars", "loop", "section", "time_start_s", "time_end_s")  # what an arrangement's sections say


@app.command()
@with_keys_of("/inspire/generate", and_of_starting=True)
def generate(
    prompt: Annotated[str, typer.Argument(help="what to play: style, tempo, key, instruments; a preset may say it")] = "",
    **options: Any,
) -> None:
    """Make music from a text."""
    _make(Client.generate, prompt, **options)


@app.command("continue")
@with_keys_of("/inspire/continue", and_of_starting=True)
def continue_clip(clip: Annotated[Path, typer.Argument(help="an audio file")], **options: Any) -> None:
    """Go on from a recorded clip."""
    _make(Client.continue_clip, _clip(clip), **options)


@app.command()
@with_keys_of("/inspire/upsample", and_of_starting=True)
def upsample(clip: Annotated[Path, typer.Argument(help="an audio file, such as an MP3")], **options: Any) -> None:
    """Give a recording the high frequencies it lacks, at 48 kHz. Below, it stays as it is."""
    _make(Client.upsample, _clip(clip), **options)


@app.command()
@with_keys_of("/inspire/reconstruct", and_of_starting=True)
def reconstruct(clip: Annotated[Path, typer.Argument(help="an audio file")], **options: Any) -> None:
    """Send a recording through the model's codec and back: how it sounds to the model."""
    _make(Client.reconstruct, _clip(clip), **options)


@app.command()
@with_keys_of("/inspire/arrange", without=_OF_A_PART, and_of_starting=True)
def arrange(
    sections: Annotated[str, typer.Argument(help='each as NAME:BARS or NAME:BARS=WORDS: "intro:4 drop:8=dark, drums outro:4"')],
    **options: Any,
) -> None:
    """Make a whole piece of sections, each from where the last one ends; with --clip on from a recording."""
    options["clip"] = options["clip"] and _clip(Path(options["clip"]))
    _make(Client.arrange, sections, **options)


@app.command()
@with_keys_of("/inspire/fill", and_of_starting=True)
def fill(
    clip: Annotated[Path, typer.Argument(help="an audio file")],
    start_s: Annotated[float, typer.Argument(metavar="START", help="second in which the part begins")] = 0.0,
    end_s: Annotated[float, typer.Argument(metavar="END", help="second in which it ends")] = 0.0,
    **options: Any,
) -> None:
    """Replace a part of a recorded clip, given in seconds or with --start-bar and --end-bar; the whole file unless --join new."""
    options["join"] = options["join"] or "append"
    _make(lambda client, clip, **pairs: client.fill(clip, start_s, end_s, **pairs), _clip(clip), **options)


@app.command()
@with_keys_of("/inspire/again", and_of_starting=True)
def again(job: PastJob, **options: Any) -> None:
    """Ask for a job's request again: the same audio, unless another seed or --decode is given."""
    _make(lambda client, job, **pairs: client.again(id_of(client, job), **pairs), job, **options)


@app.command("sketch", hidden=True)  # what it is called over OSC
@app.command()
@with_keys_of("/inspire/sketch", without=("preset",))
def ideas(
    presets: Annotated[list[str] | None, typer.Argument(help="one after the other", autocompletion=preset_names)] = None,
    prompt: Annotated[str, typer.Option(help="what to play, in place of the presets' own words")] = "",
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs: Any,
) -> None:
    """Make short variations to choose from: of a preset, of a prompt, or of a prompt as a preset plays it.

    Of several presets one each, unless --variations says more. One that cannot be made holds up no other.
    """
    if not presets and not prompt.strip():
        fail("say what the ideas are of: a preset's name ('inspire presets' lists them), or --prompt", 2)
    if presets and len(presets) > 1 and pairs["variations"] is None:
        pairs["variations"] = 1
    code = 0
    with connect(port, no_start, as_json) as client:
        wanted: list[str | None] = [*presets] if presets else [None]
        for preset in wanted:
            if preset and not as_json:
                err.print(preset, markup=False)
            end = _show_job(client, lambda id: client.sketch(prompt, id=id, preset=preset, **pairs), as_json)  # noqa: B023
            code = max(code, _exit_code(end))
            if isinstance(end, (Cancelled, Queued)):
                break
    raise typer.Exit(code)


@app.command()
@with_keys_of("/inspire/estimate", without=("prompt", "clip", "play", "start", "path"))
def estimate(
    prompt: Annotated[str, typer.Argument(help="what to play; a preset may say it")] = "",
    clip: Annotated[Path | None, typer.Option(help="an audio file that is to be continued")] = None,
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs: Any,
) -> None:
    """Estimate how long it would take to make this, without making it."""
    with connect(port, no_start, as_json) as client:
        estimated = answered(client.estimate(prompt=prompt or None, clip=_clip(clip) if clip else None, **pairs))
    values = {"first_s": round(estimated.first_s, 3), "total_s": round(estimated.total_s, 3), **estimated.pairs}
    new_s, wait_s = estimated.pairs.get("new_s", 0.0), estimated.pairs.get("wait_s", 0.0)
    after = f", after {wait_s:.1f} s of other jobs" if wait_s else ""
    report(values, f"first sound in {estimated.first_s:.1f} s, all {new_s:.1f} s in {estimated.total_s:.1f} s{after}", as_json)


@app.command()
def jobs(port: Port = None, as_json: AsJson = False) -> None:
    """List the jobs that run and wait, in the order of their turns."""
    with connect(port, no_start=True) as client:
        found, entries = answered(client.jobs(limit=MAX_LISTED))
    for entry in entries:
        if as_json:
            print(json.dumps({"job": entry.job, "position": entry.index, "state": entry.state, **entry.pairs}))
        else:
            job_view.show_entry(entry, out)
    if not as_json and not found.count:
        err.print("no job runs or waits")
    elif not as_json and found.shown < found.count:
        err.print(f"and {found.count - found.shown} more")


@app.command()
def cancel(
    job: Annotated[
        str | None, typer.Argument(help="last, a path or its id; the running one if not given", autocompletion=unended_jobs)
    ] = None,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Stop a job; what it made stays."""
    with connect(port, no_start=True) as client:
        job = job or answered(client.status()).pairs.get("running")
        if job is None:
            fail("nothing is running: there is nothing to cancel", 1)
        job = id_of(client, job)
        answered(client.cancel(job))
    report({"cancelled": job}, f"cancelled {job}", as_json)


@app.command()
def pause(port: Port = None, as_json: AsJson = False) -> None:
    """Begin no other job until resume; the running one ends."""
    with connect(port, no_start=True) as client:
        answered(client.pause())
    report({"paused": 1}, "the queue is paused: 'inspire resume' lets it go on", as_json)


@app.command()
def resume(port: Port = None, as_json: AsJson = False) -> None:
    """Let waiting jobs begin again."""
    with connect(port, no_start=True) as client:
        answered(client.resume())
    report({"paused": 0}, "the queue goes on", as_json)


def _clip(clip: Path) -> str:
    """The clip for a daemon that works in another folder. An address, or a path in quotes, it understands itself."""
    is_plain = clip.exists() or not str(clip).startswith(("file:", "'", '"'))
    return clip_text(clip.expanduser().absolute()) if is_plain else str(clip)


def _make(
    ask: Callable[..., Iterator[Reply]], what: str, port: int | None, as_json: bool, no_start: bool, **pairs: Any
) -> NoReturn:
    """Asks a client for a job of `what`, shows it to its end, and exits."""
    with connect(port, no_start, as_json) as client:
        raise typer.Exit(_exit_code(_show_job(client, lambda id: ask(client, what, id=id, **pairs), as_json)))


def _exit_code(end: Reply) -> int:
    """A job that waits for the next daemon has had none."""
    return 0 if isinstance(end, Done) else 130 if isinstance(end, Cancelled) else 3 if isinstance(end, Queued) else 1


def _show_job(client: Client, start: Callable[[str], Iterator[Reply]], as_json: bool) -> Reply:
    """Shows a job to its end, which it gives. Ctrl-C cancels the job and still shows its end."""
    id = new_id()
    show = job_view.choose(as_json, err)
    end: Reply | None = None
    place: dict[type[Reply], Reply] = {}  # comes again each time that the client asks whether its job is still there
    with show:
        try:
            for reply in start(id):
                if not isinstance(reply, (Ack, Queued)) or place.get(type(reply)) != reply:
                    show(reply)
                place[type(reply)] = end = reply
        except KeyboardInterrupt:
            client.cancel(id)
            while not isinstance(end, (Done, Fail, Cancelled)):
                end = client.receive(id, 30) or Fail(id, "no_daemon", "the daemon does not answer")
            show(end)
    end = expected(end, Reply)
    if not as_json:
        job_view.show_end(end, out, err)
    return end
