"""A finding says what is there and, where it is not right, what to do."""

from __future__ import annotations

import pytest

from bridge.cli.finding import Finding


@pytest.mark.parametrize(
    ("finding", "mark", "text"),
    [
        (Finding("disk", True, "9 GB free", "make room"), "ok", "9 GB free"),
        (Finding("disk", False, "1 MB free", "make room"), "wrong", "1 MB free → make room"),
        (Finding("fluidsynth", False, "not there", "install it", optional=True), "missing", "not there → install it"),
    ],
)
def test_what_is_right_needs_no_advice_and_what_is_optional_is_only_missing(finding, mark, text):
    assert (finding.mark, finding.text) == (mark, text)
