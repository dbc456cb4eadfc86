"""The report as one HTML file that needs nothing beside it: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from engine.evaluation.report import MET, formatted
from engine.evaluation.results import Result
from engine.evaluation.sections import MANY, NOT_MEASURED, UNKNOWN, Section, Table

_SHORT = 14  # characters of a cell that is kept on one line
_PAGE = Path(__file__).with_name("report.html")


def write(path: Path, model: str, facts: dict[str, Any], sections: Sequence[Section]) -> None:
    """facts: the model and how it was measured. Raises OSError."""
    page = jinja2.Environment(autoescape=True).from_string(_PAGE.read_text("utf-8"))
    written = page.render(model=model, facts=_in_words(facts), sections=sections, faint=(UNKNOWN, NOT_MEASURED), short=_SHORT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written, "utf-8")


def _in_words(facts: dict[str, Any]) -> dict[str, str]:
    """As readers have names and units for them."""
    found: dict[str, str] = {}
    for name, value in facts.items():
        match name, value:
            case "bytes", int():
                found["size of the weights"] = f"{value / 1e6:.1f} MB"
            case ("samplerate_full" | "samplerate_fast"), int():
                found[f"sample rate, {name.removeprefix('samplerate_')} path"] = f"{value / 1000:g} kHz" if value else "none"
            case "decode", _:
                found["played on"] = f"the {value} path"
            case _, dict():
                found[name] = ", ".join(f"{key} {of}" for key, of in value.items())
            case _:
                found[name] = str(value)
    return found


def targets(results: Sequence[Result], prompts: int = MANY) -> Section:
    """The rows that are judged by a bar of their own. prompts: how many were played."""
    columns = ("measure", "value", "of", "bar", "met", "")
    rows: list[tuple[str, ...]] = []
    for one in results:
        value = NOT_MEASURED if one.value is None else formatted(one.value, one.unit)
        bar = "" if one.bar is None else f"{'≤' if one.at_most else '≥'} {formatted(one.bar, one.unit)}"
        rows.append((one.name, value, "" if one.count is None else str(one.count), bar, MET[one.met].strip("*"), one.note))
    few = f"; of fewer than {MANY} prompts shares are rough" if prompts < MANY else ""
    return Section("Targets", tables=[Table(f"each against its own bar{few}", columns, rows)])
