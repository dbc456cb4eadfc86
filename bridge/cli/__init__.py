"""The command `inspire`: the daemon, and its clients with progress bars. A client starts a daemon where none runs."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bridge.cli import completion, library, making, midi, models, service, training, watching
from bridge.cli.connection import fail
from bridge.cli.consoles import write_any_text
from bridge.errors import BridgeError, NoDaemon, UnexpectedReply

_HELP = """Music from prompts and clips, made while you listen.

Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 no daemon, 130 cancelled with Ctrl-C.
"""
app = typer.Typer(no_args_is_help=True, add_completion=True, help=_HELP)
for room in (making, library, models, midi, training, watching, service):
    app.add_typer(room.app)


@app.callback()
def of_any(home: Annotated[str | None, typer.Option(help="the folder of a second daemon: see serve --home")] = None) -> None:
    """What stands before any command."""
    if home:
        os.environ["INSPIRE_HOME"] = os.path.abspath(os.path.expanduser(home))  # where the settings look, a started daemon's too


def main() -> None:
    completion.read_as_typed(os.environ)
    write_any_text()
    try:
        app(prog_name="inspire")
    except NoDaemon as error:
        fail(str(error), 3)
    except UnexpectedReply as error:
        fail(str(error), 1)
    except BridgeError as error:
        fail(str(error), 2)
