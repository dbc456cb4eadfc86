"""Models in the released layout: what loads, one clear error for each way in which one can be broken, and what must not run."""

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.api import ModelError
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import load_checkpoint
from engine.config import HiFiCodecConfig
from tests.engine.checkpoints.small_release import GOLDEN, MUSIC_YAML, QWEN, cut, text, without


@torch.inference_mode()
def test_a_released_model_plays_the_golden_numbers(small_release):
    model = load_checkpoint(small_release)
    assert model.config.name == "Small" and model.config.language_model.rope_theta == 1e6
    assert model.config.flow.frames_per_token == 2 and model.config.hifi_codec.sampling_rate == 48_000
    assert model.bytes > 1_000_000 and len(model.weights_sha256) == 16
    for name in checkpoint.NETWORKS:
        network = getattr(model, name)
        assert not network.training
        assert all(p.dtype == torch.float32 for p in network.parameters())
    io = load_file(GOLDEN / "flow.io.safetensors")
    latents = model.flow.solve(model.flow.encode(io["tokens_20"]).transpose(1, 2), io["noise_48000_20"])
    torch.testing.assert_close(latents, io["feat_48000_20"], atol=5e-4, rtol=0)
    assert model.hifi_codec.decode_features(latents).shape == (1, 40 * 320)
    io = load_file(GOLDEN / "llm.io.safetensors")
    torch.testing.assert_close(model.language_model(io["inputs_embeds_cond"]), io["logits_cond"], atol=2e-4, rtol=0)
    io = load_file(GOLDEN / "wavtokenizer.io.safetensors")
    torch.testing.assert_close(model.wavtokenizer.decode(io["codes_9600"][0]), io["decoded_9600"], atol=2e-4, rtol=0)


def test_a_variant_without_flow_has_the_fast_path(release):
    (release / "flow.pt").unlink()
    shutil.rmtree(release / "music_tokenizer")
    model = load_checkpoint(release)
    assert model.flow is None and model.hifi_codec is None and model.config.flow is None
    assert model.wavtokenizer.decode(torch.zeros(1, 3, dtype=torch.long)).shape == (1, 960)


@pytest.mark.parametrize("stated_in", ["yaml", "config.json"])
def test_a_24_khz_variant_is_known_by_its_settings(release, stated_in):
    config = json.loads((release / "music_tokenizer/config.json").read_text())
    line = "target_sample_rate: 24000\n" if stated_in == "yaml" else ""
    config["sampling_rate"] = 48_000 if stated_in == "yaml" else 24_000
    (release / "inspiremusic.yaml").write_text(MUSIC_YAML.replace("target_sample_rate: 48000\n", line))
    (release / "music_tokenizer/config.json").write_text(json.dumps(config))
    model = load_checkpoint(release)
    assert model.config.hifi_codec.sampling_rate == 24_000 and model.config.flow.frames_per_token == 1


FULL_SIZE = {
    "0.5B": {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14},
    "1.5B": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12},
}


def write_full_size(root: Path, size: str) -> None:
    """Files with every published key at its published shape; each tensor is one number, expanded, and costs nothing."""

    def listed(manifest: str) -> dict[str, torch.Tensor]:
        shapes = json.loads((GOLDEN / f"manifests/{manifest}.json").read_text())["tensors"]
        return {key: torch.zeros(()).expand(shape) for key, (shape, _) in shapes.items()}

    codec: dict = {"generator": {}, "encoder": {}, "quantizer": {}}
    for key, tensor in listed("music_tokenizer_model_pt").items():
        part, rest = key.split("/", 1)
        codec[part][rest] = tensor
    torch.save(listed(f"llm_pt_{size}"), root / "llm.pt")
    torch.save(listed("flow_pt"), root / "flow.pt")
    torch.save({"state_dict": listed("wavtokenizer_model_pt")}, root / "wavtokenizer/model.pt")
    torch.save(codec, root / "music_tokenizer/model.pt")
    (root / "config.json").write_text(json.dumps(QWEN | FULL_SIZE[size]))
    (root / "inspiremusic.yaml").write_text("target_sample_rate: 48000\n")
    (root / "wavtokenizer/config.yaml").write_text("{}")
    (root / "music_tokenizer/config.json").write_text("{}")


