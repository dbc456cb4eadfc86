"""The configuration that is trained is that of the weights which ship."""

import dataclasses
from pathlib import Path

import engine
from engine.config import load_model_config
from engine.training.sketch import SKETCH


def test_the_shipped_model_has_this_configuration():
    shipped = load_model_config(Path(engine.__file__).parent / "weights" / "sketch" / "model.json")
    assert shipped.tempo_words and shipped == dataclasses.replace(SKETCH, tempo_words=shipped.tempo_words)
