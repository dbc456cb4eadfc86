"""What the command lines of all stages take."""

import sys

import numpy as np
import pytest
import torch

from engine.api import ModelError
from engine.corpus.dataset import Corpus
from engine.training import clip_editing, preference
from engine.training.command import load_language_model, stage_options, stage_parser
from tests.tiny_model import TINY


def test_a_stage_has_its_defaults_and_sets_torch_threads(monkeypatch):
    parser = stage_parser("Trains.\n\nMore.", minutes=7, threads=1)
    assert parser.description == "Trains."
    before = torch.get_num_threads()
    try:
        monkeypatch.setattr(sys, "argv", ["stage"])
        options = stage_options(parser)
        assert options.minutes == 7 and torch.get_num_threads() == 1
        monkeypatch.setattr(sys, "argv", ["stage", "--minutes", "2.5", "--threads", "2"])
        assert stage_options(parser).minutes == 2.5 and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_fine_tuning_loads_its_model_by_name_or_folder(base):
    model, tokenizer = load_language_model(str(base))
    assert model.config == TINY.language_model and tokenizer.token_to_id("techno") is not None
    with pytest.raises(ModelError, match="nowhere"):
        load_language_model("nowhere")


def test_the_fine_tuning_stages_take_what_their_docstrings_say(base, corpus, tmp_path, monkeypatch):
    """Both command lines, for one step each."""
    found = Corpus(corpus)
    frames = {name: sum(s["frames"] for s in facts["sections"]) for name, facts in found.facts.items()}
    np.savez(tmp_path / "tokens.npz", **{name: np.arange(count, dtype=np.int16) % 32 for name, count in frames.items()})
    (tmp_path / "candidates").mkdir()
    paths = [corpus, tmp_path / "tokens.npz"]
    for stage, own in ((clip_editing, []), (preference, [tmp_path / "candidates"])):
        run = tmp_path / stage.__name__
        words = ["stage", base, *own, *paths, run, "--minutes", "0.0001", "--threads", "1"]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        stage.main()
        assert (run / "checkpoint.pt").exists()
