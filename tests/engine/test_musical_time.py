"""Tempo, metre, bars and key of what the real engine is asked for and of the clips it goes on from, at tiny size."""

import dataclasses
import itertools

import numpy as np
import pytest
import soundfile
import torch

from engine.conditioning.tempo import EVIDENCE
from engine.continuation.recent import Recent
from engine.continuation.recurrence import NEXT_S
from engine.models.generation import Decoder
from engine.music.grid import Grid, clock
from engine.music.level import rms_db
from engine.rendering.windows import FastRenderer
from tests import synthetic
from tests.engine.conftest import run
from tests.tiny_model import TINY, write_tiny_model


@pytest.fixture(autouse=True)
def nothing_recent(monkeypatch):
    """Each test's own encoder and language model are asked, though another had the same clip."""
    monkeypatch.setattr(Recent, "of", lambda self, key, compute: compute())


@pytest.mark.parametrize(
    ("request_fields", "bpm", "words"),
    [
        ({"prompt": "dub techno"}, 131.0, "dub techno, 131 bpm"),  # the style's usual tempo
        ({"prompt": "zither"}, 90.0, "zither, 90 bpm"),
        ({"prompt": "dub techno, 97.5 bpm"}, 97.5, "dub techno, 97.5 bpm"),
        ({"prompt": "dub techno", "bpm": 124}, 124.0, "dub techno, 124 bpm"),
    ],
)
def test_a_result_reports_the_grid_it_kept(engine, model, request_fields, bpm, words):
    _, end, *_ = run(engine, model, duration_s=0.5, decode="fast", seed=1, **request_fields)
    assert end.report.grid_bpm == bpm and end.report.caption == words


def test_the_grid_is_measured(engine, model):
    """The same words, seed and length at another tempo are other tokens: TINY has no word for a number."""
    fields = {"prompt": "dub", "duration_s": 1.0, "decode": "fast", "seed": 1}
    slow, fast = (run(engine, model, bpm=bpm, **fields)[0] for bpm in (90, 124))
    assert not np.array_equal(slow, fast)


def test_a_model_without_a_sense_of_time_reports_none(engine, tmp_path):
    timeless = dataclasses.replace(TINY.language_model, clocks_per_bar=0, bars_per_phrase=0)
    timeless = str(write_tiny_model(tmp_path / "timeless", language_model=timeless))
    _, end, *_ = run(engine, timeless, prompt="dub techno", duration_s=0.5, decode="fast", seed=1)
    assert end.report.grid_bpm is None and end.report.caption == "dub techno"


@pytest.fixture
def windows(engine, model, monkeypatch):
    """What the language model is started with, window after window: (clock rows, prompt tokens, tokens to make)."""
    engine.load(model)
    seen, start = [], engine._loaded.prepared.decoder.start

    def record(condition, *, audio_prompt, max_tokens, **options):
        seen.append((condition.clock, 0 if audio_prompt is None else audio_prompt.shape[1], max_tokens))
        return start(condition, audio_prompt=audio_prompt, max_tokens=max_tokens, **options)

    monkeypatch.setattr(engine._loaded.prepared.decoder, "start", record)
    return seen


def test_time_goes_on_from_window_to_window(engine, model, windows):
    """12 s of a model that looks back on 200 tokens: what each window reads again lies where it was made.

    At 123.5 bpm two bars last 194.3 tokens: the model plays them a little faster, in 194.
    """
    run(engine, model, prompt="dub", bpm=123.5, duration_s=12, decode="fast", seed=1)
    made = 0
    for rows, measured, count in windows:
        exact = clock(Grid(8 * 60 * 50 / 194), 50, made - measured, measured + count)
        np.testing.assert_array_equal(rows[0].numpy(), exact)
        assert measured % 2 == 0  # whole turns of harmony and rhythm
        made += count
    assert made == 599 and len(windows) > 3


def test_every_sixteen_bars_a_piece_goes_on_from_its_last_bar_alone(engine, model, windows):
    """Bars of 0.6 s are 30 tokens. Nothing is left out, and the first window of a new idea begins on its downbeat."""
    run(engine, model, prompt="dub", bpm=400, duration_s=24, decode="fast", seed=1)
    made, new = 0, []
    for rows, measured, count in windows:
        if made and measured == 30:
            new.append(made)
            assert rows[0, measured, 0] == clock(Grid(400), 50, made, 1)[0, 0] <= 24 and rows[0, measured, 1] == 0
        made += count
    assert made == 1200 and new == [480, 960]


