"""The report's pictures, drawn with matplotlib and put into the page as they are: no file beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.api import EngineError
from engine.arrays import FloatArray
from engine.evaluation.measures import log_mel
from engine.evaluation.sections import MANY, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BANDS, _TOP_HZ, _RANGE_DB = 96, 24_000.0, 70.0
_LEAST_DB = 6.0  # of an axis in dB or LUFS: changes that are hardly heard shall not look like falls
_PASTEL = "#3b6ea5"


def new_figure(width: float, height: float) -> Figure:
    """In inches. Raises EngineError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise EngineError("the report's plots need matplotlib: pip install 'inspire-daw[training]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def picture(figure: Figure, shows: str, *, pixels: bool = False) -> Picture:
    """As SVG, or as PNG where it has too many parts for that."""
    kind, name = ("png", "image/png") if pixels else ("svg", "image/svg+xml")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=110)
    return Picture(f"data:{name};base64,{base64.b64encode(buffer.getvalue()).decode()}", shows)


def bars(title: str, values: Sequence[tuple[str, float]]) -> Picture:
    figure = new_figure(7, 0.5 + 0.4 * len(values))
    axes = figure.subplots()
    axes.barh([name for name, _ in values], [value for _, value in values], color=_PASTEL)
    axes.invert_yaxis()
    axes.set(xlabel=title)
    return picture(figure, f"{title}: " + ", ".join(f"{name} {value:.2f}" for name, value in values))


def spectrograms(sounds: Sequence[tuple[str, FloatArray]], samplerate: int) -> Picture:
    """Log-mel spectrograms of mono clips side by side, on one scale."""
    figure = new_figure(4 * len(sounds), 3)
    axes = figure.subplots(1, len(sounds), squeeze=False)[0]
    levels = [log_mel(audio, samplerate, _BANDS, _TOP_HZ) for _, audio in sounds]
    top = max(level.max() for level in levels)
    for one, (name, audio), level in zip(axes, sounds, levels, strict=True):
        extent = (0.0, len(audio) / samplerate, 0.0, float(_BANDS))
        one.imshow(level, origin="lower", aspect="auto", vmin=top - _RANGE_DB, vmax=top, extent=extent, cmap="magma")
        one.set(title=name, xlabel="s", ylabel="mel band to 24 kHz")
    return picture(figure, "log-mel spectrograms: " + ", ".join(name for name, _ in sounds), pixels=True)


def guidance(points: Sequence[tuple[float, tuple[float, float], float | None]], prompts: int) -> Picture:
    """(guidance, (share of tempo met, of key met), Fréchet distance) each. Of fewer than MANY prompts no distance is drawn: it
    says too little.
    """
    figure = new_figure(9 if prompts >= MANY else 5, 3)
    shares, *distances = figure.subplots(1, 2 if prompts >= MANY else 1, squeeze=False)[0]
    values = [guidance for guidance, _, _ in points]
    shares.plot(values, [100 * tempo for _, (tempo, _), _ in points], "o-", label="tempo met")
    shares.plot(values, [100 * key for _, (_, key), _ in points], "s-", label="key met")
    shares.set(xlabel="guidance", ylabel="%", ylim=(-5, 105))
    shares.legend()
    known = [(guidance, value) for guidance, _, value in points if value is not None]
    for axes in distances:
        axes.plot([guidance for guidance, _ in known], [value for _, value in known], "o-", color=_PASTEL)
        axes.set(xlabel="guidance", ylabel="Fréchet distance", ylim=(0, None))
    drawn = "tempo and key met, and Fréchet distance," if distances else "tempo and key met"
    return picture(figure, f"{drawn} by guidance, of {prompts} prompts")


def matrix(similarity: FloatArray, block_s: float) -> Picture:
    """A self-similarity matrix [n, n]."""
    figure = new_figure(4.6, 4)
    axes = figure.subplots()
    seconds = len(similarity) * block_s
    shown = axes.imshow(similarity, origin="lower", vmin=-1, vmax=1, cmap="RdBu_r", extent=(0.0, seconds, 0.0, seconds))
    axes.set(xlabel="s", ylabel="s", title="self-similarity")
    figure.colorbar(shown)
    return picture(figure, "self-similarity matrix of the piece", pixels=True)


def lines(title: str, unit: str, series: Sequence[tuple[str, Sequence[float], Sequence[float | None]]]) -> Picture:
    """(name, starts in s, values) each; a gap where a value is None."""
    figure = new_figure(5.2, 2.8)
    axes = figure.subplots()
    for name, starts, values in series:
        axes.plot(starts, [np.nan if value is None else value for value in values], "o-", label=name, markersize=3)
    axes.set(xlabel="s", ylabel=unit, title=title)
    low, high = axes.get_ylim()
    if unit in ("dB", "LUFS"):
        more = max(0.0, _LEAST_DB - (high - low)) / 2
        axes.set_ylim(low - more, high + more)
    elif high - low < 0.02 * abs(high):  # what hardly moves shall look so
        axes.set_ylim(0.98 * low, 1.02 * high)
    axes.ticklabel_format(useOffset=False)
    if len(series) > 1:
        axes.legend(fontsize=8)
    return picture(figure, f"{title} over the piece")
