"""Commands about what there is: presets, and what was made."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from bridge.cli import job_view
from bridge.cli.connection import always_in, answered, connect
from bridge.cli.consoles import err, out, report
from bridge.cli.options import AsJson, PastJob, Port, with_keys_of
from bridge.cli.past_job import id_of, job_of
from bridge.config.presets import Presets
from bridge.config.settings import load_settings

app = typer.Typer()


@app.command()
def presets(
    bank: Annotated[str | None, typer.Option(help="only these")] = None,
    as_json: AsJson = False,
) -> None:
    """List the presets, and what is wrong with your own."""
    library = Presets(load_settings().presets_folder)
    numbers = {preset.name: number for number, preset in enumerate(library.all())}  # what a MIDI program selects
    shown = ""
    for preset in library.all(bank):
        number = numbers[preset.name]
        if as_json:
            row = {"name": preset.name, "number": number, "bank": preset.bank, "description": preset.description}
            print(json.dumps({**row, **preset.values}))
            continue
        if preset.bank != shown:
            out.print(f"[bold]{preset.bank}[/bold]")
            shown = preset.bank
        out.print(f"{number:>3} {preset.name:>24}  {preset.description}", markup=False)
    for problem in library.problems:
        err.print(problem, style="red", markup=False)


_preset = typer.Typer(no_args_is_help=True, help="As over OSC: preset save is save.")
app.add_typer(_preset, name="preset", hidden=True)


@_preset.command("save")
@app.command()
def save(
    name: Annotated[str, typer.Argument(help="of the new preset")],
    job: PastJob,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Keep what a job asked for, without its clip and seed, as a preset of your own."""
    with connect(port, no_start=True) as client:
        saved = answered(client.save_preset(name, id_of(client, job)))
    report({"name": saved.name, "bank": saved.bank}, f"preset {saved.name!r}, in bank {saved.bank!r}", as_json)


@app.command()
@with_keys_of("/inspire/history", without=("words",))
def history(
    words: Annotated[list[str] | None, typer.Argument(help="all of these stand in the prompt or the clip's name")] = None,
    port: Port = None,
    as_json: AsJson = False,
    **pairs: Any,
) -> None:
    """Search what was made, the newest first."""
    with connect(port, no_start=True) as client:
        found, entries = answered(client.history(words=" ".join(words or []), **pairs))
    for entry in entries:
        if as_json:
            print(json.dumps({"job": entry.job, "state": entry.state, **entry.pairs}))
        else:
            job_view.show_entry(entry, out)
    if not as_json and not found.count:
        err.print("nothing of the kind was made yet")
    elif not as_json and found.shown < found.count:
        err.print(f"{found.shown} of {found.count}: --limit and --offset show more")


@app.command()
def play(
    job: PastJob,
    variation: Annotated[int | None, typer.Option(help="which of several, from 1; of a path, its own")] = None,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Play a result that is there, on the daemon's audio device. 'inspire cancel JOB' stops it."""
    with connect(port, no_start=True) as client:
        job, of_path = job_of(client, job)
        variation = variation or of_path
        answered(client.play(job, variation))
        device = always_in(answered(client.status()), "audio_device")
    which = f", variation {variation}" if variation > 1 else ""
    report({"playing": job, "variation": variation, "device": device}, f"playing {job}{which} on {device}", as_json)


@app.command()
def keep(
    job: PastJob,
    port: Port = None,
    kept: Annotated[bool, typer.Option("--keep/--no-keep", " /--undo", help="make it one, or let it be one no longer")] = True,
) -> None:
    """Make a result a favourite: it is never removed for its space."""
    with connect(port, no_start=True) as client:
        answered(client.keep(id_of(client, job), kept))


@app.command()
def delete(job: PastJob, port: Port = None) -> None:
    """Move a result and the files of its name to a folder Deleted beside them."""
    with connect(port, no_start=True) as client:
        answered(client.delete(id_of(client, job)))
