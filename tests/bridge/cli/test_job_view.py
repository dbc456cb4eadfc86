"""How a job is shown: JSON, lines or a bar, and its end, of which scripts get the paths alone."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import pytest
from rich.console import Console

from bridge.cli import job_view
from bridge.cli.job_view import BarView, JsonView, LineView
from bridge.osc.replies import Ack, Cancelled, Chunk, Done, Entry, Fail, Pong, ProgressReport, Queued, Reply
from tests.bridge.conftest import ROOT


def console(**options) -> Console:
    return Console(file=io.StringIO(), **{"width": 200, "highlight": False, **options})


def ended(end: Reply) -> tuple[str, str]:
    """What is written of it: for scripts, and for people."""
    out, err = console(), console()
    job_view.show_end(end, out, err)
    return out.file.getvalue(), err.file.getvalue()


def test_only_a_terminal_with_room_gets_a_bar():
    lively = {"force_terminal": True, "color_system": None, "_environ": {"TERM": "xterm"}}
    assert type(job_view.choose(False, console(**lively))) is BarView
    assert type(job_view.choose(False, console(**lively, width=39))) is LineView
    assert type(job_view.choose(False, console(**{**lively, "_environ": {"TERM": "dumb"}}))) is LineView
    assert type(job_view.choose(False, console())) is LineView
    assert type(job_view.choose(True, console(**lively))) is JsonView


def test_json_has_a_line_for_each_reply_with_its_keys_beside_its_arguments(capsys):
    with JsonView() as show:
        show(Ack("j"))
        show(Done("j", "x.wav", 8.0, {"seed": 7}))
    ack, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert ack == {"event": "ack", "id": "j"}
    assert done == {"event": "done", "id": "j", "path": "x.wav", "duration_s": 8.0, "seed": 7}


def test_lines_say_why_a_job_waits_and_how_much_of_which_variation_is_on_disk():
    lines = console()
    with LineView(lines) as show:
        for reply in (
            Ack("j"), Queued("j", 2), Queued("j", 1, {"paused": 1}), Queued("j", 0), ProgressReport("j", 1.0, 8.0, 0.5),
            Queued("j", 0, {"later": 1}), Chunk("j", 1, 0.5, 0.5, "x.wav"), Chunk("j", 0, 0.0, 0.5, "x.2.wav", {"variation": 2}),
        ):  # fmt: skip
            show(reply)
    assert lines.file.getvalue().splitlines() == [
        "job j", "waiting, 2 ahead", "waiting, the queue is paused ('inspire resume'), 1 ahead", "1.0 s on disk",
        "variation 2: 0.5 s on disk",
    ]  # fmt: skip


def test_an_end_gives_scripts_the_paths_and_people_the_figures():
    pairs = {"others": "x.2.wav", "seed": 7, "rtf": 0.25, "first_chunk_s": 0.5, "bpm": 124.02, "underruns": 2, "note": "4/4"}
    paths, figures = ended(Done("j", "/m/x.1.wav", 8.0, pairs))
    assert paths.splitlines() == ["/m/x.1.wav", "/m/x.2.wav"]
    assert figures.splitlines() == [
        "8.0 s, first chunk after 0.50 s, rtf 0.25, 124.0 bpm, seed 7, 2 underruns", "note: 4/4"
    ]  # fmt: skip
    _, figures = ended(Done("j", "x.wav", 8.0, {"bpm_measured": 124.0, "downbeat_ms": -3.4, "rolls": 2, "drawn": "F minor"}))
    assert figures.splitlines() == ["8.0 s, 124.00 bpm, downbeat -3 ms after 2 takes", "drawn from the seed: F minor"]


@pytest.mark.parametrize(
    ("end", "paths", "words"),
    [
        (Cancelled("j", "x.wav", 2.0), "x.wav\n", "cancelled after 2.0 s"),
        (Cancelled("j", "", 0.0), "", "cancelled after 0.0 s"),
        (Fail("j", "engine_died", "it [died]", {"path": "x.wav"}), "x.wav\n", "failed (engine_died): it [died]"),
        (Queued("j", 0, {"later": 1}), "", "waits for the next one"),
        (Pong("j", "9", 1), "", "'pong', which is no end of a job"),
    ],
)
def test_every_other_end_is_said_and_what_was_made_is_named(end, paths, words):
    written, said = ended(end)
    assert written == paths and words in said


def test_an_entry_of_the_history_has_its_time_and_says_which_files_are_gone(tmp_path):
    (tmp_path / "x.wav").touch()
    lines = console()
    pairs = {"created": "not a time", "kept": 1, "prompt": "dub\ntechno", "path": str(tmp_path / "x.wav"), "others": "gone.wav"}
    job_view.show_entry(Entry("h", 0, "j", "done", {**pairs, "duration_s": 8.0}), lines)
    first, *files = lines.file.getvalue().splitlines()
    assert first == "★ not a time  j  done  8.0 s  dub techno"
    assert files == [f"    {tmp_path / 'x.wav'}", f"    {tmp_path / 'gone.wav'}  (gone)"]


@pytest.mark.parametrize(
    ("terminal", "columns", "lively"), [("xterm-256color", "40", True), ("dumb", "40", False), ("xterm-256color", "20", False)]
)
def test_a_terminal_gets_a_bar_and_a_dumb_or_narrow_one_lines(daemon, terminal, columns, lively):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bridge", "generate", "slow tune", "--duration", "1.5"]
    environment = {**daemon.environment, "INSPIRE_PORT": str(daemon.port), "TERM": terminal, "COLUMNS": columns}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait(30) == 0
    process.stdout.close()
    assert ("━".encode() in shown) == lively
    assert (b"s on disk" in shown) != lively
