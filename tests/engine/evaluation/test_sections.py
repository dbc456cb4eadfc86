"""Numbers as the report's tables write them."""

import pytest

from engine.evaluation.sections import NOT_MEASURED, UNKNOWN, Section, figure


@pytest.mark.parametrize(
    ("value", "how", "written"),
    [
        (None, {}, NOT_MEASURED), (None, {"unit": "dB"}, NOT_MEASURED), (0.0, {}, "0.00"), (1.005, {"digits": 1}, "1.0"),
        (-3.14159, {"digits": 3, "unit": "dB"}, "-3.142 dB"), (99.6, {"digits": 0, "unit": "%"}, "100 %"),
    ],
)  # fmt: skip
def test_a_figure_has_its_digits_and_its_unit_or_says_that_it_is_missing(value, how, written):
    assert figure(value, **how) == written


def test_what_the_paper_has_and_we_have_not_is_told_from_what_was_not_measured():
    assert UNKNOWN != NOT_MEASURED


def test_sections_do_not_share_their_tables():
    one, other = Section("one"), Section("other")
    one.tables.append(None)
    assert other.tables == [] and one.pictures == []
