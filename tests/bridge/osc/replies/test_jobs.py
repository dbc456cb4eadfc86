"""What happens to a job, as replies: each end is an end, and an error becomes a fail."""

from __future__ import annotations

from typing import get_args

import pytest

from bridge.errors import JobError, OutputError
from bridge.osc.replies import Cancelled, Chunk, Done, End, Fail, Queued, decode_reply, encode_reply, fail
from engine.api import ClipError


def test_a_job_has_three_ends():
    assert set(get_args(End)) == {Done, Fail, Cancelled}


@pytest.mark.parametrize(
    ("error", "code"),
    [(JobError("no such job"), "no_such_job"), (JobError("full", "busy"), "busy"), (OutputError("full"), "output"),
     (ClipError("no clip"), "bad_clip")],
)  # fmt: skip
def test_an_error_is_a_fail_with_its_code_and_message(error, code):
    assert fail(error, "j") == Fail("j", code, str(error))


def test_what_a_terminal_would_obey_in_an_error_is_escaped():
    assert fail(JobError("no job \x1b[2J"), "j").message == "no job \\x1b[2J"


def test_of_several_variations_a_chunk_says_which_and_a_queued_job_why_it_waits():
    chunk = Chunk("j", 0, 0.0, 0.5, "x.2.wav", {"variation": 2})
    for reply in (chunk, Queued("j", 1, {"paused": 1}), Queued("j", 0, {"later": 1})):
        assert decode_reply(*encode_reply(reply)) == reply
