"""The insides of the embedded codecs: what their frames are, how far they look, and that whitening changes no sound."""

import dataclasses

import pytest
import torch

from engine.models.sketch.codec import FrameGenerator, LatentEncoder, TokenEncoder
from tests.tiny_model import TINY

TOKENS, LATENTS = TINY.wavtokenizer, dataclasses.replace(TINY.hifi_codec, latent_dim=8)
SPECTRAL = LATENTS.spectral


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


def test_the_token_encoders_frames_are_harmony_and_rhythm_by_turns():
    encoder = TokenEncoder(TOKENS, TOKENS.spectral)
    pairs, step = 6, 2 * TOKENS.hop_length
    audio = 0.1 * torch.randn(1, pairs * step)
    vectors = encoder(audio)
    assert vectors.shape == (1, TOKENS.dimension, 2 * pairs)
    harmony, rhythm = encoder.towers(audio)
    assert torch.equal(vectors[..., 0::2], harmony) and torch.equal(vectors[..., 1::2], rhythm)


def test_the_latent_encoder_gives_each_half_of_the_channels():
    encoder = LatentEncoder(LATENTS, SPECTRAL)
    audio = 0.1 * torch.randn(1, 5 * LATENTS.hop_length)
    latents = encoder(audio)
    assert latents.shape == (1, 8, 5)
    harmony, rhythm = encoder.towers(audio)
    assert torch.equal(latents, torch.cat([harmony, rhythm], dim=1))


def test_whitened_latents_have_the_mean_and_deviation_that_were_taken_out():
    encoder, mean, deviation = LatentEncoder(LATENTS, SPECTRAL), torch.randn(8), torch.rand(8) + 0.5
    audio = 0.1 * torch.randn(1, 5 * LATENTS.hop_length)
    before = encoder(audio)
    encoder.whiten(mean, deviation)
    torch.testing.assert_close(encoder(audio), (before - mean[:, None]) / deviation[:, None], atol=1e-5, rtol=0)


def test_a_whitened_generator_plays_whitened_latents_as_it_played_others():
    """Inside: at the edges it reads zeros, which stand for another value then."""
    generator, mean, deviation = FrameGenerator(LATENTS, SPECTRAL).eval(), torch.randn(8), torch.rand(8) + 0.5
    frames = 2 * generator.context + 3
    latents = torch.randn(1, 8, frames)
    inside = slice(generator.context * LATENTS.hop_length, (frames - generator.context) * LATENTS.hop_length)
    before = generator(latents)[:, inside]
    assert before.abs().max() > 1e-4
    generator.whiten(mean, deviation)
    after = generator((latents - mean[:, None]) / deviation[:, None])[:, inside]
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-3)


def test_a_frame_depends_on_its_context_and_no_further():
    generator = FrameGenerator(LATENTS, SPECTRAL).eval()
    frames, hop, at = 2 * generator.context + 4, LATENTS.hop_length, generator.context + 1
    latents = torch.randn(1, 8, frames)
    changed = latents.clone()
    changed[..., 0] += 1
    change = (generator(changed) - generator(latents)).abs().view(frames, hop).amax(1)
    assert change[0] > 1e-5 and change[at:].max() < 1e-6
