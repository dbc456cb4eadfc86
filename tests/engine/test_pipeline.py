"""Requests through the real engine at tiny size: lengths, chunks, seeds, cancel, continuation."""

import dataclasses

import numpy as np
import pytest
import soundfile
import soxr

from engine.api import AudioChunk, GenerationRequest, ModelError, RequestError
from engine.models.generation import Decoder
from engine.music.grid_check import GridCheck
from engine.music.level import rms_db
from tests import synthetic
from tests.engine.conftest import run
from tests.tiny_model import TINY, write_tiny_model


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
    again, *_ = run(engine, model, prompt="dub", duration_s=1.0, decode="fast", seed=end.report.seed)
    np.testing.assert_array_equal(audio, again)


def test_longer_than_the_trained_length_goes_on(engine, model):
    audio, end, *_ = run(engine, model, prompt="dub", duration_s=12, decode="fast", seed=1)  # 600 tokens; it looks back on 200
    assert len(audio) == 12 * 24_000 and not end.cancelled


def run_variations(engine, cancelled=lambda: False, **request):
    """Audio of each variation, and the end."""
    chunks: dict[int, list[AudioChunk]] = {}
    for event in engine.generate(GenerationRequest(**request), cancelled):
        if isinstance(event, AudioChunk):
            own = chunks.setdefault(event.variation, [])
            assert (event.index, event.start_frame) == (len(own), sum(len(chunk.samples) for chunk in own))
            own.append(event)
    audio = {number: np.concatenate([chunk.samples for chunk in own]) for number, own in chunks.items()}
    assert [own.frames for own in event.report.variations] == [len(audio[number]) for number in sorted(audio)]
    return audio, event


@pytest.mark.parametrize(
    "request_",
    [
        {"prompt": "dub", "duration_s": 1.5, "decode": "full"},
        {"prompt": "dub", "duration_s": 12, "decode": "fast"},  # past the trained length
        {"prompt": "dub", "duration_s": 1.5, "decode": "fast", "guidance": 1.0},
        {"prompt": "dub", "duration_s": 1.5, "decode": "fast", "temperature": 0.5, "top_k": 3},
    ],
)
def test_each_variation_is_what_its_seed_gives_alone(engine, model, request_):
    together, end = run_variations(engine, model=model, variations=3, seed=2**31 - 2, **request_)
    assert [own.seed for own in end.report.variations] == [2**31 - 2, 2**31 - 1, 0] and end.report.seed == 2**31 - 2
    for number, own in enumerate(end.report.variations, 1):
        np.testing.assert_array_equal(together[number], run(engine, model, **request_ | {"seed": own.seed})[0])
    assert not np.array_equal(together[1], together[2])


def test_variations_of_a_continuation_each_join_the_clip(engine, model, tmp_path):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, synthetic.clicks(120, 4.0, rate=48_000), 48_000)
    request = {"clip": str(clip), "duration_s": 1.0, "decode": "fast"}
    together, _ = run_variations(engine, model=model, variations=2, seed=3, **request)
    for number in (1, 2):
        np.testing.assert_array_equal(together[number], run(engine, model, seed=2 + number, **request)[0])


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
    """And not as it ends: silence after it would be heard in its last tokens, and be continued."""
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


def test_variations_of_a_model_with_noise_for_a_negative(engine, tmp_path):
    """Each draws the noise of its own seed."""
    noisy = write_tiny_model(tmp_path / "noisy", language_model=dataclasses.replace(TINY.language_model, negative="noise"))
    noisy = str(noisy)
    together, _ = run_variations(engine, model=noisy, variations=2, seed=3, prompt="dub", duration_s=1.0, decode="fast")
    for number in (1, 2):
        alone, *_ = run(engine, noisy, seed=2 + number, prompt="dub", duration_s=1.0, decode="fast")
        np.testing.assert_array_equal(together[number], alone)


def test_cancel_keeps_what_there_is_of_each_variation(engine, model):
    asked = []
    audio, end = run_variations(
        engine, lambda: bool(asked.append(1)) or len(asked) > 100,
        model=model, variations=2, prompt="dub", duration_s=8, decode="fast", seed=1,
    )  # fmt: skip
    assert end.cancelled and 0 < len(audio[1]) == len(audio[2]) < 8 * 24_000


def test_cancel_keeps_what_was_made(engine, model):
    calls = []

    def cancelled():
        return calls.append(1) or len(calls) > 150

    audio, end, *_ = run(engine, model, cancelled, prompt="dub", duration_s=20, decode="fast", seed=1)
    assert end.cancelled and 0 < len(audio) < 5 * 24_000


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
    """The same words to a model that cannot be denied anything are words alone; drums that are not denied are not refused."""
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


