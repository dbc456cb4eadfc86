"""What the trials compare."""

from engine.evaluation.excerpts import RATE
from engine.evaluation.trials import is_below
from tests.synthetic import clicks, progression


def test_an_intro_must_be_both_softer_and_sparser():
    chorus = clicks(120, 8, rate=RATE) + progression("A minor", 120, 8, RATE)
    intro = 0.3 * progression("A minor", 120, 8, RATE)
    assert is_below(intro, chorus, RATE) and not is_below(chorus, intro, RATE)
    assert not is_below(0.3 * chorus, chorus, RATE)
