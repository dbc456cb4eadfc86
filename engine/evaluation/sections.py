"""What the report is made of: sections of text, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

UNKNOWN = "not known"  # of a figure that the paper has and we have not
MANY = 20  # prompts, from which on shares are good to some ten points
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Table:
    """`rows` are as long as `columns`."""

    caption: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True)
class Picture:
    """A picture as a `data:` address, and what it shows in words."""

    source: str
    shows: str


@dataclass(frozen=True)
class Section:
    title: str
    text: tuple[str, ...] = ()  # paragraphs
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


def figure(value: float | None, digits: int = 2, unit: str = "") -> str:
    """A number as the tables write it."""
    return NOT_MEASURED if value is None else f"{value:.{digits}f} {unit}".strip()