@pytest.mark.parametrize("decode", ["full", "fast"])
@pytest.mark.parametrize("bpm", [124.0, 127.3])
def test_a_loop_without_the_check_of_its_grid_is_streamed_and_lasts_exactly_its_bars(engine, model, decode, bpm):
    request = {"prompt": "dub techno", "bars": 2, "bpm": bpm, "decode": decode, "seed": 1, "loop": True, "grid": False}
    audio, end, chunks, _ = run(engine, model, **request)
    assert len(audio) == round(2 * 4 * 60 / bpm * end.samplerate) and len(chunks) >= 3
    cut, *_ = run(engine, model, **request | {"loop": False})
    assert not np.array_equal(cut, audio)  # with a lead-in it is another piece
    natural = np.abs(np.diff(audio, axis=0)).max()
    assert np.abs(audio[0] - audio[-1]).max() <= natural


def test_variations_of_a_loop_are_loops(engine, model):
    request = {"prompt": "dub", "bars": 1, "bpm": 120.0, "decode": "fast", "loop": True}
    together, _ = run_variations(engine, model=model, variations=2, seed=5, **request)
    for number in (1, 2):
        np.testing.assert_array_equal(together[number], run(engine, model, seed=4 + number, **request)[0])


def test_a_streamed_loop_that_is_cancelled_keeps_what_was_held_back_of_its_last_bar(engine, model):
    """As much of it goes out as of the same piece that is no loop, and is cut at the same token."""
    request = {"prompt": "dub", "bars": 2, "bpm": 60.0, "decode": "fast", "seed": 1, "grid": False}  # of 8 s, 4 are held back

    def frames(loop):
        asked = []
        audio, end, *_ = run(engine, model, cancelled=lambda: bool(asked.append(1)) or len(asked) > 390, loop=loop, **request)
        assert end.cancelled and end.frames == len(audio) and np.abs(audio[-24_000:]).max() > 0
        return len(audio)

    streamed = frames(False)
    assert 5 * 24_000 < streamed < 8 * 24_000 and frames(True) > 4.5 * 24_000


class Heard:
    """In place of the ear, which hears no beat in what the tiny model plays: so late are the takes, one after the other."""

    def __init__(self, monkeypatch, *late_s):
        self.left = [*late_s]
        monkeypatch.setattr("engine.rendering.measurement.check_grid", self)

    def __call__(self, audio, samplerate, grid):
        return GridCheck(grid.bpm, self.left.pop(0) if len(self.left) > 1 else self.left[0], 0.9)


ON_GRID = {"prompt": "dub", "bars": 1, "bpm": 120.0, "decode": "fast", "grid": True}


@pytest.mark.parametrize("loop", [False, True])
def test_what_is_off_its_grid_is_made_again_with_the_next_seeds(engine, model, monkeypatch, loop):
    Heard(monkeypatch, -0.046, 0.031, 0.003)
    audio, end, chunks, _ = run(engine, model, seed=5, loop=loop, **ON_GRID)
    own = end.report.variations[0]
    assert len(chunks) == 1 and len(audio) == 48_000 and not end.cancelled
    assert (own.seed, own.rolls, own.downbeat_ms, own.bpm_measured, end.report.seed) == (7, 3, 3.0, 120.0, 5)
    assert end.report.notes[-1] == "the beats of seed 5 are 46 ms early: seed 7 was kept, whose are 3 ms late"
    Heard(monkeypatch, 0.003)
    np.testing.assert_array_equal(audio, run(engine, model, seed=7, loop=loop, **ON_GRID)[0])


def test_after_three_takes_the_best_is_kept(engine, model, monkeypatch):
    Heard(monkeypatch, 0.1, 0.05, 0.07)
    _, end, *_ = run(engine, model, seed=5, **ON_GRID)
    assert (end.report.variations[0].seed, end.report.variations[0].rolls) == (6, 3)
    assert "after 3 rolls the nearest are those of seed 6, 50 ms late" in end.report.notes[-1]


def test_only_the_variation_that_is_off_is_made_again_and_its_seed_is_reported(engine, model, monkeypatch):
    Heard(monkeypatch, 0.0, 0.05, 0.0)
    together, end = run_variations(engine, model=model, variations=2, seed=5, **ON_GRID)
    assert [own.seed for own in end.report.variations] == [5, 7]
    for number, seed in ((1, 5), (2, 7)):
        np.testing.assert_array_equal(together[number], run(engine, model, seed=seed, **ON_GRID)[0])


def test_a_cancel_while_it_is_made_again_leaves_the_take_there_is(engine, model, monkeypatch):
    Heard(monkeypatch, 0.1)
    asked = []
    audio, end, *_ = run(engine, model, cancelled=lambda: bool(asked.append(1)) or len(asked) > 200, seed=5, **ON_GRID)
    assert len(audio) == 48_000 and end.report.variations[0].seed == 5


def test_a_continuation_is_not_moved_but_made_again(engine, model, monkeypatch, tmp_path):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, synthetic.clicks(120, 4.0, rate=48_000), 48_000)
    request = {"clip": str(clip), "bars": 1, "bpm": 120.0, "decode": "fast"}
    Heard(monkeypatch, 0.1, 0.012)
    audio, end, *_ = run(engine, model, seed=5, grid=True, **request)
    assert end.report.variations[0].moved_ms is None and end.report.variations[0].seed == 6
    np.testing.assert_array_equal(audio, run(engine, model, seed=6, **request)[0])
