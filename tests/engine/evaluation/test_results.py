"""Rows of the report against their bars."""

from engine.evaluation.results import Result, share


def test_a_share_is_judged_against_its_bar():
    assert share("x", [True] * 9 + [False], 90).met is True and share("x", [True, False], 90).met is False
    nothing = share("x", [], 90)
    assert nothing.met is None and nothing.value is None and "nothing" in nothing.note
    assert Result("x", 41.0, "MB", 40.0, at_most=True).met is False and Result("x", 1.0).met is None
