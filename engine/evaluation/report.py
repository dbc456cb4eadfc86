"""The report: `results.json`, `report.md` and, with matplotlib, `evaluation.png`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from engine.api import EngineError
from engine.evaluation.results import Result

MET = {True: "yes", False: "**no**", None: ""}


def table(results: list[Result]) -> str:
    """Markdown: one row a measure."""
    lines = ["| measure | value | of | bar | met | |", "|---|---|---|---|---|---|"]
    for r in results:
        value = "not measured" if r.value is None else formatted(r.value, r.unit)
        bar = "" if r.bar is None else f"{'≤' if r.at_most else '≥'} {formatted(r.bar, r.unit)}"
        lines.append(f"| {r.name} | {value} | {'' if r.count is None else r.count} | {bar} | {MET[r.met]} | {r.note} |")
    return "\n".join(lines)


def write(folder: Path, results: list[Result], facts: dict[str, Any]) -> None:
    """`facts`: the model and how it was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [dataclasses.asdict(r) | {"met": r.met} for r in results]
    (folder / "results.json").write_text(json.dumps({"facts": facts, "results": rows}, indent=1) + "\n")
    head = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    (folder / "report.md").write_text(
        f"# Evaluation of {facts['model']}\n\n{head}\n\n{table(results)}\n\n![plots](evaluation.png)\n"
    )
    plot(folder / "evaluation.png", results)


def plot(path: Path, results: list[Result]) -> None:
    """Asked against measured tempo, intro against chorus, spectral distances. Raises EngineError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise EngineError("plots need matplotlib: install it with pip install matplotlib; the tables are written") from None
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    tempo, sections, codec = figure.subplots(1, 3)
    prompts = next((r.details for r in results if r.details and "asked_bpm" in r.details[0]), [])
    measured = [row for row in prompts if row["bpm"] is not None]
    tempo.plot([50, 200], [50, 200], color="0.8")
    tempo.scatter([row["asked_bpm"] for row in measured], [row["bpm"] for row in measured], s=14)
    tempo.set(title="tempo", xlabel="asked, bpm", ylabel="measured, bpm")
    sections.axline((0, 0), slope=1, color="0.8")
    sections.scatter([row["intro_onsets"] for row in prompts], [row["chorus_onsets"] for row in prompts], s=14)
    sections.set(title="onsets a second", xlabel="intro", ylabel="chorus", xlim=(0, None), ylim=(0, None))
    distances = [r for r in results if r.name.startswith("log-mel distance to 12 kHz") and r.value is not None]
    codec.barh([r.name.split(": ")[-1] for r in distances], [r.value for r in distances])
    codec.set(title="log-mel distance to held-out music, dB")
    figure.savefig(path, dpi=110)


def formatted(value: float, unit: str) -> str:
    """A value as the tables write it."""
    digits = 0 if unit == "%" else 1 if unit in ("dB", "MB", "×") else 2
    return f"{value:.{digits}f} {unit}".strip()