@pytest.mark.usefixtures("obvious_time")
@pytest.mark.parametrize("bars", [8, 10, 15])
def test_what_follows_a_clip_is_a_new_idea_after_a_phrase_at_least(engine, model, windows, tmp_path, bars):
    """However long the clip was: from its end and from the last bar, of 80 tokens."""
    soundfile.write(tmp_path / "clip.wav", synthetic.clicks(150, bars * 1.6, rate=24_000), 24_000)
    run(engine, model, clip=str(tmp_path / "clip.wav"), duration_s=60.0, decode="fast", seed=1)
    made, new = 0, []
    for rows, measured, count in windows:
        if 80 < measured <= 100 + 80 and rows[0, measured, 1] == 0 and rows[0, measured, 0] <= 1:
            new.append(made / 80)
        made += count
    assert new[0] == pytest.approx((16 - bars % 8), abs=0.05) and len(new) > 1
    assert all(round(b - a) == 16 for a, b in itertools.pairwise(new))


@pytest.mark.usefixtures("obvious_time")
@pytest.mark.parametrize("from_s", [6.4, 7.0])
def test_a_clip_stays_in_mind(engine, model, monkeypatch, tmp_path, from_s):
    """Each window reads some of it, then the end of what was made, and beats go on from one to the other."""
    engine.load(model)
    seen, start = [], engine._loaded.prepared.decoder.start

    def record(condition, *, audio_prompt, given, max_tokens, **options):
        seen.append((condition.clock[0, :, 0].numpy(), audio_prompt[0].tolist(), given, max_tokens))
        return start(condition, audio_prompt=audio_prompt, given=given, max_tokens=max_tokens, **options)

    monkeypatch.setattr(engine._loaded.prepared.decoder, "start", record)
    soundfile.write(tmp_path / "clip.wav", synthetic.clicks(150, 9.6, rate=24_000), 24_000)
    run(engine, model, clip=str(tmp_path / "clip.wav"), from_s=from_s, duration_s=20.0, decode="fast", seed=1)
    whole, made = seen[0][1], 0
    for clocks, prompt, given, count in seen:
        begin = max(i for i in range(len(whole) - given + 1) if whole[i : i + given] == prompt[:given])
        assert begin + given > len(whole) - 80  # bars of clicks are alike: at most one is left out
        recent = len(prompt) - given
        assert (given, recent) == (250, 0) if made == 0 else 50 <= given <= 150 - recent and min(made, 50) <= recent <= 100
        exact = clock(Grid(150.0, beat=from_s * 150 / 60), 50, made - len(prompt), len(prompt) + count)[:, 0]
        assert np.abs((clocks - exact + 48) % 96 - 48).max() <= 1
        made += count
    assert made == 1000 and len(seen) > 15


@pytest.mark.usefixtures("obvious_time")
def test_a_clip_without_a_beat_stays_in_mind(engine, model, windows, tmp_path):
    soundfile.write(tmp_path / "hum.wav", 0.1 * np.sin(0.05 * np.arange(8 * 24_000)), 24_000)
    run(engine, model, clip=str(tmp_path / "hum.wav"), duration_s=6.0, decode="fast", seed=1)
    assert [measured for _, measured, _ in windows] == [250, *[150] * (len(windows) - 1)] and len(windows) > 3


@pytest.fixture
def obvious_time(monkeypatch):
    """Of the musical times a clip may have, the model takes the first: the tiny one knows no music."""
    monkeypatch.setattr(Decoder, "likelihood", lambda self, condition, audio: -torch.arange(float(len(audio))))


