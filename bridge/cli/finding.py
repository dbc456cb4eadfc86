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

    @property
    def mark(self) -> str:
        """ "ok", "missing" or "wrong"."""
        return "ok" if self.ok else "missing" if self.optional else "wrong"

    @property
    def text(self) -> str:
        """What was found and, when it is not right, what to do."""
        return self.fact if self.ok else f"{self.fact} → {self.advice}"
