"""Text from elsewhere in front of people: what a terminal would obey rather than show. Pure.

Names of files, devices and clients, ids and paths may hold anything: escape codes that recolour, retitle or rewrite a terminal,
line breaks that forge a line of a log, marks that turn the direction of writing around.
"""

from __future__ import annotations

import re

# Control characters (C0, DEL, C1), lone surrogates, separators of lines and paragraphs, and marks of direction.
_OBEYED = "\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\u2028\\u2029\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"
_ANY = re.compile(f"[{_OBEYED}]")
_ALL_BUT_LINES = re.compile(f"(?!\n)[{_OBEYED}]")


def is_plain(text: str) -> bool:
    """Whether a terminal shows all of it, on one line."""
    return _ANY.search(text) is None


def escaped(text: str, lines: bool = False) -> str:
    """What would be obeyed as Python writes it, such as \\x1b. `lines`: but line breaks stay."""
    return (_ALL_BUT_LINES if lines else _ANY).sub(lambda match: _code(ord(match[0])), text)


def on_one_line(text: str) -> str:
    """For a list or a screen, where a space says enough."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _code(number: int) -> str:
    names = {9: "\\t", 10: "\\n", 13: "\\r"}
    return names.get(number) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")
