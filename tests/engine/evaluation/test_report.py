"""The report's table."""

from engine.evaluation import report
from engine.evaluation.results import Result, share


def test_table_shows_bars_and_what_was_not_measured():
    text = report.table(
        [share("tempo", [True, False], 90, "note"), Result("speed", 0.1, "", 0.35, at_most=True), Result("style", None)]
    )
    assert "| tempo | 50 % | 2 | ≥ 90 % | **no** | note |" in text and "| speed | 0.10 |  | ≤ 0.35 | yes |" in text
    assert "| style | not measured |" in text
