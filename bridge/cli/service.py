"""Commands about the daemon itself: running it, looking at it, ending it."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bridge import log as log_lines
from bridge.cli.completion import past_jobs
from bridge.cli.connection import answered, connect
from bridge.cli.consoles import err, out, report
from bridge.cli.options import AsJson, Port, with_settings
from bridge.cli.past_job import id_of
from bridge.config.settings import load_settings, settings_file, trace_settings
from bridge.osc import markdown as osc_markdown
from bridge.osc import spec

app = typer.Typer()
_COLORS = {"ok": "green", "missing": "yellow", "wrong": "red"}  # of what doctor finds


@app.command()
@with_settings()
def serve(**flags: str | None) -> None:
    """Run the daemon until it is stopped."""
    from bridge import daemon  # its libraries are not for the clients to wait for

    settings = load_settings(flags)
    log_lines.start()
    daemon.run(settings)


@app.command("quit", hidden=True)  # what it is called over OSC
@app.command()
def stop(
    drop: Annotated[bool, typer.Option("--drop", help="forget the jobs that wait; else the next daemon has them")] = False,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """End the daemon; a running job keeps what it has, those that wait go on with the next daemon."""
    with connect(port, no_start=True) as client:
        answered(client.quit(drop))
    report({"ending": 1}, "the daemon is ending", as_json)


@app.command()
def status(
    job: Annotated[
        str | None, typer.Argument(help="last, a path or its id; the daemon itself if not given", autocompletion=past_jobs)
    ] = None,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show what the daemon, or a job, is doing."""
    with connect(port, no_start=True) as client:
        state = answered(client.status(job and id_of(client, job)))
    values = {"state": state.state, **state.pairs}
    if as_json:
        print(json.dumps(values))
        return
    for name, value in values.items():
        out.print(f"{name.replace('_', ' '):>14}  {value}", markup=False)


@app.command()
def ping(port: Port = None, as_json: AsJson = False) -> None:
    """Ask whether a daemon is there."""
    with connect(port, no_start=True) as client:
        started = time.perf_counter()
        pong = answered(client.ping())
        round_trip_ms = 1000 * (time.perf_counter() - started)
    values = {"version": pong.version, "protocol": pong.protocol, "round_trip_ms": round(round_trip_ms, 2)}
    shown = f"inspire {pong.version}, protocol {pong.protocol}, {round_trip_ms:.1f} ms"
    print(json.dumps(values) if as_json else shown)


@app.command()
@with_settings()
def doctor(as_json: AsJson = False, **flags: str | None) -> None:
    """Check everything a daemon needs, and say what to do. Plays one click at -40 dB."""
    from bridge.cli import checks  # brings the audio device's libraries

    well = True
    with _always_in_findings_only():
        for finding in checks.examine(load_settings(flags), flags["port"] is not None):
            well = well and (finding.ok or finding.optional)
            if as_json:
                print(json.dumps(dataclasses.asdict(finding)), flush=True)
                continue
            color = _COLORS[finding.mark]
            out.print(f"[{color}]{finding.mark:>7}[/{color}]  {finding.check}: ", end="")
            out.print(finding.text, markup=False)
    raise typer.Exit(0 if well else 1)


@app.command()
@with_settings()
def settings(as_json: AsJson = False, **flags: str | None) -> None:
    """Show each setting, and where its value comes from."""
    values, origins = trace_settings(flags)
    for name, origin in origins.items():
        value = "…" if name == "token" and values.token else getattr(values, name)
        if as_json:
            print(json.dumps({"name": name, "value": str(value) if isinstance(value, Path) else value, "from": origin}))
        else:
            out.print(f"{name:>18} = {value}  ({origin})", markup=False)
    if not as_json:
        file = settings_file()
        err.print(f"the file: {file}{'' if file.exists() else ' (not there yet)'}", markup=False)


@app.command()
def osc(
    markdown: Annotated[bool, typer.Option("--markdown", help="as in bridge/osc/README.md")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the table of OSC messages."""
    if as_json:
        for message in (*spec.COMMANDS.values(), *spec.REPLIES.values()):
            print(json.dumps(dataclasses.asdict(message)))
        return
    if markdown:
        print(osc_markdown.as_markdown(), end="")
        return
    for title, table in (("commands", spec.COMMANDS), ("replies", spec.REPLIES)):
        out.print(f"[bold]{title}[/bold]")
        for message in table.values():
            arguments = " ".join(f"{f.name}:{f.type}" for f in (spec.ID, *message.arguments))
            out.print(f"{message.address} {arguments}  – {message.doc}", markup=False)
            for f in message.pairs:
                out.print(f"    {f.name}:{f.type}  {f.allowed}: {f.doc}", markup=False)
    out.print("[bold]codes of a fail[/bold]")
    for code, meaning in spec.FAIL_CODES.items():
        out.print(f"{code:>17}  {meaning}", markup=False)


@contextmanager
def _always_in_findings_only() -> Iterator[None]:
    """What the daemon would warn of in its log is a finding here."""
    logger = logging.getLogger("bridge")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