@pytest.mark.usefixtures("obvious_time")
@pytest.mark.parametrize(("from_s", "context_s", "tokens"), [(None, 5.0, 250), (5.037, 4.35, 214)])
def test_a_continuation_goes_on_in_its_clips_time(engine, model, windows, tmp_path, from_s, context_s, tokens):
    """The clip's tempo, found in it; what is read of it lies before the join, whole turns of tokens that end there.

    Slowed by 0.8 % its bars last 96 tokens.
    """
    audio = synthetic.clicks(124, 4 * 4 * 60 / 124, rate=48_000)
    soundfile.write(tmp_path / "loop.wav", audio, 48_000)
    request = {"clip": str(tmp_path / "loop.wav"), "from_s": from_s, "context_s": context_s, "duration_s": 1.0, "seed": 1}
    _, end, *_ = run(engine, model, decode="fast", **request)
    assert end.report.grid_bpm == pytest.approx(124, abs=0.01)
    (rows, measured, count), joined = windows[0], from_s or len(audio) / 48_000
    assert measured == tokens and count == 50 and len(windows) == 1
    exact = clock(Grid(125.0, 4, joined * 124 / 60), 50, -measured, measured + count)
    clocks = rows[0, :, 0] + 96 * rows[0, :, 1] - torch.from_numpy(exact[:, 0] + 96 * exact[:, 1])
    assert ((clocks + 384) % 768 - 384).abs().max() <= 1  # onsets are found to half a token frame


@pytest.mark.parametrize(("choice", "bpm", "beats"), [(1, 62.5, 4), (3, 187.5, 4), (4, 125.0, 3)])
def test_a_clip_goes_on_in_its_likeliest_time(engine, model, windows, tmp_path, monkeypatch, choice, bpm, beats):
    """Asked with the clip's end in every time it may have."""
    asked = []

    def likelihood(self, condition, audio):
        asked.append((condition.clock, audio))
        return evidence * torch.nn.functional.one_hot(torch.tensor(choice), len(audio)).float()

    evidence = 1.01 * EVIDENCE
    monkeypatch.setattr(Decoder, "likelihood", likelihood)
    soundfile.write(tmp_path / "loop.wav", synthetic.clicks(125, 8 * 60 / 125, rate=48_000), 48_000)
    _, end, *_ = run(engine, model, clip=str(tmp_path / "loop.wav"), duration_s=1.0, context_s=6.0, decode="fast", seed=1)
    assert end.report.grid_bpm == pytest.approx(bpm, abs=0.01)
    (clocks, audio), (rows, measured, _) = asked[0], windows[0]
    assert len(asked) == 1 and audio.unique(dim=0).shape[0] == 1 and clocks.shape[1] == audio.shape[1] + 1
    assert clocks.unique(dim=0).shape[0] == len(audio) == 8
    assert torch.equal(rows[0, : measured + 1][-audio.shape[1] - 1 :], clocks[choice]) and rows[..., 0].max() < 24 * beats
    evidence = 0.99 * EVIDENCE
    _, end, *_ = run(engine, model, clip=str(tmp_path / "loop.wav"), duration_s=1.0, context_s=6.0, decode="fast", seed=1)
    assert end.report.grid_bpm == pytest.approx(125, abs=0.01)  # not likely enough: the most obvious time


@pytest.mark.parametrize("choice", [0, 1, 5])
def test_each_time_a_clip_may_have_is_judged_as_the_model_would_play_it(engine, model, windows, tmp_path, monkeypatch, choice):
    """124 bpm in four is stretched to bars of 96 tokens, 62 and three to a bar otherwise: each reads tokens of its own."""
    asked = []

    def likelihood(self, condition, audio):
        asked.append((condition.clock, audio))
        return torch.nn.functional.one_hot(torch.tensor(choice), len(audio)).float()

    monkeypatch.setattr(Decoder, "likelihood", likelihood)
    soundfile.write(tmp_path / "loop.wav", synthetic.clicks(124, 16 * 60 / 124, rate=48_000), 48_000)
    run(engine, model, clip=str(tmp_path / "loop.wav"), duration_s=1.0, context_s=6.0, decode="fast", seed=1)
    (clocks, audio), (rows, measured, _) = asked[0], windows[0]
    assert torch.equal(rows[0, : measured + 1][-audio.shape[1] - 1 :], clocks[choice])
    assert audio.unique(dim=0).shape[0] > 1


