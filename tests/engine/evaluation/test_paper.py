"""The paper's figures where a user gives them."""

import pytest

from engine.api import EngineError
from engine.evaluation import paper
from engine.evaluation.sections import UNKNOWN


def test_figures_are_those_of_the_file_and_otherwise_unknown(tmp_path):
    path = tmp_path / "paper.json"
    path.write_text('{"guidance 3": 0.21}')
    known = paper.figures(path)
    assert paper.of("guidance 3", known) == "0.21" and paper.of("guidance 5", known) == UNKNOWN and paper.figures(None) == {}


@pytest.mark.parametrize("content, said", [("[1]", "must be a JSON object"), ("{", "cannot read the paper's figures")])
def test_another_file_is_one_sentence(tmp_path, content, said):
    (tmp_path / "paper.json").write_text(content)
    with pytest.raises(EngineError, match=said):
        paper.figures(tmp_path / "paper.json")
    with pytest.raises(EngineError, match="cannot read the paper's figures"):
        paper.figures(tmp_path / "nowhere.json")


def test_the_eight_variants_of_table_1():
    assert len(paper.variants().rows) == 8 and all(len(row) == 5 for row in paper.variants().rows)


def test_a_baselines_own_figures_are_there_with_their_source():
    table = paper.musicgen()
    assert table.rows[0] == ("musicgen-small", "4.88", "1.42", "0.27") and "its model card" in table.caption
    assert all(len(row) == len(table.columns) for row in table.rows) and "not found" in paper.NOTES[0]
