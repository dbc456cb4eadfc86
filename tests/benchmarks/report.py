"""What every benchmark prints: one JSON line a figure."""

from __future__ import annotations

import json


def report(name: str, value: float, unit: str, baseline: float | None = None, ratio: float | None = None) -> None:
    """`baseline`: the same figure of what ours is compared with, in the same unit; `ratio`: how many times better ours is."""
    line = {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio}
    print(json.dumps({key: round(item, 4) if isinstance(item, float) else item for key, item in line.items()}), flush=True)
