"""The paper's experiments on a model of random weights."""

from dataclasses import replace

import numpy as np
import pytest

from engine.acceleration import choose_runtime, prepare
from engine.checkpoints.checkpoint import load_checkpoint
from engine.evaluation import html_report
from engine.evaluation.paper_trials import Comparison, Scale, baseline_trial, paper_sections
from engine.evaluation.prompts import draw_prompts
from engine.evaluation.sections import UNKNOWN
from engine.evaluation.trials import ModelUnderTest
from engine.pipeline import Pipeline
from tests.engine.evaluation.pages import read_page
from tests.missing import needs_module
from tests.synthetic import clicks
from tests.tiny_model import write_tiny_model
from tests.tiny_musicgen import write_tiny_musicgen

pytest.importorskip("matplotlib")
SCALE = Scale(prompts=1, seconds=1.5, lengths_s=(1.5,), length_prompts=1, guidances=(1.0, 3.0), sweep_s=3.0)


class CountWords:
    """A score whose value says what it was given."""

    name, better = "words", "higher"

    def score(self, made, words, real, samplerate):
        assert len(made) == len(words) and real and samplerate == 24_000
        return float(len(words[0].split()))


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny"))
    model = ModelUnderTest(Pipeline(), str(folder), "fast")
    prepared = prepare(load_checkpoint(folder), choose_runtime())
    clips = [clicks(120, 2, rate=48_000).astype(np.float32)]
    comparison = Comparison(SCALE, clips, [CountWords()], {"guidance 3": "0.21 in the paper"})
    said = []
    found = paper_sections(prepared, model, draw_prompts(1), comparison, ("full", "fast"), said.append)
    assert len(said) == 4
    return {section.title: section for section in found}


def test_each_experiment_has_its_rows(sections):
    (table,) = sections["Reconstruction"].tables
    assert {"tokens, fast path", "tokens, full path", "48 kHz codec alone"} <= {row[0] for row in table.rows}
    assert all(float(row[1].removesuffix(" dB")) > 0 and row[-1] == UNKNOWN for row in table.rows)
    assert [row[0] for row in sections["With and without flow"].tables[0].rows] == [
        "with flow and super resolution", "tokens alone"
    ]  # fmt: skip
    assert "1 prompt; of fewer than 20 prompts shares and distances are rough" in sections["Length"].tables[0].caption
    assert [row[0] for row in sections["Length"].tables[0].rows] == ["1.5 s"]
    assert sum(len(section.pictures) for section in sections.values()) == 3


def test_guidance_stands_beside_the_papers_figure_and_the_users_score(sections):
    (table,) = sections["Guidance"].tables
    assert [(row[0], row[-1]) for row in table.rows] == [("1", UNKNOWN), ("3", "0.21 in the paper")]
    words = str(float(len(draw_prompts(1)[0].text.split())))
    assert table.columns[-2] == "words (higher is better)" and float(table.rows[0][-2]) == float(words)


def test_a_baseline_stands_beside_the_model(tmp_path):
    needs_module("transformers.models.musicgen", "transformers with MusicGen")
    ours, theirs = write_tiny_model(tmp_path / "tiny"), write_tiny_musicgen(tmp_path / "musicgen-tiny")
    scale = replace(SCALE, seconds=0.5)
    comparison = Comparison(scale, [], paper={"model musicgen-tiny": "another figure"})
    section = baseline_trial(ModelUnderTest(Pipeline(), str(ours), "fast"), draw_prompts(1), comparison, [str(theirs)])
    assert [(row[0], row[-1]) for row in section.tables[0].rows] == [("tiny", UNKNOWN), ("musicgen-tiny", "another figure")]


def test_without_reference_clips_it_says_so(tmp_path):
    from engine.evaluation.paper_trials import reconstruction_trial

    assert "no reference clips" in reconstruction_trial(None, Comparison(SCALE, [])).text[0]


def test_all_of_it_goes_into_one_page_with_its_pictures(sections, tmp_path):
    html_report.write(tmp_path / "report.html", "tiny", {"prompts": 1}, list(sections.values()))
    assert read_page(tmp_path / "report.html").tags.count("img") == 3
