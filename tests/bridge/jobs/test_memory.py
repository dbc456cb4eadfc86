"""Rows of earlier daemons become jobs that ended and jobs that wait, or none where they are no longer understood."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import asdict

import pytest

from bridge.jobs import memory
from bridge.osc.commands import Draft, Submit
from bridge.osc.replies import Cancelled, Done, Fail
from engine.api import GenerationRequest

REQUEST = GenerationRequest("dub", bpm=120.0, bars=4)
ROW = {
    "id": "j", "client": "a test", "created": "2026-11-28T10:00:00+00:00", "state": "done",
    "request": json.dumps(asdict(REQUEST)), "play": 1, "name": "take", "seed": 7, "rest": None,
    "path": "/m/take.wav", "duration_s": 8.0, "code": None, "message": None,
    "pairs": json.dumps({"rtf": 0.5}),
}  # fmt: skip


def row(**values: object) -> sqlite3.Row:
    columns = ROW | values
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        return db.execute(f"SELECT {', '.join(f'? AS {name}' for name in columns)}", [*columns.values()]).fetchone()


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ({}, Done("j", "/m/take.wav", 8.0, {"rtf": 0.5})),
        ({"state": "cancelled", "path": "", "duration_s": 0.0}, Cancelled("j", "", 0.0, {"rtf": 0.5})),
        (
            {"state": "failed", "code": "output", "message": "full", "pairs": "{}"},
            Fail("j", "output", "full", {"path": "/m/take.wav", "duration_s": 8.0}),
        ),
        ({"state": "interrupted", "path": "", "pairs": "{}"}, Fail("j", "interrupted", memory.INTERRUPTED, {})),
    ],
)
def test_an_ended_job_has_the_end_that_its_client_was_sent(values, end):
    past = memory.past(row(**values))
    assert past.end == end and (past.command.request, past.command.play, past.command.path) == (REQUEST, True, "take")
    assert (past.seed, past.created) == (7, ROW["created"])


@pytest.mark.parametrize(
    "command",
    [
        Submit("j", REQUEST, True, "take", weights="0123", start="bar", reply_port=9000),
        Submit("j", REQUEST, True, "take", draft=Draft("j", "Swing", {"bars": 4}, {"play": True}, is_sketch=True)),
    ],
)
def test_a_job_that_waits_is_the_command_that_it_was(command):
    waiting = memory.waiting(row(rest=memory.rest_of(command)))
    assert waiting.command == command and (waiting.client, waiting.seed) == ("a test", 7)


def test_a_row_of_before_there_was_a_rest_waits_too():
    assert memory.waiting(row()).command == Submit("j", REQUEST, True, "take")


@pytest.mark.parametrize("request_", ["{", "[]", '{"prompt": "dub", "tempo": 120}', '{"prompt": "dub", "duration_s": -1}'])
def test_what_is_no_longer_understood_is_none_and_said_in_the_log(caplog, request_):
    with caplog.at_level("INFO"):
        assert memory.past(row(request=request_)) is None and memory.waiting(row(request=request_)) is None
    assert caplog.text.count("the request of job j is no longer understood") == 2
