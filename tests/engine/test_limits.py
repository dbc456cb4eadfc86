"""Every value a request may hold is checked when it is made, and the error says which are allowed."""

from __future__ import annotations

import math

import pytest

from engine import limits
from engine.errors import RequestError
from engine.limits import check_choice, check_metre, check_number, check_prompt, parse_key


@pytest.mark.parametrize("value", [0.9, 5.1, math.nan, math.inf, "2", True, None])
def test_a_number_outside_of_its_range_or_of_another_type_names_the_range(value):
    with pytest.raises(RequestError, match="^length .*from 1 to 5"):
        check_number("length", value, 1, 5)


def test_the_ends_of_a_range_belong_to_it_and_none_only_where_it_is_optional():
    check_number("length", 1, 1, 5)
    check_number("length", 5.0, 1, 5)
    check_number("length", None, 1, 5, optional=True)
    with pytest.raises(RequestError, match="a whole number"):
        check_number("count", 2.0, 1, 5, whole=True)


def test_a_choice_that_is_not_there_names_those_that_are():
    check_choice("join", "new", limits.JOINS)
    with pytest.raises(RequestError, match="join is 'old': allowed are append, new"):
        check_choice("join", "old", limits.JOINS)


def test_a_prompt_is_text_of_a_length():
    check_prompt("x" * limits.MAX_PROMPT_CHARS)
    with pytest.raises(RequestError, match="4001 characters: at most 4000"):
        check_prompt("x" * (limits.MAX_PROMPT_CHARS + 1))
    with pytest.raises(RequestError, match="must be text, got int"):
        check_prompt(3)


@pytest.mark.parametrize(("beats", "unit", "allowed"), [(7, 8, True), (4, 4, True), (3, 3, False), (16, 2, False), (0, 4, False)])
def test_a_metre_has_a_note_value_and_at_most_sixteen_quarters(beats, unit, allowed):
    if allowed:
        check_metre(beats, unit)
        return
    with pytest.raises(RequestError):
        check_metre(beats, unit)


def test_a_key_is_read_in_producers_spellings_and_others_are_errors():
    assert parse_key(None) is None and parse_key("F# minor") == (6, "minor") and parse_key("8A") == (9, "minor")
    with pytest.raises(RequestError, match="unknown key 'H major'"):
        parse_key("H major")
