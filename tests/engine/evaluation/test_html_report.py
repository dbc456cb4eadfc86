"""The report as a page: nothing beside it, nothing in it that a text could smuggle in, each result against its bar."""

import numpy as np
import pytest

from engine.evaluation import html_report, plots
from engine.evaluation.results import Result
from engine.evaluation.sections import NOT_MEASURED, UNKNOWN, Section, Table
from tests.engine.evaluation.pages import read_page

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def sections():
    """A picture of each kind, a table with all that is not known."""
    table = Table("by guidance", ("guidance", "tempo met", "paper"), [("1", NOT_MEASURED, UNKNOWN)])
    pictures = [plots.bars("distance", [("ours", 1.5)]), plots.matrix(np.eye(3), 1.0)]
    return [Section("Guidance", ("One paragraph & another.",), [table], pictures)]


def test_the_page_needs_nothing_beside_it(sections, tmp_path):
    judged = html_report.targets([Result("tempo", 50, "%", 90, count=2), Result("style", None)])
    nasty = Section("<script>alert(1)</script>", tables=[Table("a & b", ("x",), [("<b>",)])])
    path = tmp_path / "new" / "report.html"
    html_report.write(path, "tiny", {"prompts": 1}, [judged, *sections, nasty])
    page = read_page(path)
    assert "b" not in page.tags and page.tags.count("img") == 2
    text = page.text
    assert "One paragraph &amp; another." in text and '<td class="unknown">not known</td>' in text
    assert '<td class="missed">no</td>' in text and '<td class="unknown">not measured</td>' in text


def test_targets_say_which_way_their_bar_counts_and_of_how_many():
    rows = html_report.targets(
        [Result("tempo", 50, "%", 90, count=2), Result("size", 30.0, "MB", 40.0, at_most=True), Result("style", None, note="why")]
    ).tables[0].rows  # fmt: skip
    assert rows[0][:5] == ("tempo", "50 %", "2", "≥ 90 %", "no")
    assert (rows[1][3], rows[1][4], rows[1][2]) == ("≤ 40.0 MB", "yes", "")
    assert (rows[2][1], rows[2][3], rows[2][5]) == (NOT_MEASURED, "", "why")


def test_the_page_says_in_words_how_it_was_measured(tmp_path):
    facts = {"model": "tiny", "bytes": 25_300_000, "samplerate_full": 48_000, "samplerate_fast": 0}
    facts |= {"decode": "full", "right": {"key": 80}}
    html_report.write(tmp_path / "report.html", "tiny", facts, [html_report.targets([Result("speed", 0.1, "s")], 4)])
    text = (tmp_path / "report.html").read_text()
    rows = (
        ("size of the weights", "25.3 MB"), ("sample rate, full path", "48 kHz"), ("sample rate, fast path", "none"),
        ("played on", "the full path"), ("right", "key 80"),
    )  # fmt: skip
    for name, value in rows:
        assert f"<th>{name}</th><td>{value}</td>" in text
    assert "of fewer than 20 prompts shares are rough" in text and '<td class="short">0.10 s</td>' in text
