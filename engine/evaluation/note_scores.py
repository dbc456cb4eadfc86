"""Notes that were found against notes that were played: precision, recall, F1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.music.bass_line import BassNote

TOLERANCE_S = 0.05  # as is usual (MIREX)


@dataclass(frozen=True)
class Score:
    """Counts; they add up."""

    right: int = 0
    found: int = 0
    played: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.found + other.found, self.played + other.played)

    @property
    def precision(self) -> float:
        return self.right / max(self.found, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.played, 1)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(self.found + self.played, 1)


def score_times(found: Iterable[float], played: Iterable[float], tolerance_s: float = TOLERANCE_S) -> Score:
    """Times in seconds; each counts once, the earliest that fits first, which for times finds the most pairs."""
    ours, truth = sorted(found), sorted(played)
    right = at = 0
    for time_s in ours:
        while at < len(truth) and truth[at] < time_s - tolerance_s:
            at += 1
        if at < len(truth) and truth[at] <= time_s + tolerance_s:
            right, at = right + 1, at + 1
    return Score(right, len(ours), len(truth))


def score_bass(found: Sequence[BassNote], played: Sequence[tuple[float, float, int]], *, octaves: bool = True) -> Score:
    """Notes (begins, ends, pitch) by when they begin and their pitch; octaves: that must be right too."""
    total = Score()
    names = {pitch if octaves else pitch % 12 for _, _, pitch in played} | {n.pitch if octaves else n.pitch % 12 for n in found}
    for name in names:
        ours = [note.start_s for note in found if (note.pitch if octaves else note.pitch % 12) == name]
        truth = [start_s for start_s, _, pitch in played if (pitch if octaves else pitch % 12) == name]
        total += score_times(ours, truth)
    return total
