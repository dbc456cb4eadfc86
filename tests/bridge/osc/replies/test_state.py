"""The state of the daemon, or of a job, is one reply with what is known."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.protocol import JOB_STATES
from bridge.osc.replies import State, decode_reply, encode_reply


@pytest.mark.parametrize("state", ["starting", "idle", "busy", "down", *JOB_STATES])
def test_every_state_of_the_daemon_and_of_a_job_can_be_said(state):
    reply = State("s", state, {"pid": 1, "queued": 0, "folder": "/m"})
    assert decode_reply(*encode_reply(reply)) == reply


def test_another_state_is_an_error_and_what_is_unknown_is_left_out():
    with pytest.raises(MessageError, match="state"):
        decode_reply("/inspire/state", ["s", "asleep"])
    assert encode_reply(State("s", "down", {"engine_pid": None, "pid": 1}))[1] == ["s", "down", "pid", 1]
