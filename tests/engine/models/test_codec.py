"""Both codecs, as released and as `sketch` has them, do what `AudioCodec` says: one protocol, no question of kind."""

import dataclasses

import pytest
import torch

from engine.config import HiFiCodecConfig, ModelConfig, SpectralConfig, from_mapping, to_mapping
from engine.models.codec import AudioCodec
from engine.models.hifi_codec import HiFiCodec
from engine.models.wavtokenizer import WavTokenizer
from tests.tiny_model import TINY

RELEASED_TOKENS = dataclasses.replace(TINY.wavtokenizer, spectral=None, n_filters=4, lstm_layers=1)
RELEASED_LATENTS = HiFiCodecConfig(
    upsample_rates=(4, 3), upsample_kernel_sizes=(8, 5), upsample_initial_channel=16, encoder_channels=4, latent_dim=16, n_codes=8
)
CODECS = {
    "tokens released": lambda: WavTokenizer(RELEASED_TOKENS),
    "tokens sketch": lambda: WavTokenizer(TINY.wavtokenizer),
    "latents released": lambda: HiFiCodec(RELEASED_LATENTS),
    "latents sketch": lambda: HiFiCodec(TINY.hifi_codec),
}


@pytest.mark.parametrize("kind", CODECS)
@torch.inference_mode()
def test_audio_through_features_and_codes_and_back(kind):
    torch.manual_seed(0)
    codec: AudioCodec = CODECS[kind]().eval()
    assert codec.frame_rate == codec.samplerate / codec.hop_length
    frames = 4 * codec.context
    features = codec.encode_features(torch.randn(2, frames * codec.hop_length))
    codes, vectors = codec.quantize(features)
    assert features.shape == vectors.shape and features.shape[-1] == codes.shape[1] == frames
    torch.testing.assert_close(codec.embed(codes), vectors, atol=1e-6, rtol=0)
    whole = codec.decode_features(vectors)
    assert whole.shape == (2, frames * codec.hop_length) and whole.dtype == torch.float32
    first = codec.context - 1
    window = codec.decode_features(vectors[..., first:], first)
    kept = codec.context * codec.hop_length
    torch.testing.assert_close(window[:, kept:], whole[:, first * codec.hop_length + kept :], atol=1e-5, rtol=0)


def test_model_json_keeps_its_keys():
    """Models written before the spectral codecs had a configuration of their own stay readable, and the other way round."""
    config = dataclasses.replace(TINY, wavtokenizer=dataclasses.replace(TINY.wavtokenizer, spectral=SpectralConfig(1, 8)))
    values = to_mapping(config)
    assert (values["wavtokenizer"]["encoder_blocks"], values["wavtokenizer"]["noise_steps"]) == (1, 8)
    assert values["hifi_codec"]["frame_blocks"] == 2 and "spectral" not in values["hifi_codec"]
    assert from_mapping(ModelConfig, values, "model.json") == config
    del values["wavtokenizer"]["highest_tone"], values["hifi_codec"]["highest_tone"]  # younger than the other two
    assert from_mapping(ModelConfig, values, "model.json") == config
    own = dataclasses.replace(TINY.hifi_codec, spectral=SpectralConfig(2, 8, 11_400.0))
    high = dataclasses.replace(TINY, hifi_codec=own)
    assert to_mapping(high)["hifi_codec"]["highest_tone"] == 11_400.0
    assert from_mapping(ModelConfig, to_mapping(high), "model.json") == high
    released = dataclasses.replace(TINY, hifi_codec=RELEASED_LATENTS)
    assert from_mapping(ModelConfig, to_mapping(released), "model.json") == released
    values["hifi_codec"] |= {"frame_blocks": 0, "noise_steps": 4}
    assert from_mapping(ModelConfig, values, "model.json").hifi_codec.spectral is None
