"""What the command lines of all stages take."""

import sys

import torch

from engine.training.command import stage_options, stage_parser


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
