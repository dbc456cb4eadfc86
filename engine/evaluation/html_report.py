"""The report as one HTML file that needs nothing beside it: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from engine.evaluation.report import MET, formatted
from engine.evaluation.results import Result
from engine.evaluation.sections import NOT_MEASURED, UNKNOWN, Section, Table

_PAGE = Path(__file__).with_name("report.html")


def write(path: Path, model: str, facts: dict[str, Any], sections: Sequence[Section]) -> None:
    """facts: the model and how it was measured. Raises OSError."""
    page = jinja2.Environment(autoescape=True).from_string(_PAGE.read_text("utf-8"))
    written = page.render(model=model, facts=facts, sections=sections, faint=(UNKNOWN, NOT_MEASURED))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written, "utf-8")


def targets(results: Sequence[Result]) -> Section:
    """The rows that are judged by a bar of their own."""
    columns = ("measure", "value", "of", "bar", "met", "")
    rows: list[tuple[str, ...]] = []
    for one in results:
        value = NOT_MEASURED if one.value is None else formatted(one.value, one.unit)
        bar = "" if one.bar is None else f"{'≤' if one.at_most else '≥'} {formatted(one.bar, one.unit)}"
        rows.append((one.name, value, "" if one.count is None else str(one.count), bar, MET[one.met].strip("*"), one.note))
    return Section("Targets", tables=[Table("each against its own bar", columns, rows)])