@pytest.mark.usefixtures("obvious_time")
@pytest.mark.parametrize(
    ("beats", "request_fields", "seconds"),
    [
        (8, {}, 5.0),  # a loop: as much as the model listens to, though the clip is shorter
        (8, {"context_s": 6.0}, 6.0),
        (4, {}, 5.0),  # too short for its beat to be found in one pass
        (9.5, {}, 9.5 * 24 / 50),  # no whole bars: once, stretched to beats of 24 tokens
        (9, {"from_s": 8 * 60 / 124}, 8 * 24 / 50),  # a place inside of a clip
    ],
)
def test_a_loop_is_encoded_round_and_round(engine, model, monkeypatch, tmp_path, beats, request_fields, seconds):
    engine.load(model)
    tokenizer, measured = engine._loaded.prepared.checkpoint.wavtokenizer, []
    encode = tokenizer.encode
    monkeypatch.setattr(tokenizer, "encode", lambda audio: measured.append(audio[0].numpy()) or encode(audio))
    loop = synthetic.clicks(124, beats * 60 / 124, rate=24_000)
    soundfile.write(tmp_path / "loop.wav", loop, 24_000, subtype="FLOAT")
    run(engine, model, clip=str(tmp_path / "loop.wav"), duration_s=0.5, decode="fast", seed=1, **request_fields)
    listened = measured[-1][: -round(NEXT_S * 24_000)]  # what is expected to follow comes after it
    assert seconds - 0.041 < len(listened) / 24_000 <= seconds + 1e-4  # whole turns of tokens, of 0.04 s
    if seconds > len(loop) / 24_000:
        once, end = beats * 24 * 480, 100  # where the resampler does not hear what comes next
        np.testing.assert_allclose(listened[: -once - end], listened[once:-end], atol=1e-3)


@pytest.mark.usefixtures("obvious_time")
@pytest.mark.parametrize(("join", "beat"), [("new", 24), ("append", 24), (None, 24.25)])
def test_what_the_model_plays_in_its_own_bars_comes_at_the_asked_tempo(engine, model, monkeypatch, tmp_path, join, beat):
    """A renderer that clicks every 24 tokens of 480 samples from the join on, at 125 bpm: after a clip at 124 it clicks at 124.

    Without a clip to be in tune with two bars last 194 tokens, not one 96.
    """
    measured, beats = 100 if join else 0, 16  # tokens of the clip that are rendered too

    def render(self, tokens, start, end, *, ended):
        audio, first = np.zeros((end - start) * 480, np.float32), (start - measured) * 480
        places = np.round(np.arange(-10, 100) * beat * 480).astype(int) - first
        for place in places[(places >= 0) & (places < len(audio) - 8)]:
            audio[place : place + 8] = 0.5
        return audio

    monkeypatch.setattr(FastRenderer, "render", render)
    soundfile.write(tmp_path / "loop.wav", synthetic.clicks(124, beats * 60 / 124, rate=24_000), 24_000)
    clip = {"clip": str(tmp_path / "loop.wav"), "join": join} if join else {"prompt": "techno"}
    timbre = {"timbre": "model"} if join else {}
    audio, end, *_ = run(engine, model, **clip, **timbre, bars=4, bpm=124, decode="fast", seed=1)
    assert len(audio) == round(beats * 60 / 124 * 24_000) * (2 if join == "append" else 1)
    new = audio[-round(beats * 60 / 124 * 24_000) :, 0]
    places = np.round(np.arange(beats) * 60 / 124 * 24_000).astype(int)
    clicked = [place + np.abs(new[place : place + 200]).argmax() for place in places]
    np.testing.assert_allclose(clicked, places + 4, atol=6)


@pytest.mark.usefixtures("obvious_time")
def test_in_the_clips_own_sound_too_beats_are_where_the_clip_has_them(engine, model, tmp_path):
    beats = np.arange(16) * 60 / 124 * 24_000
    clip = synthetic.clicks(124, 16 * 60 / 124, rate=24_000)
    soundfile.write(tmp_path / "loop.wav", clip, 24_000)
    asked = {"clip": str(tmp_path / "loop.wav"), "join": "new", "bars": 4, "bpm": 124, "decode": "fast", "seed": 1}
    audio, end, *_ = run(engine, model, **asked)
    assert end.report.variations[0].timbre == "clip" and len(audio) == len(clip)
    onsets = [[np.argmax(np.abs(one[int(beat) :]) > 0.05) for beat in beats] for one in (clip, audio[:, 0])]
    np.testing.assert_allclose(onsets[1], onsets[0], atol=24)  # a millisecond


