"""Runs become a model directory: latents are whitened, and only codecs that can be trained are packed."""

import copy
import dataclasses

import pytest
import torch

from engine.config import HiFiCodecConfig
from engine.models.hifi_codec import HiFiCodec
from engine.training.codec import CodecTrainer
from engine.training.pack import flow_config, hifi_config, whiten
from tests.tiny_model import TINY


def test_whitening_changes_the_latents_and_not_the_sound_of_codes():
    torch.manual_seed(0)
    plain = HiFiCodec(TINY.hifi_codec).eval()
    audio = torch.randn(1, 48_000)
    with torch.no_grad():
        CodecTrainer(plain).train().loss(audio)  # its first batch gives the codes
        white = copy.deepcopy(plain)
        codes, latents = plain.quantize(plain.encode_features(audio))
        whiten(white, latents)
        edge = 30 * plain.config.hop_length  # beyond the ends lie zeros, and zero means another latent than before
        sound, expected = (codec.decode_features(codec.embed(codes))[:, edge:-edge] for codec in (white, plain))
        torch.testing.assert_close(sound, expected, atol=1e-4, rtol=1e-3)
        mean, deviation = latents.mean((0, 2))[:, None], latents.std((0, 2))[:, None]
        features, expected = white.encode_features(audio), (plain.encode_features(audio) - mean) / deviation
        torch.testing.assert_close(features, expected, atol=1e-3, rtol=1e-3)
        embedded = white.embed(codes)
    assert embedded.mean((0, 2)).abs().max() < 1e-3 and (embedded.std((0, 2)) - 1).abs().max() < 1e-3


def test_a_released_codec_is_not_whitened_and_trained_without_a_loss_on_tones():
    released = HiFiCodec(
        HiFiCodecConfig(upsample_initial_channel=32, latent_dim=16, n_codes=8, encoder_channels=2, upsample_rates=(4, 2),
                        upsample_kernel_sizes=(8, 4))
    )  # fmt: skip
    with pytest.raises(TypeError, match="spectral configuration"):
        whiten(released, torch.randn(1, 16, 4))
    trainer = CodecTrainer(released)
    assert trainer.tone_loss is None and {"loss"} <= trainer.loss(0.1 * torch.randn(2, 64)).keys()


def test_a_configuration_without_the_full_path_is_one_error():
    fast_only = dataclasses.replace(TINY, flow=None, hifi_codec=None)
    for part_of in (hifi_config, flow_config):
        with pytest.raises(ValueError, match="both codecs and a flow"):
            part_of(fast_only)