@pytest.mark.parametrize("size", FULL_SIZE)
def test_the_published_keys_load_at_full_size(release, size):
    write_full_size(release, size)
    model = load_checkpoint(release)
    assert model.config.language_model.hidden_size == FULL_SIZE[size]["hidden_size"]
    assert model.config.hifi_codec == HiFiCodecConfig()
    write_full_size(release, "0.5B" if size == "1.5B" else "1.5B")
    (release / "config.json").write_text(json.dumps(QWEN | FULL_SIZE[size]))
    with pytest.raises(ModelError, match=r"llm\.pt does not fit .* of another shape \(.* instead of .*variant"):
        load_checkpoint(release)


def tensors(file: str, change):
    def edit(root: Path) -> None:
        content = torch.load(root / file, weights_only=True)
        change(content)
        torch.save(content, root / file)

    return edit


def dropped(key: str):
    return lambda content: content.pop(key)


def reshaped(key: str, *shape: int):
    return lambda content: content.update({key: torch.zeros(*shape)})


RELEASED_FAULTS = {
    "llm cut": (cut("llm.pt"), r"llm\.pt is damaged or cut short"),
    "flow cut": (cut("flow.pt"), r"flow\.pt is damaged or cut short"),
    "wavtokenizer cut": (cut("wavtokenizer/model.pt"), r"wavtokenizer/model\.pt is damaged"),
    "codec cut": (cut("music_tokenizer/model.pt"), r"music_tokenizer/model\.pt is damaged"),
    "llm empty": (lambda root: (root / "llm.pt").write_bytes(b""), r"llm\.pt is damaged"),
    "llm a web page": (lambda root: (root / "llm.pt").write_text("<html></html>"), r"llm\.pt holds no tensors; it is"),
    "llm a list": (lambda root: torch.save([1, 2], root / "llm.pt"), r"llm\.pt holds a list"),
    "llm without tensors": (lambda root: torch.save({"epoch": 1}, root / "llm.pt"), r"llm\.pt holds no tensors"),
    "no llm": (without("llm.pt"), "neither model.json nor llm.pt"),
    "no yaml": (without("inspiremusic.yaml"), r"missing file: .*inspiremusic\.yaml"),
    "no config": (without("config.json"), r"missing file: .*config\.json"),
    "no tokenizer": (without("tokenizer.json"), r"missing files: .*vocab\.json, .*merges\.txt"),
    "no wavtokenizer": (without("wavtokenizer/model.pt"), r"missing file: .*wavtokenizer/model\.pt"),
    "no codec": (without("music_tokenizer/model.pt"), r"missing file: .*music_tokenizer/model\.pt"),
    "key missing": (tensors("flow.pt", dropped("input_embedding.weight")), r"flow\.pt .*1 missing.*input_embedding\.weight"),
    "sized key missing": (tensors("llm.pt", dropped("text_embedding.weight")), r"llm\.pt lacks text_embedding\.weight"),
    "key unknown": (tensors("llm.pt", reshaped("llm.more", 2)), r"llm\.pt .*1 unknown.*llm\.more"),
    "key of another shape": (tensors("llm.pt", reshaped("llm_decoder.bias", 9)), r"llm\.pt .*bias is \[9\] instead of \[257\]"),
    "section missing": (tensors("music_tokenizer/model.pt", dropped("quantizer")), r"music_tokenizer/model\.pt .*'quantizer'"),
    "no state_dict": (tensors("wavtokenizer/model.pt", dropped("state_dict")), r"wavtokenizer/model\.pt .*'state_dict'"),
    "another llm's config": (text("config.json", '"hidden_size": 64', '"hidden_size": 32'), r"llm\.pt .*of another shape"),
    "fewer layers": (text("config.json", '"num_hidden_layers": 3', '"num_hidden_layers": 2'), r"llm\.pt .*12 unknown"),
    "odd heads": (text("config.json", '"num_key_value_heads": 2', '"num_key_value_heads": 2.5'), "no LanguageModel can be built"),
    "not Qwen": (text("config.json", "qwen2", "llama"), r"config\.json: model_type is 'llama'"),
    "no rope": (text("config.json", "rope_theta", "rope"), r"config\.json lacks rope_theta"),
    "another flow's tokens": (tensors("flow.pt", reshaped("input_embedding.weight", 128, 32)), r"flow\.pt .*of another shape"),
    "flow of another vocabulary": (
        lambda root: (
            tensors("flow.pt", reshaped("input_embedding.weight", 128, 32))(root),
            text("inspiremusic.yaml", "vocab_size: 256", "vocab_size: 128")(root),
        ),
        r"flow\.pt is for 128 audio tokens, but .*llm\.pt for 256",
    ),
    "odd rate": (text("inspiremusic.yaml", "target_sample_rate: 48000", "target_sample_rate: 44100"), "137.812 latents a second"),
    "a word for a size": (text("inspiremusic.yaml", "num_heads: 2", "num_heads: two"), r"num_heads is 'two'"),
    "broken yaml": (text("inspiremusic.yaml", "flow: !new", "flow: [!new"), r"inspiremusic\.yaml is not valid YAML"),
    "yaml of text": (lambda root: (root / "inspiremusic.yaml").write_text("hello"), r"inspiremusic\.yaml holds a str"),
    "broken json": (cut("config.json"), r"config\.json is not valid JSON"),
    "not utf-8": (lambda root: (root / "config.json").write_bytes(b'{"a": "\xff"}'), r"config\.json is not valid JSON"),
    "another resblock": (text("music_tokenizer/config.json", '"resblock": "1"', '"resblock": "2"'), "resblock is '2'"),
}


