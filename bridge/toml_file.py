"""TOML that people write: read, traced back to its lines, as tomllib gives no positions, and changed without losing a comment."""

from __future__ import annotations

import codecs
import json
import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

Stamp = tuple[int, ...]

_HEADER = r"\s*\[\[?\s*[\w.\"'-]"


def read_text(file: Path) -> str:
    """As editors save it: in UTF-8 or, where a byte order mark says so, UTF-16. Raises OSError, ValueError."""
    content = file.read_bytes()
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf_16 else "utf-8-sig").replace("\r\n", "\n")


def read(file: Path) -> tuple[dict[str, Any], str]:
    """Its values and its text. Raises OSError; ValueError for what is not TOML in UTF-8, with the line where it is known."""
    text = read_text(file)
    return tomllib.loads(text), text


def write(file: Path, text: str) -> None:
    """All of it or nothing; a link stays one, and nobody else may read it than before. Raises OSError."""
    file = file.resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(0o600 if file.exists() else 0o666)
    if file.exists():
        shutil.copymode(file, part)
    part.write_text(text, "utf-8")
    os.replace(part, file)


def stamp(file: Path) -> Stamp:
    """Another one after every change; empty where there is no file."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


def line_of(text: str, key: str, table: int | None = None) -> int | None:
    """The line, from 1, where a plain `key` is set: at the top, or in the `table`-th (from 0) of the file's tables.

    Of a key that stands nowhere in it, the table's own line.
    """
    current, found = None, None
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(_HEADER, line):
            current = 0 if current is None else current + 1
            found = number if current == table else found
        elif current == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return found


def line_in_table(text: str, name: str, number: int, key: str) -> int | None:
    """The line of `key` in the `number`-th (from 0) table `[[name]]`; the table's own where it is not there."""
    headers = [line for line in text.splitlines() if re.match(_HEADER, line)]
    tables = [place for place, header in enumerate(headers) if _is_header(header, name)]
    return line_of(text, key, tables[number]) if number < len(tables) else None


def with_table(text: str, name: str, values: dict[str, Any]) -> str:
    """The text with one more table `[[name]]` at its end."""
    lines = [f"[[{name}]]", *(f"{key} = {literal(value)}" for key, value in values.items())]
    return (text.rstrip() + "\n\n" if text.strip() else "") + "\n".join(lines) + "\n"


def without_table(text: str, name: str, number: int) -> str:
    """The text without the `number`-th (from 0) table `[[name]]`. Comments between it and the next one stay: tomlkit
    would remove them with it.
    """
    lines = text.splitlines()
    headers = [place for place, line in enumerate(lines) if re.match(_HEADER, line)]
    tables = [place for place in headers if _is_header(lines[place], name)]
    if number >= len(tables):  # written in another way: as it is
        return text
    first = tables[number]
    end = next((place for place in headers if place > first), len(lines))
    while not re.match(r"\s*[^\s#]", lines[end - 1]):
        end -= 1
    return "\n".join(lines[:first] + lines[end:]).rstrip() + "\n"


def literal(value: str | int | float) -> str:
    """A TOML string is written as JSON's, but for one character that JSON leaves bare."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _is_header(line: str, name: str) -> bool:
    return re.match(rf"\s*\[\[\s*[\"']?{re.escape(name)}[\"']?\s*\]\]", line) is not None
