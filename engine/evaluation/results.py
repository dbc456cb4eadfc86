"""Rows of the evaluation's report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Row = dict[str, Any]  # one clip's or prompt's figures, as results.json has them


@dataclass(frozen=True)
class Result:
    """One row of the report. `bar` None: reported, not judged. `value` None: not measured, `note` says why."""

    name: str
    value: float | None
    unit: str = ""
    bar: float | None = None
    at_most: bool = False  # the bar is a ceiling, not a floor
    count: int | None = None  # of clips or prompts
    note: str = ""
    details: list[Row] = field(default_factory=list)

    @property
    def met(self) -> bool | None:
        if self.value is None or self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def share(name: str, hits: Iterable[bool], bar: float | None = None, note: str = "", details: list[Row] | None = None) -> Result:
    """How many of `hits`, in percent, against `bar` percent if there is one."""
    hits = list(hits)
    value = 100 * float(np.mean(hits)) if hits else None
    return Result(
        name, value, "%", bar, count=len(hits), note=note or ("" if hits else "nothing to measure"), details=details or []
    )
