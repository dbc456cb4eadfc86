"""Both sides of a region as one clip that `ClipTimbre` plays from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import Audio


@dataclass(frozen=True, eq=False)
class Side:
    """Audio (frames, channels), and the codec's rendering [n] of the same span."""

    audio: Audio
    rendering: Audio


def both_sides(
    before: Side, after: Side, *, unit: float, bar: float, region: float, per_unit: float
) -> tuple[Side, tuple[int, ...]]:
    """What follows the region, a gap, then what is before it, so that it ends at the region's beginning; and where the gap is,
    counted back in units.

    unit: frames, per_unit: samples of rendering to a unit; bar: units to a bar. region: units it lasts. What follows begins where
    its units lie in the bar as those of one clip would.
    """
    ahead = int(min(len(before.audio) / unit, len(before.rendering) / per_unit) + 1e-6)
    left = Side(before.audio[len(before.audio) - round(ahead * unit) :], before.rendering[-round(ahead * per_unit) :])
    most = min(len(after.audio) / unit, len(after.rendering) / per_unit)
    for count in range(int(most), 0, -1):
        first = (-(ahead + 1 + count) - region) % bar
        if first + count <= most:
            break
    else:
        return left, ()
    gap = np.concatenate([  # real audio at both its ends, for the cross-fades of its neighbours
        _cut(after.audio, (first + count) * unit, unit / 2),
        before.audio[: len(before.audio) - round(ahead * unit)][-round(unit / 2) :],
    ])  # fmt: skip
    lacking = round(unit) - len(gap)
    gap = np.concatenate([np.zeros((max(0, lacking), gap.shape[1]), np.float32), gap])[-round(unit) :] if lacking else gap
    audio = np.concatenate([_cut(after.audio, first * unit, count * unit), gap, left.audio])
    silence = np.zeros(round(per_unit), np.float32)
    rendering = np.concatenate([_cut(after.rendering, first * per_unit, count * per_unit), silence, left.rendering])
    return Side(audio, rendering), (ahead + 1,)


def _cut(audio: Audio, first: float, length: float) -> Audio:
    begin = round(first)
    return audio[begin : begin + round(length)]