@pytest.mark.usefixtures("obvious_time")
@pytest.mark.parametrize(
    ("key", "request_fields", "words", "guidance"),
    [
        ("D minor", {}, "124 bpm, D minor", 2.0),
        ("D minor", {"prompt": "swing"}, "swing, 124 bpm, D minor", 2.0),
        ("D minor", {"key": "E minor", "guidance": 1.5}, "124 bpm, E minor", 1.5),
        (None, {}, "124 bpm", 2.0),
        (None, {"prompt": "techno"}, "techno, 124 bpm", 2.0),
    ],
)
def test_a_key_measured_in_a_clip_is_kept_unless_another_is_asked(engine, model, tmp_path, key, request_fields, words, guidance):
    seconds = 8 * 4 * 60 / 124
    notes = synthetic.progression(key, 124, seconds, 24_000) if key else 0.3 * synthetic.noise(seconds, 24_000)
    audio = np.zeros(round(seconds * 24_000))
    for part in (notes, synthetic.clicks(124, seconds, rate=24_000)):
        audio[: len(part)] += part[: len(audio)]
    soundfile.write(tmp_path / "clip.wav", audio / np.abs(audio).max(), 24_000)
    _, end, *_ = run(engine, model, clip=str(tmp_path / "clip.wav"), duration_s=0.5, decode="fast", seed=1, **request_fields)
    assert end.report.caption == words and end.report.guidance == guidance


def test_a_clip_without_a_beat_is_continued_without_a_grid(engine, model, windows, tmp_path):
    soundfile.write(tmp_path / "hiss.wav", synthetic.noise(6.0, 24_000), 24_000)
    request = {"clip": str(tmp_path / "hiss.wav"), "duration_s": 1.0, "decode": "fast", "seed": 1}
    _, end, *_ = run(engine, model, **request)
    assert end.report.grid_bpm is None and windows[0][0] is None
    assert end.report.caption == "ambient" and end.report.guidance == 2.0
    _, end, *_ = run(engine, model, **request, prompt="rain")
    assert end.report.caption == "rain"
    _, end, *_ = run(engine, model, **request, key="D minor")
    assert end.report.caption == "D minor" and end.report.guidance == 2.0


def test_a_model_without_a_sense_of_time_calls_no_clip_ambient(engine, tmp_path):
    timeless = dataclasses.replace(TINY.language_model, clocks_per_bar=0, bars_per_phrase=0)
    timeless = str(write_tiny_model(tmp_path / "timeless", language_model=timeless))
    soundfile.write(tmp_path / "hiss.wav", synthetic.noise(6.0, 24_000), 24_000)
    _, end, *_ = run(engine, timeless, clip=str(tmp_path / "hiss.wav"), duration_s=0.5, decode="fast", seed=1)
    assert end.report.caption == "" and end.report.guidance == 2.0


@pytest.mark.parametrize("level_db", [-18.0, None])
def test_a_clip_is_encoded_at_the_level_the_model_knows(engine, tmp_path, loop, monkeypatch, level_db):
    """However loud it is, where the model says how loud its music was."""
    levelled = str(write_tiny_model(tmp_path / "levelled", level_db=level_db))
    engine.load(levelled)
    measured, tokenizer = [], engine._loaded.prepared.checkpoint.wavtokenizer
    encode = tokenizer.encode

    def listen(audio):
        measured.append(rms_db(audio[0, : -round(NEXT_S * 24_000)].numpy()))
        return encode(audio)

    monkeypatch.setattr(tokenizer, "encode", listen)
    audio, rate = soundfile.read(loop)
    for name, gain in (("soft", 0.1), ("loud", 1.0)):
        soundfile.write(tmp_path / f"{name}.wav", gain * audio, rate, subtype="FLOAT")
        run(engine, levelled, clip=str(tmp_path / f"{name}.wav"), duration_s=0.5, decode="fast", seed=1)
    half = len(measured) // 2  # for its time, then to be continued
    if level_db is None:
        assert np.subtract(measured[half:], measured[:half]) == pytest.approx(20, abs=0.1)
    else:
        np.testing.assert_allclose(measured, level_db, atol=0.01)
