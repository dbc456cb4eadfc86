"""The command `inspire`: the daemon, and its clients with progress bars. A client starts a daemon where none runs, and says so.

Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 no daemon, 130 cancelled with Ctrl-C.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import logging
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from bridge import job_views, osc_spec
from bridge.client import Client, new_id
from bridge.errors import BridgeError, NoDaemon
from bridge.presets import Presets
from bridge.replies import Cancelled, Done, Fail, Reply
from bridge.settings import Settings, load_settings, settings_file, trace_settings

_START_PATIENCE_S = 30.0
_SKETCHES, _SKETCH_BARS, _SKETCH_S = 4, 4, 8.0  # how many, and how long each is, unless said

app = typer.Typer(no_args_is_help=True, add_completion=True, help="Music from prompts and clips, made while you listen.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Port = Annotated[int | None, typer.Option(help="the daemon's OSC port (0 with serve: any free one)")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line, for programs")]
NoStart = Annotated[bool, typer.Option("--no-start", help="fail rather than start a daemon")]
_TYPES = {"i": int, "f": float, "s": str}


def _with_keys_of(address: str, without: tuple[str, ...] = ()) -> Callable[[Callable], Callable]:
    """Gives a command an option for every key of an OSC command, to be had as `**pairs`: named and told by the one table."""
    keys = [key for key in osc_spec.COMMANDS[address].pairs if key != osc_spec.REPLY_PORT and key.name not in without]
    return _with([_option(key) for key in keys])


def _with_settings() -> Callable[[Callable], Callable]:
    """Gives a command an option for every setting, as `**flags`."""
    return _with([_setting_option(setting) for setting in dataclasses.fields(Settings)])


def _with(options: list[inspect.Parameter]) -> Callable[[Callable], Callable]:
    def decorate(function: Callable) -> Callable:
        own = inspect.signature(function, eval_str=True)
        parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD] + options
        function.__signature__ = own.replace(parameters=parameters)
        function.__annotations__ |= {p.name: p.annotation for p in parameters}
        return function

    return decorate


def _option(key: osc_spec.Field) -> inspect.Parameter:
    """Flags are the keys without their unit, but for `path`, which other programs call output."""
    flag = "--" + key.name.removesuffix("_s").replace("_", "-")
    if key.is_switch:
        type_, default, flags, told = bool, True, [f"{flag}/--no-{key.name}"], key.doc.removeprefix("1: ")
    else:
        type_, default, flags, told = _TYPES[key.type] | None, None, [flag], f"{key.doc} ({key.allowed})"
    if key.name == "path":
        flags = ["-o", "--output"]
    annotation = Annotated[type_, typer.Option(*flags, help=told)]
    return inspect.Parameter(key.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _setting_option(setting: dataclasses.Field) -> inspect.Parameter:
    """All are text here: settings.py reads them, and says what is wrong with them."""
    annotation = Annotated[str | None, typer.Option(f"--{setting.name.replace('_', '-')}", help=setting.metadata["doc"])]
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def main() -> None:
    try:
        app()
    except NoDaemon as error:
        _fail(str(error), 3)
    except BridgeError as error:
        _fail(str(error), 2)


@app.command()
@_with_settings()
def serve(**flags: str | None) -> None:
    """Run the daemon until it is stopped."""
    from bridge import daemon  # its libraries are not for the clients to wait for

    settings = load_settings(flags)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    daemon.run(settings)


@app.command()
@_with_keys_of("/inspire/generate")
def generate(
    prompt: Annotated[str, typer.Argument(help="what to play: style, tempo, key, instruments; a preset may say it")] = "",
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Make music from a text."""
    with _connect(port, no_start, as_json) as client:
        _follow(client, lambda id: client.generate(prompt, id=id, **pairs), as_json)


