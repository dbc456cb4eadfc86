"""What the history is asked for, as a condition in SQL, and its jobs as entries."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from bridge.osc.arguments import cut
from bridge.osc.commands import History
from bridge.osc.replies import Entry
from bridge.osc.spec import MAX_BEGINNING
from engine.api import GenerationRequest


def condition_of(query: History) -> tuple[str, list[str | int]]:
    """After WHERE, with the values of its question marks."""
    where = ["NOT deleted"]
    values: list[str | int] = []
    for word in query.words.casefold().split():
        where.append("instr(words, ?)")
        values.append(word)
    for column, operator, value in (("created", ">=", query.since), ("state", "=", query.state)):
        if value:
            where.append(f"{column} {operator} ?")
            values.append(value)
    if query.until:
        where.append("substr(created, 1, ?) <= ?")
        values += [len(query.until), query.until]
    if query.kept:
        where.append("kept")
    return " AND ".join(where), values


def words_of(request: GenerationRequest) -> str:
    """What is searched: prompt and clip in lower case."""
    return " ".join([request.prompt, Path(request.clip).name if request.clip else ""]).casefold()


def entry_of(query: History, index: int, row: sqlite3.Row) -> Entry:
    request = json.loads(row["request"])
    pairs = {
        "created": row["created"],
        "client": row["client"] or None,
        "kept": row["kept"],
        "path": row["path"] or None,
        "others": json.loads(row["pairs"]).get("others"),
        "duration_s": row["duration_s"] or None,
        "prompt": cut(request["prompt"], MAX_BEGINNING) or None,
        "clip": Path(row["clip"]).name if row["clip"] else None,
        "seed": row["seed"],
    }
    return Entry(query.id, index, row["id"], row["state"], pairs)
