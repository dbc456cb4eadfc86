"""Lists and estimates as replies."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.protocol import JOB_STATES
from bridge.osc.replies import Entry, Estimated, Found, decode_reply, encode_reply


def test_a_list_says_how_many_there_are_and_how_many_follow():
    assert encode_reply(Found("h", 40, 20)) == ("/inspire/found", ["h", 40, 20])


@pytest.mark.parametrize("state", JOB_STATES)
def test_an_entry_names_its_job_and_what_became_of_it(state):
    entry = Entry("h", 0, "j", state, {"created": "2026-11-28T10:00:00+00:00", "kept": 1, "seed": 7, "path": "/m/x.wav"})
    assert decode_reply(*encode_reply(entry)) == entry


def test_a_state_that_no_job_has_is_an_error():
    with pytest.raises(MessageError, match="state"):
        decode_reply("/inspire/entry", ["h", 0, "j", "sung"])


def test_an_estimate_has_its_seconds_in_order():
    assert encode_reply(Estimated("e", 0.5, 4.0, {"wait_s": 1.0}))[1] == ["e", 0.5, 4.0, "wait_s", 1.0]
