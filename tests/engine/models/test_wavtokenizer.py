"""WavTokenizer against the reference's numbers, the released keys, and its own promises."""

import dataclasses
import json
import math
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.config import SpectralConfig, WavTokenizerConfig
from engine.models.wavtokenizer import IGNORED_KEYS, WavTokenizer, nearest

GOLDEN = Path(__file__).parents[2] / "golden"
TOLERANCE = 2e-4  # wavtokenizer.json
GOLDEN_CONFIG = WavTokenizerConfig(n_filters=4, dimension=32, codebook_size=64, dim=64, intermediate_dim=128, num_layers=2)
LOCAL = dataclasses.replace(GOLDEN_CONFIG, ratios=(5, 4, 2), pos_net=False, num_layers=3)
OURS = dataclasses.replace(LOCAL, ratios=(6, 5, 4, 4), spectral=SpectralConfig(blocks=2), adanorm_num_embeddings=1)
BOTH_KINDS = pytest.mark.parametrize("config", [LOCAL, OURS], ids=["released", "ours"])


def ignored(key: str) -> bool:
    return any(re.fullmatch(pattern, key) for pattern, _ in IGNORED_KEYS)


def random_tokenizer(config: WavTokenizerConfig) -> WavTokenizer:
    torch.manual_seed(0)
    return WavTokenizer(config).eval()


@pytest.fixture(scope="module")
def golden():
    tokenizer = WavTokenizer(GOLDEN_CONFIG).eval()
    weights = load_file(GOLDEN / "wavtokenizer.weights.safetensors")
    tokenizer.load_state_dict({key: tensor for key, tensor in weights.items() if not ignored(key)})
    return tokenizer, load_file(GOLDEN / "wavtokenizer.io.safetensors")


