"""What a check of `inspire doctor` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`advice` says what to do, when it is not right. What is `optional` is needed for some things only."""

    check: str
    ok: bool
    fact: str
    advice: str = ""
    optional: bool = False
