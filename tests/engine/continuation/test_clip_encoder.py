"""Audio → tokens as the language model met them: levels, stretch, whole blocks, loops."""

import numpy as np
import pytest

from engine.checkpoints.checkpoint import load_checkpoint
from engine.continuation.clip_encoder import ClipEncoder
from engine.music.level import rms_db
from tests import synthetic
from tests.tiny_model import write_tiny_model

RATE, HOP, BLOCK = 24_000, 480, 960


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(write_tiny_model(tmp_path_factory.mktemp("tiny") / "model", level_db=-18.0))


@pytest.fixture(scope="module")
def encoder(checkpoint):
    return ClipEncoder(checkpoint)


@pytest.fixture
def encoded(checkpoint, monkeypatch):
    """What the codec was given, call by call."""
    seen, encode = [], checkpoint.wavtokenizer.encode
    monkeypatch.setattr(checkpoint.wavtokenizer, "encode", lambda audio: seen.append(audio[0].numpy()) or encode(audio))
    return seen


@pytest.mark.parametrize(("from_end", "kept"), [(False, slice(0, -700)), (True, slice(700, None))])
def test_odd_samples_are_cut_at_one_end(encoder, encoded, from_end, kept):
    audio = synthetic.noise(20 * BLOCK / RATE + 700 / RATE, RATE).astype(np.float32)[: 20 * BLOCK + 700]
    tokens = encoder.encode(audio, from_end=from_end)
    assert tokens.dtype == np.int16 and len(tokens) == 40
    np.testing.assert_array_equal(encoded[0], audio[kept])


@pytest.mark.parametrize(("stretch", "tokens"), [(1.0, 100), (1.01, 100), (0.99, 98)])
def test_a_stretched_recording_has_more_tokens(encoder, stretch, tokens):
    assert len(encoder.encode(synthetic.noise(2.0, RATE).astype(np.float32), stretch=stretch)) == tokens


@pytest.mark.parametrize("gain", [0.05, 1.0])
def test_the_end_of_a_clip_is_encoded_at_the_models_level(encoder, encoded, gain):
    tokens = encoder.encode_end(gain * synthetic.noise(4.0, RATE).astype(np.float32), 1.0)
    assert len(tokens) == 50 and rms_db(encoded[0][: 50 * HOP]) == pytest.approx(-18.0, abs=0.01)


def test_a_loop_is_encoded_as_often_as_it_takes(encoder, encoded):
    loop = synthetic.noise(1.0, RATE).astype(np.float32)[:RATE]
    assert len(encoder.encode_end(loop, 3.0)) == 50
    assert len(encoder.encode_end(loop, 3.0, looped=True)) == 150
    np.testing.assert_allclose(encoded[1][100 : RATE - 100], encoded[1][RATE + 100 : 2 * RATE - 100], atol=1e-5)


def test_a_model_without_a_level_takes_audio_as_it_is(tmp_path):
    encoder = ClipEncoder(load_checkpoint(write_tiny_model(tmp_path / "model")))
    audio = synthetic.noise(1.0, RATE).astype(np.float32)
    assert encoder.at_model_level(audio) is audio
