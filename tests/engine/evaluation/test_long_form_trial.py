"""Long pieces of a model of random weights: their windows, their tokens, and the same piece at each guidance."""

import pytest

from engine.evaluation import html_report
from engine.evaluation.long_form_trial import drift_section, long_form_section
from engine.evaluation.paper_trials import Scale
from engine.evaluation.trials import ModelUnderTest
from engine.pipeline import Pipeline
from tests.engine.evaluation.pages import read_page
from tests.tiny_model import write_tiny_model

pytest.importorskip("matplotlib")
SCALE = Scale(prompts=1, seconds=1.5, lengths_s=(1.5,), length_prompts=1, guidances=(1.0, 3.0), sweep_s=3.0)


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    model = ModelUnderTest(Pipeline(), str(write_tiny_model(tmp_path_factory.mktemp("tiny"))), "fast")
    said = []
    found = [long_form_section(model, 15.0), drift_section(model, SCALE, ("fast",), said.append)]
    assert model.engine.on_tokens is None and said == ["playing 3 s: guidance 1", "playing 3 s: guidance 3"]
    return {section.title: section for section in found}


def test_a_long_piece_is_measured_in_windows_with_its_tokens(sections):
    windows, grams = sections["A piece of 0.25 minutes"].tables
    assert [row[0] for row in windows.rows] == ["0-15 s"] and windows.rows[0][-1].endswith("%")
    assert [row[0].split()[0] for row in grams.rows[:-1]] == ["4", "8", "16", "32"]
    longest = int(grams.rows[-1][1].split()[0])
    assert 2 <= longest < 6  # 32 tokens at random: some pairs come twice, hardly any longer run
    assert [len(section.pictures) for section in sections.values()] == [5, 1]
    assert [row[0] for row in sections["Drift by guidance and path"].tables[0].rows] == ["guidance 1", "guidance 3"]


def test_all_of_it_goes_into_one_page_with_its_pictures(sections, tmp_path):
    html_report.write(tmp_path / "report.html", "tiny", {"prompts": 1}, list(sections.values()))
    assert read_page(tmp_path / "report.html").tags.count("img") == 6