@pytest.mark.parametrize("samples", [9600, 5003])  # 5003 does not fill its last frame
@torch.inference_mode()
def test_golden_encode(golden, samples):
    tokenizer, io = golden
    features = tokenizer.encode_features(io[f"audio_{samples}"])
    torch.testing.assert_close(features, io[f"encoder_out_{samples}"], atol=TOLERANCE, rtol=0)
    codes, quantized = tokenizer.quantize(features)
    assert torch.equal(codes, io[f"codes_{samples}"][0])
    assert torch.equal(codes, tokenizer.encode(io[f"audio_{samples}"]))
    torch.testing.assert_close(quantized, io[f"features_{samples}"], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("samples", [9600, 5003])
@torch.inference_mode()
def test_golden_decode(golden, samples):
    tokenizer, io = golden
    codes = io[f"codes_{samples}"][0]
    features = tokenizer.embed(codes)
    torch.testing.assert_close(features, io[f"codes_to_features_{samples}"], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(tokenizer.backbone(features), io[f"backbone_{samples}"], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(tokenizer.decode(codes), io[f"decoded_{samples}"], atol=TOLERANCE, rtol=0)


@torch.inference_mode()
def test_folded_weights_give_the_same_features(golden):
    tokenizer, io = WavTokenizer(GOLDEN_CONFIG).eval(), golden[1]
    tokenizer.load_state_dict(golden[0].state_dict())
    tokenizer.fold()
    tokenizer.fold()  # harmless the second time
    assert not any(key.endswith(("weight_g", "weight_v")) for key in tokenizer.state_dict())
    features = tokenizer.encode_features(io["audio_5003"])
    torch.testing.assert_close(features, io["encoder_out_5003"], atol=TOLERANCE, rtol=0)


def test_keys_and_shapes_are_the_released_ones():
    manifest = json.loads((GOLDEN / "manifests/wavtokenizer_model_pt.json").read_text())["tensors"]
    with torch.device("meta"):
        state = WavTokenizer(WavTokenizerConfig()).state_dict()
    released = {key: shape for key, (shape, _) in manifest.items() if not ignored(key)}
    assert {key: list(tensor.shape) for key, tensor in state.items()} == released


def test_only_keys_without_a_use_are_ignored():
    assert ignored("feature_extractor.encodec.decoder.model.0.conv.conv.bias")
    assert ignored("feature_extractor.encodec.quantizer.vq.layers.0._codebook.embed_avg")
    assert ignored("multiperioddisc.discriminators.0.convs.0.bias")  # the manifest leaves training's own keys out
    for key in ("backbone.embed.weights", "head.output.bias", "feature_extractor.encodec.encoder.model.99.bias"):
        assert not ignored(key), "an unknown key of the model itself must be reported, not dropped"


def test_two_towers_in_place_of_the_encoder():
    keys = random_tokenizer(OURS).state_dict().keys()
    assert not any("lstm" in key or "pos_net" in key or ".model." in key for key in keys)
    encoder = "feature_extractor.encodec.encoder"
    assert {f"{encoder}.{view}.blocks.1.dwconv.weight" for view in ("harmony", "rhythm")} <= keys
    assert (random_tokenizer(LOCAL).views, random_tokenizer(OURS).views) == (1, 2)


@pytest.mark.parametrize("ratios", [(5, 4, 2), (3, 3, 5)], ids=["even hop", "odd hop"])
@pytest.mark.parametrize("samples", [1, 2, 39, 40, 41, 333])
@torch.inference_mode()
def test_lengths(ratios, samples):
    config = dataclasses.replace(LOCAL, ratios=ratios)
    tokenizer, frames = random_tokenizer(config), math.ceil(samples / math.prod(ratios))
    codes = tokenizer.encode(torch.randn(2, samples))
    assert codes.shape == (2, frames) and codes.dtype == torch.int64
    assert tokenizer.decode(codes).shape == (2, frames * config.hop_length)


@pytest.mark.parametrize("ratios", [(6, 5, 4, 4), (5, 4, 4, 2)], ids=["20 ms", "7 ms"])
@pytest.mark.parametrize("turns", [1, 2, 5])
@torch.inference_mode()
def test_ours_encodes_whole_cycles(ratios, turns):
    config = dataclasses.replace(OURS, ratios=ratios)
    tokenizer, turn = random_tokenizer(config), 2 * math.prod(ratios)
    for samples in ((turns - 1) * turn + 1, turns * turn - config.hop_length, turns * turn):
        codes = tokenizer.encode(torch.randn(2, samples))
        assert codes.shape == (2, 2 * turns) and codes.dtype == torch.int64
        assert tokenizer.decode(codes).shape == (2, turns * turn)


@torch.inference_mode()
def test_harmony_and_rhythm_take_turns_each_in_its_half_of_the_codebook():
    tokenizer, half = random_tokenizer(OURS), OURS.codebook_size // 2
    audio = torch.randn(2, 20 * OURS.hop_length) * torch.linspace(0, 1, 20 * OURS.hop_length)
    features = tokenizer.encode_features(audio)
    harmony, rhythm = tokenizer.feature_extractor.encodec.encoder.towers(audio)
    assert torch.equal(features[..., ::2], harmony) and torch.equal(features[..., 1::2], rhythm)
    features *= 10  # an untrained tower says little: so that several codes are in use
    codes, quantized = tokenizer.quantize(features)
    assert (codes[:, ::2] < half).all() and (codes[:, 1::2] >= half).all()
    assert min(len(codes[:, ::2].unique()), len(codes[:, 1::2].unique())) > 1
    nearest = [torch.cdist(x.transpose(1, 2), book).argmin(-1) for x, book in
               ((features[..., ::2], tokenizer.codebook[:half]), (features[..., 1::2], tokenizer.codebook[half:]))]  # fmt: skip
    assert torch.equal(codes, torch.stack([nearest[0], nearest[1] + half], dim=-1).flatten(1))
    torch.testing.assert_close(quantized, tokenizer.codebook[codes].transpose(1, 2), atol=0, rtol=0)


def test_decoder_context_is_global_with_pos_net():
    assert random_tokenizer(GOLDEN_CONFIG).context is None


@BOTH_KINDS
@torch.inference_mode()
def test_a_window_with_context_decodes_as_the_whole(config):
    tokenizer, hop = random_tokenizer(config), config.hop_length
    context = tokenizer.context
    codes = torch.randint(config.codebook_size, (1, 90))
    whole = tokenizer.decode(codes)
    for start, end in ((0, 7), (3, 9), (40, 41), (60, 72), (85, 90)):
        first, last = max(start - context, 0), min(end + context, 90)
        window = tokenizer.decode(codes[:, first:last], first)[:, (start - first) * hop : (end - first) * hop]
        torch.testing.assert_close(window, whole[:, start * hop : end * hop], atol=1e-5, rtol=0)
    wrong = tokenizer.decode(codes[:, first:last], first + 1)[:, (start - first) * hop : (end - first) * hop]
    assert torch.equal(wrong, window) == (config is LOCAL)  # only tones and noise know where in the piece they are


@BOTH_KINDS
@torch.inference_mode()
def test_decoder_context_is_not_more_than_needed(config):
    tokenizer, hop = random_tokenizer(config), config.hop_length
    context = tokenizer.context
    features, at = torch.randn(1, config.dimension, 61), 30
    disturbed = features.clone()
    disturbed[..., at] += 100
    difference = (tokenizer.decode_features(disturbed) - tokenizer.decode_features(features)).abs()
    reached = difference.view(-1, hop).amax(1).nonzero().flatten()
    assert (reached.min(), reached.max()) == (at - context, at + context)


@BOTH_KINDS
def test_gradients_reach_every_parameter_under_autocast(config):
    tokenizer = random_tokenizer(config).train()
    audio = 0.1 * torch.randn(2, 40 * config.hop_length)
    with torch.autocast("cpu", torch.bfloat16):
        features = tokenizer.encode_features(audio)
        codes, quantized = tokenizer.quantize(features)
        decoded = tokenizer.decode_features(features + (quantized - features).detach())
    assert decoded.dtype == torch.float32 and not quantized.requires_grad
    assert torch.equal(codes, tokenizer.quantize(features)[0])
    (decoded - audio).square().mean().backward()
    assert [name for name, p in tokenizer.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize(("config", "expected"), [(LOCAL, [5, 63, 0]), (OURS, [5, 63, 0, 32])], ids=["released", "ours"])
@torch.inference_mode()
def test_quantize_finds_the_nearest_code(config, expected):
    tokenizer = random_tokenizer(config)
    features = tokenizer.codebook[expected].T[None] + 1e-3
    codes, quantized = tokenizer.quantize(features)
    assert codes.tolist() == [expected]
    torch.testing.assert_close(quantized, tokenizer.embed(codes), atol=0, rtol=0)


def test_the_nearest_code_is_that_by_differences_however_far_from_the_origin():
    """Codes that are 1e-3 apart at a distance of 100, where the squares in float32 err by 1e-3: by these alone half are wrong."""
    generator = torch.Generator().manual_seed(0)
    book = torch.randn(64, 16, generator=generator) + 25
    book[1::2] = book[::2] + 1e-3 * torch.randn(32, 16, generator=generator)
    points = (book + 1e-4 * torch.randn(64, 16, generator=generator))[None]
    exact = (points[0].double()[:, None] - book.double()).norm(dim=-1).argmin(-1)
    assert torch.equal(nearest(points, book)[0], exact)
    assert (book.square().sum(-1) - 2 * points[0] @ book.T).argmin(-1).ne(exact).sum() > 5
    assert torch.equal(nearest(points, book[:3])[0], (points[0].double()[:, None] - book[:3].double()).norm(dim=-1).argmin(-1))
