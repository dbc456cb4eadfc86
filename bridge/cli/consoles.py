"""Where commands write: results to `out`, for other programs; all else to `err`."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from rich.console import Console

from bridge.plain_text import escaped


class PlainConsole(Console):
    """Text is shown as it is: what a terminal would obey in it is escaped."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(escaped(one, lines=True) if isinstance(one, str) else one for one in objects), **options)


out = PlainConsole(highlight=False, soft_wrap=True)
err = PlainConsole(stderr=True, highlight=False, soft_wrap=True)


def write_any_text() -> None:
    """A pipe may have an encoding that lacks a letter, and a file's name none: they are shown as escapes, never an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def report(values: dict[str, Any], sentence: str, as_json: bool) -> None:
    """What was done, as one JSON object or in words."""
    if as_json:
        print(json.dumps(values))
    else:
        out.print(sentence, markup=False)
