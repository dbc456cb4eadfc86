"""Models of our own layout: what is written is read again, and one clear error for each way in which one can be broken."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from engine.api import ModelError
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from tests.engine.checkpoints.small_release import cut, text, without


@torch.inference_mode()
def test_our_layout_round_trips(ours, small_release):
    released, model = load_checkpoint(small_release), load_checkpoint(ours)
    assert model.config == released.config
    for name in checkpoint.NETWORKS:
        before, after = getattr(released, name).state_dict(), getattr(model, name).state_dict()
        matrices = {f"{path}.weight" for path, part in getattr(model, name).named_modules() if isinstance(part, torch.nn.Linear)}
        for key, tensor in before.items():
            if key in matrices:  # eight bits, one scale a row: off by half a step at most
                step = tensor.abs().amax(1, keepdim=True) / 127
                assert ((after[key] - tensor).abs() <= 0.501 * step).all()
            else:
                assert torch.equal(after[key], tensor.half().float())
    numbers = sum(t.numel() for name in checkpoint.NETWORKS for t in getattr(model, name).state_dict().values())
    assert numbers < model.bytes < 2.5 * numbers  # half precision or less, and the names
    assert model.weights_sha256 == load_checkpoint(ours).weights_sha256 != released.weights_sha256
    assert not list(ours.glob("*.partial"))


def test_a_tensor_too_large_for_half_precision_is_kept_whole(ours):
    model = load_checkpoint(ours)
    with torch.no_grad():
        model.hifi_codec.encoder.conv_post.weight[0, 0, 0] = 1e6
    save_checkpoint(ours, model.config, {"hifi_codec": model.hifi_codec})
    assert load_checkpoint(ours).hifi_codec.encoder.conv_post.weight[0, 0, 0] == 1e6


OUR_FAULTS = {
    "cut": (cut("flow.safetensors"), r"flow\.safetensors is damaged or cut short"),
    "empty": (lambda root: (root / "flow.safetensors").write_bytes(b""), r"flow\.safetensors is damaged"),
    "missing": (without("hifi_codec.safetensors"), r"missing file: .*hifi_codec\.safetensors"),
    "no tokenizer": (without("tokenizer.json"), r"missing file: .*tokenizer\.json"),
    "another network": (
        lambda root: shutil.copy(root / "flow.safetensors", root / "wavtokenizer.safetensors"),
        r"wavtokenizer\.safetensors does not fit",
    ),
    "unknown setting": (text("model.json", '"rope_theta"', '"rope"'), "unknown keys rope"),
    "wrong kind": (text("model.json", '"sample_rate": 24000', '"sample_rate": "fast"'), r"model\.json: a value of the wrong"),
    "no flow for the codec": (lambda root: drop(root, "flow"), "flow and hifi_codec work only together"),
    "other latents": (text("model.json", '"latent_dim": 64', '"latent_dim": 32'), "64 latent channels, but .* for 32"),
}


def drop(root: Path, network: str) -> None:
    config = json.loads((root / "model.json").read_text())
    (root / "model.json").write_text(json.dumps(config | {network: None}))


@pytest.mark.parametrize("fault", OUR_FAULTS)
def test_a_broken_model_of_ours_says_what_is_wrong(ours, fault):
    damage, message = OUR_FAULTS[fault]
    damage(ours)
    with pytest.raises(ModelError, match=message):
        load_checkpoint(ours)
