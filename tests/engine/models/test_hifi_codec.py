"""HiFi-Codec against the reference's numbers, the released keys, and its own promises."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.config import HiFiCodecConfig, SpectralConfig
from engine.models.hifi_codec import HiFiCodec

GOLDEN = Path(__file__).parents[2] / "golden"
TOLERANCE = 1e-4  # hificodec.json
GOLDEN_CONFIG = HiFiCodecConfig(sampling_rate=24_000, upsample_initial_channel=32, n_codes=16)
RELEASED_KIND = HiFiCodecConfig(
    upsample_initial_channel=32, resblock_kernel_sizes=(3, 7), resblock_dilation_sizes=((1, 3), (1, 3)), encoder_channels=4,
    latent_dim=16, n_codes=8,
)  # fmt: skip
OURS = HiFiCodecConfig(
    upsample_rates=(8, 5, 4, 3), upsample_initial_channel=32, latent_dim=16, n_codes=8, spectral=SpectralConfig(blocks=4)
)


@pytest.fixture(scope="module")
def golden():
    codec = HiFiCodec(GOLDEN_CONFIG).eval()
    missing, unexpected = codec.load_state_dict(load_file(GOLDEN / "hificodec.weights.safetensors"), strict=False)
    assert not unexpected
    assert {key.split(".")[0] for key in missing} == {"encoder"}  # the golden data has no encoder
    return codec, load_file(GOLDEN / "hificodec.io.safetensors")


@torch.inference_mode()
def test_golden_decode(golden):
    codec, io = golden
    torch.testing.assert_close(codec.decode_features(io["latent"]), io["wav_from_latent"][:, 0], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(codec.embed(io["codes"]), io["embed"], atol=TOLERANCE, rtol=0)
    decoded = codec.decode_features(codec.embed(io["codes"]))
    torch.testing.assert_close(decoded, io["wav_from_codes"][:, 0], atol=TOLERANCE, rtol=0)


@torch.inference_mode()
def test_golden_quantize(golden):
    codec, io = golden
    codes, quantized = codec.quantize(io["latent"])
    assert torch.equal(codes, io["quantizer_codes"])
    torch.testing.assert_close(quantized, io["quantized"], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(codec.embed(codes), quantized, atol=1e-6, rtol=0)


def test_keys_and_shapes_are_the_released_ones():
    manifest = json.loads((GOLDEN / "manifests/music_tokenizer_model_pt.json").read_text())["tensors"]
    with torch.device("meta"):
        state = HiFiCodec(HiFiCodecConfig()).state_dict()
    ours = {key.replace(".", "/", 1): list(tensor.shape) for key, tensor in state.items()}
    assert ours == {key: shape for key, (shape, _) in manifest.items()}


BOTH_KINDS = pytest.mark.parametrize("config", [RELEASED_KIND, OURS], ids=["released", "ours"])


@BOTH_KINDS
@torch.inference_mode()
def test_a_window_with_context_decodes_as_the_whole(config):
    torch.manual_seed(0)
    codec = HiFiCodec(config).eval()
    context, hop = codec.context, codec.hop_length
    latents = torch.randn(2, config.latent_dim, 3 * context + 7)
    whole = codec.decode_features(latents)
    start, stop = context + 3, context + 6
    window, wrong = (
        codec.decode_features(latents[..., start - context : stop + context], first)[..., context * hop : -context * hop]
        for first in (start - context, 0)
    )
    torch.testing.assert_close(window, whole[..., start * hop : stop * hop], atol=1e-5, rtol=0)
    assert torch.equal(wrong, window) == (config is RELEASED_KIND)  # only tones and noise know where in the piece they are


@BOTH_KINDS
def test_the_context_is_all_a_frame_depends_on(config):
    torch.manual_seed(0)
    codec = HiFiCodec(config)
    context, hop = codec.context, codec.hop_length
    frame = 2 * context
    latents = torch.randn(1, config.latent_dim, 4 * context + 1, requires_grad=True)
    codec.decode_features(latents)[0, frame * hop : (frame + 1) * hop].square().sum().backward()
    measured = latents.grad.abs().sum(dim=(0, 1)).nonzero()[:, 0] - frame
    assert context - 1 <= measured.abs().max() <= context


@BOTH_KINDS
@torch.inference_mode()
def test_lengths_and_folding(config):
    codec = HiFiCodec(config).eval()
    hop = config.hop_length
    for samples, frames in ((1, 1), (hop, 1), (hop + 1, 2), (5 * hop, 5)):
        clip = torch.randn(2, samples)
        features = codec.encode_features(clip)
        assert features.shape == (2, config.latent_dim, frames)
        codes, quantized = codec.quantize(features)
        assert codes.shape == (2, frames, config.n_code_groups * config.n_residual_levels)
        audio = codec.decode_features(quantized)
        assert audio.shape == (2, frames * hop)
    assert any(key.endswith("weight_g") for key in codec.state_dict())
    codec.fold()
    assert not any(key.endswith("weight_g") for key in codec.state_dict())
    torch.testing.assert_close(codec.decode_features(quantized), audio, atol=1e-5, rtol=0)
    torch.testing.assert_close(codec.encode_features(clip), features, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_the_first_half_of_the_latent_is_harmony_the_other_rhythm():
    torch.manual_seed(0)
    codec, half = HiFiCodec(OURS).eval(), OURS.latent_dim // 2
    audio = torch.randn(1, 5 * OURS.hop_length)
    harmony, rhythm = codec.encoder.towers(audio)
    latents = codec.encode_features(audio)
    assert torch.equal(latents[:, :half], harmony) and torch.equal(latents[:, half:], rhythm)


@pytest.mark.parametrize("rates", [(8, 5, 4, 3), (8, 5, 6, 4)], ids=["10 ms", "20 ms"])
@torch.inference_mode()
def test_ours_at_either_latent_rate(rates):
    config = dataclasses.replace(OURS, upsample_rates=rates)
    codec, hop = HiFiCodec(config).eval(), math.prod(rates)
    for samples, frames in ((1, 1), (7 * hop, 7), (7 * hop + 1, 8)):
        latents = codec.encode_features(torch.randn(1, samples))
        assert latents.shape == (1, config.latent_dim, frames) and codec.decode_features(latents).shape == (1, frames * hop)


def test_quantizer_levels_refine():
    torch.manual_seed(0)
    codec = HiFiCodec(dataclasses.replace(OURS, n_codes=64))
    features = torch.randn(1, OURS.latent_dim, 50)
    codes, quantized = codec.quantize(features)
    first = torch.cat([book.embedding(codes[..., i]) for i, book in enumerate(codec.quantizer.levels[0])], -1).transpose(1, 2)
    assert (features - quantized).square().mean() < (features - first).square().mean() < features.square().mean()


def test_training_reaches_every_parameter():
    torch.manual_seed(0)
    codec = HiFiCodec(OURS)
    with torch.autocast("cpu", torch.bfloat16):
        features = codec.encode_features(torch.randn(1, 8 * OURS.hop_length))
        audio = codec.decode_features(features + (codec.quantize(features)[1] - features).detach())
    assert audio.dtype == torch.float32
    audio.square().mean().backward()
    without = [name for name, p in codec.named_parameters() if p.grad is None and not name.startswith("quantizer.")]
    assert not without
    assert all(p.grad.isfinite().all() for p in codec.parameters() if p.grad is not None)
