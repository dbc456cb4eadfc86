"""TOML that people write: read, and traced back to its lines, as tomllib tells no positions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path


def read(file: Path) -> tuple[dict, str]:
    """Its values and its text. Raises OSError; ValueError for what is not TOML in UTF-8, with the line where it can be told."""
    text = file.read_text("utf-8")
    return tomllib.loads(text), text


def line_of(text: str, key: str, table: int | None = None) -> int | None:
    """The line, from 1, where a plain `key` is set: at the top, or in the `table`-th (from 0) of the file's tables.

    Of a key that stands nowhere in it, the table's own line.
    """
    current, found = None, None
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[\[?\s*[\w.\"'-]", line):
            current = 0 if current is None else current + 1
            found = number if current == table else found
        elif current == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return found
