"""Pictures of a training: loss curves from the runs' `log.jsonl`, and how balanced the corpus is.

`python -m engine.training.plot RUNS CORPUS FOLDER` writes `losses.png` and `corpus.png`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.corpus.facts import PieceFacts, read_facts
from engine.music.analysis import NOTE_NAMES

CURVES = ("loss", "level", "preference", "held_out", "held_out_loss", "held_out_level")  # of what a log may hold


def read_log(path: Path) -> list[dict[str, float]]:
    """The lines of a `log.jsonl`; a last line cut short by a crash is left out."""
    lines = path.read_text().splitlines()
    rows = []
    for number, line in enumerate(lines):
        try:
            rows.append(json.loads(line))
        except ValueError:
            if number < len(lines) - 1:
                raise
    return rows


def plot_losses(runs: Path, target: Path) -> list[str]:
    """One panel for each run below `runs`. Returns their names."""
    logs = {path.parent.name: read_log(path) for path in sorted(runs.glob("*/log.jsonl"))}
    assert logs, f"no */log.jsonl in {runs}"
    figure = Figure(figsize=(4.5 * len(logs), 3.6), layout="constrained")
    for axes, (name, rows) in zip(figure.subplots(1, len(logs), squeeze=False)[0], logs.items(), strict=True):
        for curve in CURVES:
            points = [(row["minutes"], row[curve]) for row in rows if curve in row]
            if points:
                axes.plot(
                    *zip(*points, strict=True), label=curve, marker="." if curve.startswith("held_out") else "", markersize=5
                )
        axes.set(title=name, xlabel="minutes")
        axes.legend(frameon=False)
    figure.savefig(target, dpi=110)
    return list(logs)


def plot_corpus(facts: list[PieceFacts], target: Path) -> None:
    """Minutes by style, tempi and keys of a corpus' pieces, held-out ones apart."""
    assert facts, "no pieces"
    figure = Figure(figsize=(14, 5), layout="constrained")
    styles, tempi, keys = figure.subplots(1, 3)
    names = sorted({f["style"] for f in facts})
    _bars(styles, names, [f["style"] for f in facts], facts)
    styles.set(title=f"{sum(f['seconds'] for f in facts) / 3600:.1f} hours in {len(facts)} pieces", xlabel="minutes")
    for held_out, label in ((False, "training"), (True, "held out")):
        tempi.hist([f["bpm"] for f in facts if f["held_out"] == held_out], bins=range(50, 205, 5), label=label)
    tempi.set(title="tempo", xlabel="bpm", ylabel="pieces")
    tempi.legend(frameon=False)
    order = [f"{note} {mode}" for mode in ("minor", "major") for note in NOTE_NAMES]
    _bars(keys, order, [f"{NOTE_NAMES[f['key']]} {f['mode']}" for f in facts], facts)
    keys.set(title="key", xlabel="minutes")
    figure.savefig(target, dpi=110)


def _bars(axes: Axes, names: list[str], groups: list[str], facts: list[PieceFacts]) -> None:
    """Minutes in each group, held-out pieces behind the training pieces."""
    before = [0.0] * len(names)
    for held_out in (False, True):
        minutes = [
            sum(f["seconds"] / 60 for f, g in zip(facts, groups, strict=True) if g == name and f["held_out"] == held_out)
            for name in names
        ]
        axes.barh(names, minutes, left=before)
        before = [b + m for b, m in zip(before, minutes, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    plot_losses(options.runs, options.folder / "losses.png")
    plot_corpus([read_facts(path) for path in sorted(options.corpus.glob("p*.json"))], options.folder / "corpus.png")


if __name__ == "__main__":
    main()
