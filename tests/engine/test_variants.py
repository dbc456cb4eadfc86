"""The eight published variants, each from files in the released layout: from words, and from a clip, to audio."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from engine.api import RequestError
from engine.checkpoints.published import PUBLISHED
from tests.engine.conftest import run
from tests.released import configs, write_released


@pytest.fixture(scope="module", params=PUBLISHED)
def variant(request):
    return PUBLISHED[request.param]


@pytest.fixture(scope="module")
def released(variant, tmp_path_factory):
    return str(write_released(tmp_path_factory.mktemp("released") / variant.name, variant))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, (3 * 44_100, 2)).astype(np.float32)
    soundfile.write(path, noise, 44_100, subtype="FLOAT")
    return str(path)


def best(variant):
    return "full" if variant.has_flow else "fast"


def test_text_to_music(engine, variant, released):
    audio, end, chunks, _ = run(engine, released, prompt="bossa nova, piano", duration_s=1.5, seed=1, decode=best(variant))
    assert end.samplerate == variant.samplerate and len(audio) == round(1.5 * variant.samplerate) and len(chunks) > 1
    assert np.isfinite(audio).all() and np.abs(audio).max() > 1e-4
    assert end.report.model.model == variant.name
    assert end.report.model.samplerate_full == (variant.samplerate if variant.has_flow else 0)
    assert (end.report.guidance, end.report.top_k, end.report.temperature) == (3.0, 350, 1.0)  # as the paper recommends
    again, *_ = run(engine, released, prompt="bossa nova, piano", duration_s=1.5, seed=1, decode=best(variant))
    np.testing.assert_array_equal(audio, again)


def test_continuation(engine, variant, released, clip):
    decode = best(variant)
    audio, end, *_ = run(engine, released, prompt="", clip=clip, duration_s=1.0, seed=1, decode=decode, timbre="model")
    assert audio.shape == (4 * variant.samplerate, 2) and end.report.variations[0].clip_s == 3.0
    assert np.abs(audio[-variant.samplerate // 2 :]).max() > 1e-4


@pytest.mark.parametrize("timbre", ["clip", "model"])
def test_fill(engine, variant, released, clip, timbre):
    """Judged by the variant's own tokens of what follows, 75 a second."""
    asked = {"clip": clip, "from_s": 1.2, "to_s": 2.0, "seed": 1, "candidates": 2, "decode": best(variant), "timbre": timbre}
    audio, end, *_ = run(engine, released, **asked)
    assert audio.shape == (round(2.0 * 44_100) - round(1.2 * 44_100), 2) and end.samplerate == 44_100
    first, second = end.report.candidates
    assert first.score >= second.score and first.likelihood != second.likelihood and first.likelihood < 0
    assert np.isfinite(audio).all() and np.abs(audio).max() > 1e-4


def test_a_variant_without_flow_says_so(engine, variant, released):
    if variant.has_flow:
        _, end, *_ = run(engine, released, prompt="x", duration_s=0.5, decode="fast")
        assert end.samplerate == 24_000
    else:
        with pytest.raises(RequestError, match="has no flow matching, so no full path: set decode to fast"):
            run(engine, released, prompt="x", duration_s=0.5)


def test_full_size_shapes_are_those_of_the_published_tensors(variant):
    language_model, _, flow, codec = configs(variant, tiny=False)
    assert language_model.hidden_size == {"0.5B": 896, "1.5B": 1536}[variant.size]
    assert flow.frames_per_token * 75 == codec.frame_rate == variant.samplerate / 320
