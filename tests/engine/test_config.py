"""A model's configuration is the same after model.json, whose keys stay those that models on disk have."""

import json
from pathlib import Path

import pytest

from engine.api import ModelError
from engine.config import ModelConfig, from_mapping, load_model_config, to_mapping
from tests.tiny_model import TINY

SKETCH = Path(__file__).parents[2] / "engine" / "weights" / "sketch" / "model.json"


def test_sketchs_model_json_is_written_as_it_was_read():
    written = json.loads(json.dumps(to_mapping(load_model_config(SKETCH))))
    assert written == json.loads(SKETCH.read_text())


def test_instruments_that_a_prompt_can_negate_keep_their_key_in_the_file():
    config = from_mapping(ModelConfig, to_mapping(TINY) | {"deniable": ["drums", "bass"]}, "here")
    assert config.negatable == ("drums", "bass") and to_mapping(config)["deniable"] == ("drums", "bass")
    assert "negatable" not in to_mapping(config)


def test_an_unknown_key_is_named():
    with pytest.raises(ModelError, match="here: unknown keys drummer"):
        from_mapping(ModelConfig, {"drummer": 1}, "here")