@app.command("continue")
@_with_keys_of("/inspire/continue")
def continue_clip(
    clip: Annotated[Path, typer.Argument(help="an audio file")],
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Go on from a recorded clip."""
    with _connect(port, no_start, as_json) as client:
        _follow(client, lambda id: client.continue_clip(str(clip.absolute()), id=id, **pairs), as_json)


@app.command()
@_with_keys_of("/inspire/again")
def again(
    job: Annotated[str, typer.Argument(help="a job's id, as history shows it")],
    port: Port = None,
    as_json: AsJson = False,
    no_start: NoStart = False,
    **pairs,
) -> None:
    """Ask for a job's request again: the same audio, unless another seed is given."""
    with _connect(port, no_start, as_json) as client:
        _follow(client, lambda id: client.again(job, id=id, **pairs), as_json)


@app.command()
@_with_keys_of("/inspire/generate", without=("preset",))
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
        _fail("say what to sketch: a preset's name ('inspire presets' lists them), or --prompt", 2)
    count = count or max(_SKETCHES, len(chosen))
    first_seed = secrets.randbelow(2**31) if pairs["seed"] is None else pairs["seed"]
    with _connect(port, no_start, as_json) as client:
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
def presets(
    bank: Annotated[str | None, typer.Option(help="only these")] = None,
    as_json: AsJson = False,
) -> None:
    """List the presets, and what is wrong with your own."""
    library = Presets(load_settings().presets_folder)
    shown = ""
    for preset in library.all(bank):
        if as_json:
            print(json.dumps({"name": preset.name, "bank": preset.bank, "description": preset.description, **preset.values}))
            continue
        if preset.bank != shown:
            out.print(f"[bold]{preset.bank}[/bold]")
            shown = preset.bank
        out.print(f"{preset.name:>24}  {preset.description}", markup=False)
    for problem in library.problems:
        err.print(problem, style="red", markup=False)


@app.command()
@_with_settings()
def settings(as_json: AsJson = False, **flags: str | None) -> None:
    """Show each setting, and where its value comes from."""
    values, origins = trace_settings(flags)
    for name, origin in origins.items():
        value = getattr(values, name)
        if as_json:
            print(json.dumps({"name": name, "value": str(value) if isinstance(value, Path) else value, "from": origin}))
        else:
            out.print(f"{name:>18} = {value}  ({origin})", markup=False)
    if not as_json:
        file = settings_file()
        err.print(f"the file: {file}{'' if file.exists() else ' (not there yet)'}", markup=False)


@app.command()
@_with_settings()
def doctor(as_json: AsJson = False, **flags: str | None) -> None:
    """Check everything a daemon needs, and say what to do. Plays one click at -40 dB."""
    from bridge import doctor  # brings the audio device's libraries

    well = True
    for finding in doctor.examine(load_settings(flags)):
        well = well and finding.ok
        if as_json:
            print(json.dumps(dataclasses.asdict(finding)), flush=True)
            continue
        mark = "[green]   ok[/green]" if finding.ok else "[red]wrong[/red]"
        out.print(f"{mark}  {finding.check}: ", end="")
        out.print(finding.told if finding.ok else f"{finding.told} → {finding.advice}", markup=False)
    raise typer.Exit(0 if well else 1)


@app.command()
def cancel(
    job: Annotated[str | None, typer.Argument(help="a job's id; the running one if not given")] = None,
    port: Port = None,
) -> None:
    """Stop a job; what it made stays."""
    with _connect(port, no_start=True) as client:
        job = job or _answered(client.status()).pairs.get("running")
        if job is None:
            _fail("nothing is running", 1)
        _answered(client.cancel(job))
        out.print(f"cancelled {job}")


@app.command()
def pause(port: Port = None) -> None:
    """Begin no other job until resume; the running one ends."""
    with _connect(port, no_start=True) as client:
        _answered(client.pause())
    out.print("the queue is paused: 'inspire resume' lets it go on")


@app.command()
def resume(port: Port = None) -> None:
    """Let waiting jobs begin again."""
    with _connect(port, no_start=True) as client:
        _answered(client.resume())


@app.command()
def status(
    job: Annotated[str | None, typer.Argument(help="a job's id; the daemon itself if not given")] = None,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show what the daemon, or a job, is doing."""
    with _connect(port, no_start=True) as client:
        state = _answered(client.status(job))
    values = {"state": state.state, **state.pairs}
    if as_json:
        print(json.dumps(values))
        return
    for name, value in values.items():
        out.print(f"{name.replace('_', ' '):>14}  {value}", markup=False)


@app.command()
@_with_keys_of("/inspire/history", without=("words",))
def history(
    words: Annotated[str, typer.Argument(help="all of these stand in the prompt or the clip's name")] = "",
    port: Port = None,
    as_json: AsJson = False,
    **pairs,
) -> None:
    """Search what was made, the newest first."""
    with _connect(port, no_start=True) as client:
        found, entries = _answered(client.history(words=words, **pairs))
    for entry in entries:
        if as_json:
            print(json.dumps({"job": entry.job, "state": entry.state, **entry.pairs}))
        else:
            job_views.show_entry(entry, out)
    if not as_json and found.shown < found.count:
        err.print(f"{found.shown} of {found.count}: --limit and --offset show more")


@app.command()
def keep(
    job: Annotated[str, typer.Argument(help="a job's id, as history shows it")],
    port: Port = None,
    undo: Annotated[bool, typer.Option("--undo", help="no longer a favourite")] = False,
) -> None:
    """Make a result a favourite: it is never removed for its space."""
    with _connect(port, no_start=True) as client:
        _answered(client.keep(job, not undo))


@app.command()
def delete(job: Annotated[str, typer.Argument(help="a job's id, as history shows it")], port: Port = None) -> None:
    """Move a result and its sidecar to a folder Deleted beside them."""
    with _connect(port, no_start=True) as client:
        _answered(client.delete(job))


@app.command()
def ping(port: Port = None, as_json: AsJson = False) -> None:
    """Ask whether a daemon is there."""
    with _connect(port, no_start=True) as client:
        started = time.perf_counter()
        pong = _answered(client.ping())
        round_trip_ms = 1000 * (time.perf_counter() - started)
    values = {"version": pong.version, "protocol": pong.protocol, "round_trip_ms": round(round_trip_ms, 2)}
    shown = f"inspire {pong.version}, protocol {pong.protocol}, {round_trip_ms:.1f} ms"
    print(json.dumps(values) if as_json else shown)


@app.command()
def stop(port: Port = None) -> None:
    """End the daemon; a running job keeps what it has."""
    with _connect(port, no_start=True) as client:
        _answered(client.quit())
    out.print("the daemon is ending")


@app.command()
def osc(markdown: Annotated[bool, typer.Option("--markdown", help="as in the README")] = False) -> None:
    """Print the table of OSC messages."""
    if markdown:
        print(osc_spec.as_markdown(), end="")
        return
    for title, table in (("commands", osc_spec.COMMANDS), ("replies", osc_spec.REPLIES)):
        out.print(f"[bold]{title}[/bold]")
        for message in table.values():
            arguments = " ".join(f"{f.name}:{f.type}" for f in (osc_spec.ID, *message.arguments))
            out.print(f"{message.address} {arguments}  – {message.doc}", markup=False)
            for f in message.pairs:
                out.print(f"    {f.name}:{f.type}  {f.allowed}: {f.doc}", markup=False)
    out.print("[bold]codes of a fail[/bold]")
    for code, meaning in osc_spec.FAIL_CODES.items():
        out.print(f"{code:>17}  {meaning}", markup=False)


# ---- finding a daemon, or starting one


def _connect(port: int | None, no_start: bool, quiet: bool = False) -> Client:
    """A client of the running daemon. Raises NoDaemon."""
    settings = load_settings({"port": port})
    if client := _find_daemon(settings, port, patience_s=1.0):
        return client
    if no_start:
        raise NoDaemon(f"no daemon runs on port {settings.port}: start one with 'inspire serve'")
    return _start_daemon(settings, port, quiet)


def _find_daemon(settings: Settings, port: int | None, patience_s: float) -> Client | None:
    """Where this user's daemon last said it is, unless a port was asked for; then where daemons usually are."""
    from bridge.daemon import running_port

    recorded = running_port(settings) if port is None else None
    for candidate in dict.fromkeys(filter(None, [recorded, settings.usual_port])):
        client = Client(candidate, patience_s=patience_s)
        try:
            client.ping()
        except NoDaemon:
            client.close()
        else:
            return client
    return None


def _start_daemon(settings: Settings, port: int | None, quiet: bool) -> Client:
    log_file = settings.log_folder / "daemon.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    if not quiet:
        err.print(f"no daemon runs: starting one on port {settings.port} (log: {log_file}; end it with 'inspire stop')")
    command = [sys.executable, "-m", "bridge", "serve", "--port", str(settings.port)]
    with open(log_file, "ab") as log:
        began = log.tell()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + _START_PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if client := _find_daemon(settings, port, patience_s=0.5):
            _wait_for_model(client, quiet)
            return client
        time.sleep(0.05)
    told = log_file.read_bytes()[began:].decode(errors="replace").strip().splitlines()
    raise NoDaemon(f"the daemon did not start: {told[-1] if told else 'it said nothing'} (log: {log_file})")


def _wait_for_model(client: Client, quiet: bool) -> None:
    """A new daemon loads its model first; a job's figures are to be the job's."""
    if not quiet:
        err.print("loading the model …")
    while (state := _answered(client.status())).state == "starting":
        time.sleep(0.1)
    if not quiet and "problem" not in state.pairs:
        told = {"model": state.pairs.get("model"), "on": state.pairs.get("engine_device"), "sound:": state.pairs["audio_device"]}
        err.print(" ".join(f"{name} {value}" for name, value in told.items()), markup=False)


# ---- showing a job


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


def _answered(reply):
    """A reply that is not a fail."""
    if isinstance(reply, Fail):
        _fail(reply.message, 1)
    return reply


def _fail(message: str, code: int) -> NoReturn:
    err.print(message, style="red", markup=False)
    raise SystemExit(code)
