"""What a generation took, part by part."""

from __future__ import annotations

import pytest

from engine.acceleration import PaceMeter
from engine.api import AudioChunk, Finished, GenerationRequest
from engine.pipeline import create_engine


@pytest.mark.parametrize(
    ("windows", "line"),
    [
        ([], (0.0, 0.0)),
        ([(2.0, 0.5)], (0.0, 0.25)),
        ([(1.0, 0.3), (2.0, 0.5), (4.0, 0.9)], (0.1, 0.2)),
        ([(1.0, 0.1), (2.0, 0.4)], (0.0, 0.25 / 1.5)),  # never less than nothing for a window
        ([(1.0, 0.4), (2.0, 0.2)], (0.3, 0.0)),
    ],
)
def test_what_a_window_costs_and_each_second_of_it(windows, line):
    meter = PaceMeter(windows=windows)
    summary = meter.summary(0.0, 1.0, 50.0, (0.0, 0.0), 1)
    assert (summary["render_s"], summary["render_per_s"]) == pytest.approx(line)


def test_a_generation_reports_its_pace_and_a_model_that_of_its_warm_up():
    engine = create_engine("cpu")
    paces = engine.load("sketch").paces
    assert paces is not None and paces.keys() == {"full", "fast"}
    events = list(engine.generate(GenerationRequest("dub", duration_s=1.5, variations=2, seed=1, decode="fast")))
    assert isinstance(events[-1], Finished) and isinstance(events[-2], AudioChunk)
    pace = events[-1].report.pace
    assert pace is not None and pace.keys() == paces["fast"].keys() and pace["variations"] == 2
    assert pace["steps_per_s"] == pytest.approx(paces["fast"]["steps_per_s"], rel=0.1)
    assert pace["first_s"] > pace["prepare_s"] > 0 and pace["step_s"] > 0 and pace["render_s"] + pace["render_per_s"] > 0
