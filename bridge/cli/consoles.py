"""Where commands write: results to `out`, for other programs; all else to `err`."""

from __future__ import annotations

import json

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def report(values: dict, sentence: str, as_json: bool) -> None:
    """What was done, as one JSON object or in words."""
    print(json.dumps(values) if as_json else sentence)