@pytest.mark.parametrize("fault", RELEASED_FAULTS)
def test_a_broken_release_says_what_is_wrong(release, fault):
    damage, message = RELEASED_FAULTS[fault]
    damage(release)
    with pytest.raises(ModelError, match=message) as caught:
        load_checkpoint(release)
    assert len(str(caught.value)) < 700 and "\n" not in str(caught.value)


class Payload:
    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("file", ["llm.pt", "flow.pt", "wavtokenizer/model.pt", "music_tokenizer/model.pt"])
@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_a_malicious_pickle_does_not_run(release, tmp_path, file, kind):
    marker = tmp_path / "executed"
    content = {"state_dict": Payload(marker), "text_embedding.weight": Payload(marker)}
    if kind == "torch":
        torch.save(content, release / file)
    else:
        (release / file).write_bytes(pickle.dumps(content, protocol=2))  # as torch used to
    with pytest.raises(ModelError, match=rf"{file} asks for \w+\.mkdir, which is not allowed"):
        load_checkpoint(release)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Payload(marker)))
    assert marker.exists()  # the payload was a live one


def test_a_malicious_yaml_does_not_run(release, tmp_path):
    marker = tmp_path / "executed"
    hostile = f"""
a: !apply:os.mkdir ["{marker}"]
b: !new:os.mkdir
    path: "{marker}"
c: !!python/object/apply:os.mkdir ["{marker}"]
d: !!python/object/new:os.mkdir [["{marker}"]]
e: !name:os.mkdir
f: !module:os
"""
    with (release / "inspiremusic.yaml").open("a") as file:
        file.write(hostile)
    with (release / "wavtokenizer/config.yaml").open("a") as file:
        file.write(hostile)
    model = load_checkpoint(release)
    assert not marker.exists()
    assert model.config.flow.attention_heads == 2  # and the rest was read
