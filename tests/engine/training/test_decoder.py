"""Training a decoder further, with its encoder and codes as they are."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.training.codec import build
from engine.training.decoder import read_codec
from engine.training.decoder import train as train_decoder
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY, write_tiny_model


def test_refining_a_decoder_leaves_encoder_and_codes_alone(corpus, tmp_path, one_second_a_step):
    torch.manual_seed(0)
    before = build("wavtokenizer", TINY)
    save_file(before.state_dict(), tmp_path / "codec.safetensors")
    weights, options = tmp_path / "codec.safetensors", {"batch": 2, "seconds": 0.2, "config": TINY}
    refined = train_decoder("wavtokenizer", corpus, weights, tmp_path / "run", minutes=10 / 60, **options)
    log = read_log(tmp_path / "run")
    changed = {
        name.split(".")[0] for name, tensor in before.state_dict().items() if not torch.equal(refined.state_dict()[name], tensor)
    }
    assert changed == {"backbone", "head"} and "held_out_level" in log[-1]


@pytest.mark.parametrize("kind", ["wavtokenizer", "hifi_codec"])
def test_a_models_own_codec_is_read_whatever_its_matrices_are_kept_in(tmp_path, kind):
    """Shipped matrices have eight bits and scales of their own, which no codec's state dict has."""
    directory = write_tiny_model(tmp_path / "tiny")
    assert any(name.endswith(".scale") for name in load_file(directory / f"{kind}.safetensors"))
    state = read_codec(kind, directory)
    build(kind, TINY).load_state_dict(state)
    assert {tensor.dtype for tensor in state.values() if tensor.is_floating_point()} == {torch.float32}
