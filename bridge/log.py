"""How the daemon's processes write their log: on stderr, one record a line, and nothing in it that a terminal would obey."""

from __future__ import annotations

import logging
import sys

from bridge.plain_text import escaped


class Lines(logging.Formatter):
    """A record's message stays on one line, whatever names it holds; a traceback has lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = escaped(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record), lines=True)


def start() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
