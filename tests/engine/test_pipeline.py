"""Requests through the real engine at tiny size: lengths, chunks, seeds, cancel, continuation."""


import numpy as np
import pytest
import soundfile
import soxr

from engine.api import ModelError, RequestError
from engine.models.generation import Decoder
from engine.music.level import rms_db
from tests import synthetic
from tests.engine.conftest import run, run_variations
from tests.tiny_model import write_tiny_model


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


@pytest.mark.parametrize("decode", ["full", "fast"])
def test_same_seed_same_audio_other_seed_other_audio(engine, model, decode):
    first, again, other = (run(engine, model, prompt="dub", duration_s=1.5, decode=decode, seed=s)[0] for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_drawn_seed_is_reported_and_makes_it_again(engine, model):
    audio, end, *_ = run(engine, model, prompt="dub", duration_s=1.0, decode="fast")
    again, *_ = run(engine, model, prompt="dub", duration_s=1.0, decode="fast", seed=end.report.seed)
    np.testing.assert_array_equal(audio, again)


def test_longer_than_the_trained_length_goes_on(engine, model):
    audio, end, *_ = run(engine, model, prompt="dub", duration_s=12, decode="fast", seed=1)  # 600 tokens; it looks back on 200
    assert len(audio) == 12 * 24_000 and not end.cancelled


def test_a_continuation_is_led_away_from_what_would_be_played_without_the_clip(engine, model, tmp_path, monkeypatch):
    """For as long as it goes on, as the clip stays in mind."""
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, synthetic.clicks(120, 4.0, rate=48_000), 48_000)
    engine.load(model)
    starts, start = [], Decoder.start

    def watched(self, condition, **how):
        starts.append((how["given"], how["audio_prompt"].shape[1], how["max_tokens"]))
        return start(self, condition, **how)

    monkeypatch.setattr(Decoder, "start", watched)
    run(engine, model, clip=str(clip), duration_s=12.0, decode="fast", seed=1)
    assert len(starts) > 2 and starts[0][0] == starts[0][1]
    assert all(50 <= given <= 100 and measured == 150 for given, measured, _ in starts[1:])
    assert sum(room for *_, room in starts) == 12 * 50


def test_a_loop_is_rendered_to_its_last_token_as_when_it_comes_round(engine, model, loop, monkeypatch):
    """And not as it ends: silence after it would show in its last tokens, and be continued."""
    engine.load(model)
    measured, start = [], Decoder.start

    def watched(self, condition, **how):
        measured.append(how["audio_prompt"][0].tolist())
        return start(self, condition, **how)

    monkeypatch.setattr(Decoder, "start", watched)
    run(engine, model, clip=str(loop), bpm=120, duration_s=0.5, decode="fast", seed=1)
    bar = 2 * 50
    assert len(set(measured[0][-bar:])) > 3
    assert measured[0][-bar:] == measured[0][-2 * bar : -bar]


def test_continuation_repeats_the_source_then_goes_on_at_its_level(engine, model, loop):
    audio, end, *_ = run(engine, model, clip=str(loop), duration_s=2.0, decode="full", seed=1)
    assert audio.shape == (4 * 48_000, 2)
    recorded = soundfile.read(loop, dtype="float32")[0]
    source = soxr.resample(recorded - recorded.mean(0), 44_100, 48_000, "VHQ") + recorded.mean(0)
    untouched = 2 * 48_000 - 1_440  # the last 30 ms are cross-faded
    np.testing.assert_allclose(audio[:untouched], source[:untouched], atol=1e-6)
    assert end.report.variations[0].join_level_db is not None and end.report.variations[0].join_click_db < 6
    assert end.report.new_s == 2.0


def test_what_follows_a_fade_comes_at_the_level_before_it(engine, model, tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal(6 * 24_000)
    fade_db = -12 * np.maximum(0, np.arange(len(noise)) / 24_000 - 2)
    soundfile.write(tmp_path / "fading.wav", noise * 10 ** (fade_db / 20), 24_000)
    asked = {"clip": str(tmp_path / "fading.wav"), "duration_s": 2.0, "join": "new", "decode": "fast", "seed": 1}
    audio, *_ = run(engine, model, **asked, timbre="model")
    assert rms_db(audio) == pytest.approx(-20 - 6, abs=3)


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


def test_what_is_negated_is_kept_away_from_in_each_variation(engine, tmp_path):
    """The same words to a model without negative prompts are words alone; drums that are not excluded are not refused."""
    known, unknown = (str(write_tiny_model(tmp_path / str(i), negatable=i)) for i in (("dub",), ()))
    negated, asked = ({"prompt": words, "duration_s": 1.0, "decode": "fast", "seed": 4} for words in ("no dub", "dub"))
    rejected = run(engine, known, **negated)[0]
    assert not np.array_equal(rejected, run(engine, unknown, **negated)[0])
    assert np.array_equal(run(engine, known, **asked)[0], run(engine, unknown, **asked)[0])
    together, _ = run_variations(engine, model=known, variations=2, **negated | {"seed": 3})
    np.testing.assert_array_equal(together[2], rejected)


def test_beside_a_clip_what_is_negated_is_words_alone(engine, tmp_path):
    known, unknown = (str(write_tiny_model(tmp_path / str(i), negatable=i)) for i in (("dub",), ()))
    soundfile.write(tmp_path / "beatless.wav", 0.1 * np.random.default_rng(0).standard_normal(24_000), 24_000)
    negated = {"prompt": "no dub", "clip": str(tmp_path / "beatless.wav"), "duration_s": 1.0, "decode": "fast", "seed": 4}
    rejected, said = (run(engine, model, **negated)[0] for model in (known, unknown))
    np.testing.assert_array_equal(rejected, said)


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
