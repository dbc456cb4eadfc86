"""Commands about jobs: cancelled, paused, listed, searched by day, asked for again."""

from __future__ import annotations

import pytest

from bridge.errors import MessageError
from bridge.osc.commands import Again, Cancel, Delete, History, Keep, ListJobs, SetPaused, Status
from bridge.osc.parsing import parse_command


def test_cancel_means_its_own_id_unless_a_job_is_named():
    assert parse_command("/inspire/cancel", ["j"]) == Cancel("j", "j")
    assert parse_command("/inspire/cancel", ["c", "job", "j"]) == Cancel("c", "j")


def test_pause_and_resume_are_one_command():
    assert parse_command("/inspire/pause", ["p"]) == SetPaused("p", True)
    assert parse_command("/inspire/resume", ["p", "reply_port", 9000]) == SetPaused("p", False, reply_port=9000)


def test_what_is_not_said_of_a_job_that_is_asked_for_again_stays_as_it_was():
    assert parse_command("/inspire/again", ["b", "a"]) == Again("b", "a")
    assert parse_command("/inspire/again", ["b", "a", "play", 0, "seed", 3]) == Again("b", "a", play=False, seed=3)


def test_jobs_are_named_listed_kept_and_deleted():
    assert parse_command("/inspire/status", ["s"]) == Status("s", None)
    assert parse_command("/inspire/jobs", ["l", "limit", 5, "offset", 10]) == ListJobs("l", 5, 10)
    assert parse_command("/inspire/keep", ["k", "j"]) == Keep("k", "j", True)
    assert parse_command("/inspire/delete", ["d", "j"]) == Delete("d", "j")
    with pytest.raises(MessageError, match="needs job"):
        parse_command("/inspire/delete", ["d"])


@pytest.mark.parametrize("day", ["2026", "2026-11", "2026-11-21", "2024-02-29"])
def test_a_day_a_month_or_a_year_bounds_the_history(day):
    assert parse_command("/inspire/history", ["h", "since", day, "until", day]) == History("h", since=day, until=day)


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("day", ["yesterday", "2026-13", "2026-02-30", "2026-1", "20261121", "26-11-21", "2026-W47"])
def test_what_is_no_day_is_rejected_with_one_that_is(name, day):
    with pytest.raises(MessageError, match=f"{name} is .*a day such as 2026-11-21") as caught:
        parse_command("/inspire/history", ["h", name, day])
    assert caught.value.code == "bad_value"
