"""Training a decoder further, with its encoder and codes as they are."""

import torch
from safetensors.torch import save_file

from engine.training.codec import build
from engine.training.decoder import train as train_decoder
from tests.engine.training.conftest import read_log
from tests.tiny_model import TINY


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
