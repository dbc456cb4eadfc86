"""Both sides of a region as one clip: their units lie in the bar as those of one clip would."""

import numpy as np
import pytest

from engine.fill.material import Side, both_sides

UNIT, BAR, PER_UNIT = 100.0, 8, 50.0


def side(first_unit, units):
    """Each frame says which unit of the music it is in, counted from the region's beginning."""
    audio = np.repeat(np.arange(first_unit, first_unit + units), UNIT).astype(np.float32)
    return Side(audio[:, None], audio[:: round(UNIT / PER_UNIT)])


@pytest.mark.parametrize("region", [5, 8, 12, 3])
def test_what_follows_stands_before_in_phase_with_the_bar(region):
    before, after = side(-20, 20), side(region, 24)
    material, (gap,) = both_sides(before, after, unit=UNIT, bar=BAR, region=region, per_unit=PER_UNIT)
    assert len(material.audio) % UNIT == 0 and len(material.audio) == len(material.rendering) * 2
    units = material.audio[round(UNIT / 2) :: round(UNIT), 0].astype(int)
    assert gap == 21 and (units[-20:] == np.arange(-20, 0)).all()
    ahead = units[:-gap]
    assert len(ahead) >= 16 and (np.diff(ahead) == 1).all() and ahead[0] >= region
    places = np.arange(len(ahead)) - len(units)  # counted back from the join, as the bar is
    assert ((ahead - places) % BAR == 0).all()


def test_too_little_after_it_is_left_out():
    before = side(-20, 20)
    material, gaps = both_sides(before, side(5, 0), unit=UNIT, bar=BAR, region=5, per_unit=PER_UNIT)
    assert gaps == () and len(material.audio) == 20 * UNIT


def test_the_gap_ends_with_what_leads_to_the_music_before_the_region():
    """It is never played, but the cross-fade to its right neighbour begins in it."""
    before, after = side(-20, 20), side(5, 24)
    cut = Side(before.audio[30:], before.rendering[15:])  # 19.7 units
    material, (gap,) = both_sides(cut, after, unit=UNIT, bar=BAR, region=5, per_unit=PER_UNIT)
    assert gap == 20
    end_of_gap = len(material.audio) - round(19 * UNIT)
    assert (material.audio[end_of_gap - 50 : end_of_gap, 0] == -20).all()
