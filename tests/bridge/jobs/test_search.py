"""What the history is asked for becomes a condition with its values apart, and a job an entry."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from bridge.jobs.search import condition_of, entry_of, words_of
from bridge.osc.commands import History
from engine.api import GenerationRequest


@pytest.mark.parametrize(
    ("asked", "condition", "values"),
    [
        ({}, "NOT deleted", []),
        ({"words": "Dub  techno"}, "NOT deleted AND instr(words, ?) AND instr(words, ?)", ["dub", "techno"]),
        ({"words": "x'; DROP TABLE jobs"}, "NOT deleted" + " AND instr(words, ?)" * 4, ["x';", "drop", "table", "jobs"]),
        ({"since": "2026-11", "kept": True}, "NOT deleted AND created >= ? AND kept", ["2026-11"]),
        ({"until": "2026-11-28"}, "NOT deleted AND substr(created, 1, ?) <= ?", [10, "2026-11-28"]),
        ({"state": "done"}, "NOT deleted AND state = ?", ["done"]),
    ],
)
def test_a_query_is_a_condition_and_its_values_stand_apart(asked, condition, values):
    assert condition_of(History("h", **asked)) == (condition, values)


def test_an_entry_leaves_out_what_a_job_does_not_have():
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        row = db.execute(
            """SELECT 'j' AS id, 'done' AS state, '{"prompt": "dub"}' AS request, '2026' AS created, '' AS client, 0 AS kept,
            '' AS path, '{}' AS pairs, 0.0 AS duration_s, '/music/loop.wav' AS clip, 7 AS seed"""
        ).fetchone()
    entry = entry_of(History("h"), 3, row)
    assert (entry.id, entry.index, entry.job, entry.state) == ("h", 3, "j", "done")
    assert {name: value for name, value in entry.pairs.items() if value is not None} == {
        "created": "2026", "kept": 0, "prompt": "dub", "clip": "loop.wav", "seed": 7,
    }  # fmt: skip


def test_prompt_and_clip_are_searched_in_lower_case():
    assert words_of(GenerationRequest(prompt="Dub TECHNO", clip="/music/Loop.WAV")) == "dub techno loop.wav"
