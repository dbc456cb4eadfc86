"""A fine-tuned model's directory: its base's files, its own language model, the tempo of its recordings, a card."""

import numpy as np

from engine.checkpoints.checkpoint import load_checkpoint
from engine.music.grid import Grid
from engine.training.adapted_model import card, write_model
from engine.training.recordings import Part


def test_the_directory_is_a_model_at_the_recordings_tempo(base, tmp_path):
    checkpoint = load_checkpoint(str(base))
    parts = [Part("a.wav", np.zeros(200, np.int16), Grid(bpm), "loop") for bpm in (90.0, 92.0, 140.0)]
    checkpoint.language_model.llm_decoder.weight.data.zero_()
    made = load_checkpoint(str(write_model(tmp_path / "made", "mine", checkpoint, parts)))
    assert made.config.name == "mine" and made.config.usual_bpm[-1] == ("", 92.0)
    assert made.config.usual_bpm[:-1] == tuple(pair for pair in checkpoint.config.usual_bpm if pair[0])
    assert not made.language_model.llm_decoder.weight.any() and made.directory != checkpoint.directory
    text = card("mine", checkpoint, parts, parts[:1], {"before": 2.9, "after": 2.6, "step": 31, "minutes": 5.0}, rank=16)
    assert "# mine" in text and "rank 16" in text and "| mine | 2.6 |" in text and "a.wav" in text
