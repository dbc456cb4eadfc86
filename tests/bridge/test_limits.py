"""The limits go together: none makes another meaningless."""

from __future__ import annotations

from bridge import limits
from bridge.osc import codec


def test_what_is_of_one_is_less_than_what_is_of_all():
    assert limits.MAX_BACKLOG_BYTES_OF_ONE < limits.MAX_BACKLOG_BYTES and limits.MAX_AT_HAND < limits.MAX_REMEMBERED
    assert limits.MAX_LETTERS < limits.MAX_BACKLOG_LETTERS and limits.PROVE_S < limits.IDLE_S


def test_two_frames_of_the_largest_kind_are_not_yet_unreadable():
    assert limits.MAX_DATAGRAM_IN <= limits.MAX_FRAME and 2 * limits.MAX_FRAME < limits.MAX_UNREADABLE_BYTES


def test_two_thousand_commands_at_once_fit_what_one_source_may_leave():
    """As a script sends them that fills the queue: each is kept with what it takes to keep it (1 KiB is more than that)."""
    command = codec.encode("/inspire/generate", ["job-1234", "dub techno, warm chords, 124 bpm", "bars", 8, "seed", 7])
    assert 2000 * (len(command) + 1024) < limits.MAX_BACKLOG_BYTES_OF_ONE and limits.MAX_QUEUED > 2000
