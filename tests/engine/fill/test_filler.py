"""Regions filled by the real engine at tiny size: lengths, edges, choices, and every odd place of a region."""

import numpy as np
import pytest
import soundfile

from engine.api import CANDIDATES, MAX_CANDIDATES, MAX_VARIATIONS, AudioChunk, ClipError, GenerationRequest, RequestError
from engine.rendering.level import rms_db
from tests import synthetic
from tests.engine.conftest import run


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Twelve seconds of drums at 120 bpm, in stereo at 44.1 kHz."""
    path = tmp_path_factory.mktemp("clips") / "drums.wav"
    drums = synthetic.clicks(120, 12.0, rate=44_100)
    soundfile.write(path, np.stack([0.5 * drums, 0.4 * drums], axis=1), 44_100, subtype="FLOAT")
    return path


def fill(engine, model, clip, from_s, to_s, **request):
    request = {"decode": "fast", "seed": 1, "candidates": 3, "join": "new"} | request
    return run(engine, model, clip=str(clip), from_s=from_s, to_s=to_s, **request)


@pytest.mark.parametrize("timbre", ["clip", "model"])
@pytest.mark.parametrize("decode", ["fast", "full"])
def test_a_filled_region_has_the_rate_channels_and_length_of_what_it_replaces(engine, model, clip, timbre, decode):
    audio, end, *_ = fill(engine, model, clip, 4.0, 6.123, timbre=timbre, decode=decode)
    assert end.samplerate == 44_100 and audio.shape == (round(6.123 * 44_100) - 4 * 44_100, 2)
    assert np.isfinite(audio).all() and audio.std() > 1e-3


def test_the_best_candidate_is_given_and_the_scores_of_all_are_reported(engine, model, clip):
    _, end, *_ = fill(engine, model, clip, 4.0, 6.0)
    scores = [candidate.score for candidate in end.report.candidates]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert sorted(candidate.seed for candidate in end.report.candidates) == [1, 2, 3]
    assert end.report.variations[0].seed == end.report.candidates[0].seed
    assert (end.report.variations[0].from_s, end.report.variations[0].to_s) == (4.0, 6.0)
    assert {"candidates", "exit_click_db", "join_click_db"} <= end.report.as_entries().keys()


def test_there_may_be_more_candidates_than_variations_of_other_music(engine, model, clip):
    _, end, *_ = fill(engine, model, clip, 4.0, 4.5, candidates=MAX_CANDIDATES)
    assert sorted(candidate.seed for candidate in end.report.candidates) == list(range(1, MAX_CANDIDATES + 1))
    assert max(CANDIDATES, MAX_VARIATIONS) < MAX_CANDIDATES


def test_runners_up_are_variations_in_the_order_of_their_scores(engine, model, clip):
    request = GenerationRequest(
        clip=str(clip), from_s=4.0, to_s=6.0, model=model, decode="fast", seed=1, candidates=4, variations=3, timbre="model"
    )
    events = list(engine.generate(request))
    audio = {event.variation: event.samples for event in events if isinstance(event, AudioChunk)}
    assert sorted(audio) == [1, 2, 3] and not np.array_equal(audio[1], audio[2])
    report = events[-1].report
    assert [own.seed for own in report.variations] == [candidate.seed for candidate in report.candidates[:3]]


@pytest.mark.parametrize("timbre", ["clip", "model"])
def test_a_candidate_is_what_its_seed_gives_alone(engine, model, clip, timbre):
    best, end, *_ = fill(engine, model, clip, 4.0, 6.0, timbre=timbre)
    alone, *_ = fill(engine, model, clip, 4.0, 6.0, timbre=timbre, candidates=1, seed=end.report.variations[0].seed)
    np.testing.assert_allclose(best, alone, atol=1e-5)


@pytest.mark.parametrize("timbre", ["clip", "model"])
@pytest.mark.parametrize("region", [(4.0, 6.0), (4.0, 4.06), (0.0, 2.0), (10.0, 12.0)])
def test_no_step_where_old_and_new_meet(engine, model, tmp_path, timbre, region):
    """Around the region nothing changes, so both cross-fades lie inside of it."""
    rate, (from_s, to_s) = 48_000, region
    tone = (0.3 * np.sin(2 * np.pi * 100 * np.arange(12 * rate) / rate)).astype(np.float32)
    soundfile.write(tmp_path / "tone.wav", tone, rate, subtype="FLOAT")
    audio, *_ = fill(engine, model, tmp_path / "tone.wav", from_s, to_s, timbre=timbre)
    begin, end = round(from_s * rate), round(to_s * rate)
    whole = np.concatenate([tone[:begin], audio[:, 0], tone[end:]])
    steps = np.abs(np.diff(whole))
    for place in (begin, end):
        if 0 < place < len(tone):
            assert steps[place - 1] < 2 * np.abs(np.diff(tone)).max()
    if not begin:
        assert abs(audio[0, 0]) < 1e-3


def test_a_region_longer_than_the_context_is_filled_to_its_last_frame(engine, model, tmp_path):
    """The tiny model looks back on 4 s."""
    soundfile.write(tmp_path / "long.wav", synthetic.clicks(120, 40.0, rate=24_000), 24_000)
    audio, end, *_ = fill(engine, model, tmp_path / "long.wav", 10.0, 30.0)
    quiet = [np.abs(piece).max() for piece in np.array_split(audio[:, 0], 20)]
    assert len(audio) == 20 * 24_000 and min(quiet) > 1e-3 and len(end.report.candidates) == 3


@pytest.mark.parametrize(
    ("region", "reported"),
    [
        ((0.0, 2.0), "no music sounds before the region"),
        ((10.0, 12.0), "nothing sounds after the region"),
        ((11.0, 14.0), "the region ends after the clip"),
        ((5.0, 7.0), None),
    ],
)
def test_regions_at_the_ends_of_a_clip_are_filled_and_said(engine, model, clip, region, reported):
    audio, end, *_ = fill(engine, model, clip, *region)
    assert len(audio) == round((region[1] - region[0]) * 44_100) and np.abs(audio).max() > 0.01
    assert [reported in note for note in end.report.notes] == ([True] if reported else [])


@pytest.mark.parametrize(
    ("silent", "reported"),
    [(slice(0, 5), "no music sounds before"), (slice(7, 12), "nothing sounds after"), (slice(5, 7), None)],
)
def test_silence_beside_a_region_or_in_it(engine, model, tmp_path, silent, reported):
    audio = synthetic.clicks(120, 12.0, rate=24_000)
    audio[silent.start * 24_000 : silent.stop * 24_000] = 0
    soundfile.write(tmp_path / "gap.wav", audio, 24_000)
    new, end, *_ = fill(engine, model, tmp_path / "gap.wav", 5.0, 7.0)
    assert np.abs(new).max() > 0.01 and [reported in note for note in end.report.notes] == ([True] if reported else [])


@pytest.mark.parametrize(
    ("region", "error", "reported"),
    [
        ((12.0, 14.0), ClipError, "lies outside of drums.wav, which lasts 12.00 s"),
        ((3.0, 3.01), RequestError, "lasts 0.01 s: 0.05 to 480 s are allowed"),
        ((3.0, 600.0), RequestError, "lasts 597 s"),
    ],
)
def test_regions_that_cannot_be_filled(engine, model, clip, region, error, reported):
    with pytest.raises(error, match=reported):
        fill(engine, model, clip, *region)


def test_silence_on_both_sides_is_rejected(engine, model, tmp_path):
    audio = np.zeros(12 * 24_000)
    audio[5 * 24_000 : 7 * 24_000] = 0.1
    soundfile.write(tmp_path / "lonely.wav", audio, 24_000)
    with pytest.raises(ClipError, match="no music around the region"):
        fill(engine, model, tmp_path / "lonely.wav", 5.0, 7.0)


def test_bars_are_places_at_the_clips_tempo_or_the_asked_one(engine, model, clip):
    """Bars 3 and 4 at 120 bpm lie from 4 to 8 s."""
    for bpm in (None, 120.0):
        audio, end, *_ = run(
            engine, model, clip=str(clip), from_bar=3, to_bar=5, bpm=bpm, decode="fast", seed=1, candidates=2, join="new"
        )
        own = end.report.variations[0]
        assert own.from_s == pytest.approx(4.0, abs=0.02) and len(audio) == pytest.approx(4 * 44_100, rel=0.005)


def test_a_continuation_from_a_bar_begins_where_it_begins(engine, model, clip):
    audio, end, *_ = run(engine, model, clip=str(clip), from_bar=3, bpm=120.0, duration_s=1.0, decode="fast", seed=1, join="new")
    assert end.report.variations[0].from_s == 4.0 and len(audio) == 24_000


def test_cancelled_there_is_no_audio(engine, model, clip):
    asked = []
    audio, end, chunks, _ = run(
        engine, model, lambda: bool(asked.append(1)) or len(asked) > 20,
        clip=str(clip), from_s=4.0, to_s=6.0, decode="fast", seed=1,
    )  # fmt: skip
    assert end.cancelled and not chunks and not len(audio)


def test_the_models_sound_is_as_wide_as_the_clip_and_as_loud(engine, model, tmp_path):
    """Level and stereo are those around the region: louder behind it than before it, and with a side where the clip has one."""
    rate, rng = 44_100, np.random.default_rng(0)
    middle, side = rng.standard_normal((2, 12 * rate)) * 0.05
    loud = np.where(np.arange(12 * rate) < 6 * rate, 1.0, 2.0)
    wide = np.stack([middle + 0.3 * side, middle - 0.3 * side], axis=1) * loud[:, None]
    for name, audio in (("wide", wide), ("narrow", np.repeat((middle * loud)[:, None], 2, axis=1))):
        soundfile.write(tmp_path / f"{name}.wav", audio, rate, subtype="FLOAT")
        new, *_ = fill(engine, model, tmp_path / f"{name}.wav", 5.0, 7.0, timbre="model")
        assert bool(np.abs(new[:, 0] - new[:, 1])[rate // 2 : -rate // 2].max() > 1e-4) == (name == "wide")
        assert rms_db(new) == pytest.approx(rms_db(audio[5 * rate : 7 * rate]), abs=4)
