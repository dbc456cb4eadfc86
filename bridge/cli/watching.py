"""The live screen: lets the daemon be watched until a key ends it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.connection import connect, find_daemon
from bridge.cli.consoles import out
from bridge.cli.options import AsJson, Port
from bridge.config.settings import load_settings

if TYPE_CHECKING:
    from bridge.cli.monitor_view import Snapshot, Watch

if sys.platform == "win32":
    import msvcrt
else:
    import select
    import termios
    import tty

_LISTEN_S = 0.25  # between two looks at the daemon

app = typer.Typer()


@app.command()
def monitor(
    port: Port = None,
    once: Annotated[bool, typer.Option("--once", help="one look, then end")] = False,
    as_json: AsJson = False,
) -> None:
    """Watch the daemon: queue, running job, waveform, levels, and what happens. q ends it; a daemon that ends is waited for.

    A dumb terminal gets one look, then what happens, line by line.
    """
    from bridge.cli import monitor_view as view  # brings the libraries that read audio files

    if once:
        with connect(port, no_start=True) as client:
            current = view.snapshot(client)
        print(json.dumps(current) if as_json else "\n".join(view.lines(current, (), out.width)))
        raise typer.Exit(1 if current["state"] == "unknown" else 0)
    settings = load_settings({"port": port})
    watch = view.Watch(lambda: find_daemon(settings, port))
    show = _as_json() if as_json else _on_screen(watch) if out.is_terminal and not out.is_dumb_terminal else _line_by_line()
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(watch), show as display, _keys() as keys:
        while "q" not in keys().lower():
            display(watch.look())
            watch.listen(_LISTEN_S)


Shown = Callable[["Snapshot"], None]


@contextlib.contextmanager
def _on_screen(watch: Watch) -> Iterator[Shown]:
    from rich.live import Live
    from rich.text import Text

    from bridge.cli.monitor_view import lines

    with Live(console=out, screen=True, auto_refresh=False) as live:
        yield lambda current: live.update(Text("\n".join(lines(current, watch.log, out.width, out.height))), refresh=True)


@contextlib.contextmanager
def _line_by_line() -> Iterator[Shown]:
    from bridge.cli.monitor_view import lines

    begun = False

    def show(current: Snapshot) -> None:
        nonlocal begun
        new = current["log"] if begun else lines(current, current["log"], out.width, blocks=False)
        begun = True
        for line in new:
            print(line, flush=True)

    yield show


@contextlib.contextmanager
def _as_json() -> Iterator[Shown]:
    """A look that is as the one before is left out."""
    last: Snapshot | None = None

    def show(current: Snapshot) -> None:
        nonlocal last
        if current != last:
            print(json.dumps(current), flush=True)
        last = current

    yield show


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Gives a function that says which keys were pressed since it was last called; none without a terminal.

    Keys are not shown meanwhile, and need no Enter.
    """
    if not sys.stdin.isatty():
        yield lambda: ""
    elif sys.platform == "win32":
        yield lambda: msvcrt.getwch() if msvcrt.kbhit() else ""
    else:
        number = sys.stdin.fileno()
        before = termios.tcgetattr(number)
        try:
            tty.setcbreak(number)
            yield lambda: os.read(number, 100).decode(errors="replace") if select.select([number], [], [], 0)[0] else ""
        finally:
            termios.tcsetattr(number, termios.TCSADRAIN, before)
