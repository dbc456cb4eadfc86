"""Where commands write: nothing that a terminal would obey, nothing that a pipe cannot take."""

from __future__ import annotations

import io
import json
import sys

from bridge.cli.consoles import PlainConsole, report, write_any_text


def test_what_a_terminal_would_obey_is_shown_and_lines_stay():
    console = PlainConsole(file=io.StringIO(), width=80, highlight=False)
    console.print("a\x1b[2Jb\nsecond", markup=False)
    assert console.file.getvalue() == "a\\x1b[2Jb\nsecond\n"


def test_a_pipe_that_lacks_a_letter_gets_an_escape(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    write_any_text()
    print("Größe")
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue() == b"Gr\\xf6\\xdfe\n"


def test_what_was_done_is_an_object_or_a_sentence(capsys):
    report({"paused": 1}, "the queue is paused", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"paused": 1}
    report({"paused": 1}, "[red]the queue is paused", as_json=False)
    assert capsys.readouterr().out == "[red]the queue is paused\n"
