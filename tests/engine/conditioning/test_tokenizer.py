"""Text → ids by the model's own tokenizer."""

import pytest
from tokenizers import Tokenizer

from engine.api import ModelError
from engine.checkpoints.checkpoint import load_checkpoint
from engine.conditioning.tokenizer import load_text_encoder
from tests.tiny_model import write_tiny_model


def test_text_is_encoded_by_the_models_own_tokenizer(tmp_path):
    encode = load_text_encoder(load_checkpoint(write_tiny_model(tmp_path)))
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert encode("dub") == tokenizer.encode("dub").ids == [2]
    assert encode("zither") == [1]  # unknown


def test_a_broken_tokenizer_is_one_clear_error(tmp_path):
    checkpoint = load_checkpoint(write_tiny_model(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="tokenizer.json"):
        load_text_encoder(checkpoint)
