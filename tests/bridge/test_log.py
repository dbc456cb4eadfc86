"""A log has one record a line, and nothing in it that a terminal would obey."""

from __future__ import annotations

import logging
import sys

from bridge.log import Lines


def record(message: str, *values: object, error: bool = False) -> str:
    info = None
    if error:
        try:
            raise ValueError("bad \x1b[2J name")
        except ValueError:
            info = sys.exc_info()
    return Lines().format(logging.LogRecord("bridge.x", logging.WARNING, __file__, 1, message, values, info))


def test_a_name_with_line_breaks_forges_no_line():
    line = record("cannot read %s", "a\n2026-01-01 bridge INFO all is well")
    assert "\n" not in line and "WARNING cannot read a" in line


def test_a_traceback_has_lines_and_no_escape_codes():
    lines = record("failed", error=True).splitlines()
    assert len(lines) > 3 and lines[-1].startswith("ValueError: bad ") and not any("\x1b" in line for line in lines)
