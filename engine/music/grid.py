"""Musical time on the model's clock: which tempi its token frames can keep exactly, and how the others are met."""

from __future__ import annotations

from collections.abc import Iterator


def bar_frames(bpm: float, beats_per_bar: int, token_rate: float, step: int) -> int:
    """Token frames to a bar at the playable tempo nearest to `bpm`: a multiple of `step` frames."""
    return max(1, round(60.0 * beats_per_bar * token_rate / bpm / step)) * step


def grid_bpm(bpm: float, beats_per_bar: int, token_rate: float, step: int) -> float:
    """The tempo nearest to `bpm` at which every bar lasts a multiple of `step` token frames."""
    return 60.0 * beats_per_bar * token_rate / bar_frames(bpm, beats_per_bar, token_rate, step)


def retime(tokens: Iterator[int], ratio: float) -> Iterator[int]:
    """The same music `ratio` times as long: now and then a token is repeated, or left out when the ratio is below 1.

    No event moves by more than half a token frame from where it belongs, and nothing is resampled: pitch and timbre stay.
    """
    given = 0
    for taken, token in enumerate(tokens, 1):
        while given < round(taken * ratio):
            given += 1
            yield token
