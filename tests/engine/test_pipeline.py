"""Requests through the real engine at tiny size: lengths, chunks, seeds, cancel, continuation."""

import numpy as np
import pytest
import soundfile
import soxr

from engine.api import AudioChunk, Finished, GenerationRequest, ModelError, Progress, RequestError
from engine.pipeline import Pipeline
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture(scope="module")
def engine():
    return Pipeline("cpu")


def run(engine, model, cancelled=lambda: False, **request):
    events = list(engine.generate(GenerationRequest(model=model, **request), cancelled))
    chunks = [e for e in events if isinstance(e, AudioChunk)]
    assert isinstance(events[-1], Finished) and sum(isinstance(e, Finished) for e in events) == 1
    for before, after in zip(chunks, chunks[1:], strict=False):
        assert after.index == before.index + 1 and after.start_frame == before.start_frame + len(before.samples)
    audio = np.concatenate([c.samples for c in chunks]) if chunks else np.zeros((0, 1), np.float32)
    assert events[-1].frames == len(audio)
    return audio, events[-1], chunks, [e for e in events if isinstance(e, Progress)]


@pytest.mark.parametrize(("decode", "rate"), [("full", 48_000), ("fast", 24_000)])
def test_bars_last_exactly_as_many_frames_as_they_should(engine, model, decode, rate):
    audio, end, chunks, progress = run(engine, model, prompt="dub techno", bars=2, bpm=124, decode=decode, seed=1)
    assert end.samplerate == rate and len(audio) == round(2 * 4 * 60 / 124 * rate)
    assert len(chunks) >= 3 and progress[-1].phase == "generating"
    assert audio.dtype == np.float32 and np.isfinite(audio).all() and np.abs(audio).max() < 1


@pytest.mark.parametrize("decode", ["full", "fast"])
def test_odd_tempo_and_metre_still_give_exact_frames(engine, model, decode):
    """7 bars of 3/4 at 123.7 bpm last 10.1859… s: no whole number of frames or tokens."""
    audio, end, *_ = run(engine, model, prompt="waltz", bars=7, beats_per_bar=3, bpm=123.7, decode=decode, seed=1)
    assert len(audio) == {"full": 488_925, "fast": 244_462}[decode] and not end.cancelled


@pytest.mark.parametrize("decode", ["full", "fast"])
def test_the_shortest_piece(engine, model, decode):
    audio, end, chunks, _ = run(engine, model, prompt="dub", duration_s=0.5, decode=decode, seed=1)
    assert len(audio) == end.samplerate // 2 and len(chunks) == 1 and np.abs(audio[-1]).max() < 1e-3


def test_first_chunk_comes_before_the_last_token(engine, model):
    """Streaming: when the first chunk is handed out, most tokens have not been sampled yet."""
    asked = []
    request = GenerationRequest(prompt="x", duration_s=8, model=model, seed=1, decode="fast")
    events = engine.generate(request, lambda: bool(asked.append(1)))
    next(event for event in events if isinstance(event, AudioChunk))
    assert len(asked) < 100 < 8 * 50


@pytest.mark.parametrize("decode", ["full", "fast"])
def test_same_seed_same_audio_other_seed_other_audio(engine, model, decode):
    first, again, other = (run(engine, model, prompt="dub", duration_s=1.5, decode=decode, seed=s)[0] for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_drawn_seed_is_reported_and_makes_it_again(engine, model):
    audio, end, *_ = run(engine, model, prompt="dub", duration_s=1.0, decode="fast")
    again, *_ = run(engine, model, prompt="dub", duration_s=1.0, decode="fast", seed=end.facts["seed"])
    np.testing.assert_array_equal(audio, again)


def test_longer_than_the_trained_length_goes_on(engine, model):
    audio, end, *_ = run(engine, model, prompt="dub", duration_s=12, decode="fast", seed=1)  # 600 tokens; it looks back on 200
    assert len(audio) == 12 * 24_000 and not end.cancelled


def test_cancel_keeps_what_was_made(engine, model):
    calls = []

    def cancelled():
        return calls.append(1) or len(calls) > 150

    audio, end, *_ = run(engine, model, cancelled, prompt="dub", duration_s=20, decode="fast", seed=1)
    assert end.cancelled and 0 < len(audio) < 5 * 24_000


@pytest.fixture
def loop(tmp_path):
    """Two seconds of decaying noise bursts in stereo at 44.1 kHz."""
    rng = np.random.default_rng(0)
    envelope = np.exp(-(np.arange(88_200) % 22_050) / 4_000)
    audio = 0.3 * rng.standard_normal((88_200, 2)) * envelope[:, None]
    soundfile.write(tmp_path / "loop.wav", audio, 44_100, subtype="FLOAT")
    return tmp_path / "loop.wav"


def test_continuation_repeats_the_source_then_goes_on_at_its_level(engine, model, loop):
    audio, end, *_ = run(engine, model, clip=str(loop), duration_s=2.0, decode="full", seed=1)
    assert audio.shape == (4 * 48_000, 2)
    source = soxr.resample(soundfile.read(loop, dtype="float32")[0], 44_100, 48_000, "VHQ")
    untouched = 2 * 48_000 - 1_440  # the last 30 ms are cross-faded
    np.testing.assert_allclose(audio[:untouched], source[:untouched], atol=1e-6)
    assert {"join_level_db", "join_click_db"} <= set(end.facts) and end.facts["join_click_db"] < 6
    assert end.facts["new_s"] == 2.0


def test_a_long_source_goes_out_in_pieces(engine, model, tmp_path):
    """One message of a 20-minute clip would be half a gigabyte."""
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "long.wav", 0.1 * rng.standard_normal(24 * 24_000), 24_000)
    audio, _, chunks, _ = run(engine, model, clip=str(tmp_path / "long.wav"), duration_s=1.0, decode="fast", seed=1)
    assert len(audio) == 25 * 24_000 and max(chunk.duration_s for chunk in chunks) <= 10


def test_continuation_alone_has_only_the_new_part(engine, model, loop):
    audio, *_ = run(engine, model, clip=str(loop), duration_s=1.5, join="new", from_s=1.2, decode="full", seed=1)
    assert audio.shape == (72_000, 2)


def test_guidance_off_works_and_differs(engine, model):
    takes = (run(engine, model, prompt="dub", duration_s=1, decode="fast", seed=1, guidance=g)[0] for g in (3.0, 1.0))
    with_guidance, without = takes
    assert not np.array_equal(with_guidance, without)


def test_no_flow_no_full_path(engine, tmp_path):
    small = str(write_tiny_model(tmp_path / "fast_only", flow=False))
    with pytest.raises(RequestError, match="decode to fast"):
        run(engine, small, prompt="dub", duration_s=1)
    run(engine, small, prompt="dub", duration_s=1, decode="fast")


def test_unknown_model_says_which_there_are(engine):
    with pytest.raises(ModelError, match="no model"):
        run(engine, "no-such-model", prompt="dub")


def test_a_model_that_cannot_be_loaded_does_not_break_the_engine(engine, model):
    with pytest.raises(ModelError):
        engine.load("no-such-model")
    run(engine, model, prompt="dub", duration_s=0.5, decode="fast", seed=1)
