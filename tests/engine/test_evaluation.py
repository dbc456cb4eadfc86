"""Every measure on sounds whose answer is known, and the whole evaluation on a model of random weights."""

import dataclasses
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from scipy import signal

from engine.api import GenerationRequest
from engine.conditioning.prompt import asked_bpm, asked_key
from engine.corpus.dataset import Corpus
from engine.evaluation import codec_trial, measures, report, trials
from engine.evaluation.__main__ import main
from engine.evaluation.key_ear import registers
from engine.evaluation.listener import RATE, Heard, Listener, read_section
from engine.evaluation.prompts import draw_prompts
from engine.evaluation.regression import Curve, Ridge
from engine.evaluation.trials import Result, is_below, listener_accuracy, loop_bpm, round_and_round, share
from engine.music.analysis import measure_bpm
from tests.synthetic import chords, clicks, noise, progression, write_corpus
from tests.tiny_model import write_tiny_model

QUARTERS = (0, 1, 2, 3)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, pieces=14, held_out=4)
    return folder


@pytest.fixture(scope="module")
def listener(corpus):
    return Listener.train(Corpus(corpus))


# --- measures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "met"), [(124, True), (126.4, True), (121.6, True), (126.6, False), (62, False), (248, False), (None, False)]
)
def test_tempo_is_met_within_two_percent_and_half_or_double_are_misses(measured, met):
    assert measures.tempo_met(measured, 124) is met


@pytest.mark.parametrize(
    ("measured", "asked", "met"),
    [
        ((9, "minor"), (9, "minor"), True),
        ((0, "major"), (9, "minor"), True),
        ((9, "minor"), (0, "major"), True),
        ((9, "major"), (9, "minor"), False),
        ((4, "minor"), (9, "minor"), False),
        (None, (9, "minor"), False),
    ],
)
def test_relative_key_is_a_hit_and_parallel_key_is_not(measured, asked, met):
    assert measures.key_met(measured, asked) is met


def test_loudness_of_a_known_sine_and_of_silence():
    """BS.1770: a 997 Hz sine at full scale in one channel is -3.01 LUFS."""
    sine = np.sin(2 * np.pi * 997 * np.arange(3 * 48_000) / 48_000)
    assert measures.loudness_db(sine, 48_000) == pytest.approx(-3.01, abs=0.05)
    assert measures.loudness_db(0.1 * sine, 48_000) == pytest.approx(-23.01, abs=0.05)
    assert measures.loudness_db(np.zeros(48_000), 48_000) == measures.loudness_db(sine[:100], 48_000) == -70


def test_onset_density_counts_hits_and_neither_level_nor_held_notes():
    quarter, eighth = clicks(120, 8, rate=RATE), clicks(120, 8, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)
    density = measures.onset_density(quarter, RATE)
    assert 2 * 6 <= density <= 2 * 8  # two hits a second, each in most of eight registers
    assert measures.onset_density(eighth, RATE) == pytest.approx(2 * density, rel=0.15)
    assert measures.onset_density(1e-2 * quarter, RATE) == pytest.approx(density)
    assert measures.onset_density(chords([(57, 60, 64)], 8, RATE), RATE) == measures.onset_density(np.zeros(RATE), RATE) == 0


def test_onset_density_is_not_less_where_more_is_played():
    """Chords held under the same drums hide none of their hits."""
    drums = clicks(120, 8, rate=RATE)
    band = drums + chords([(57, 60, 64), (53, 57, 60)], 8, RATE) + 1e-3 * noise(8, RATE)
    assert measures.onset_density(drums, RATE) <= measures.onset_density(band, RATE)


def test_longest_silence():
    audio = noise(6, RATE)
    assert measures.longest_silence_s(audio, RATE) == 0
    audio[2 * RATE : round(4.5 * RATE)] = 0
    audio[5 * RATE : round(5.5 * RATE)] = 0
    assert measures.longest_silence_s(audio, RATE) == pytest.approx(2.5, abs=0.05)


def test_tempo_drift_of_a_piece_that_speeds_up():
    steady, faster = clicks(120, 20, rate=RATE), clicks(126, 20, rate=RATE)
    assert measures.tempo_drift(np.concatenate([steady, steady]), RATE, 120) < 0.002
    assert measures.tempo_drift(np.concatenate([steady, faster]), RATE, 120) == pytest.approx(0.05, abs=0.002)
    assert measures.tempo_drift(np.concatenate([steady, noise(20, RATE)]), RATE, 120) < 0.002
    halved = clicks(120, 20, (0, 2), rate=RATE)
    assert measures.tempo_drift(np.concatenate([steady, halved]), RATE, 120) < 0.002  # another level of the same metre


def test_repeats_are_counted_in_a_row_and_noise_does_not_hide_them():
    a, b = progression("A minor", 120, 8, RATE), progression("F major", 120, 8, RATE)
    hiss = 0.003 * np.random.default_rng(0).standard_normal(6 * len(a))
    assert measures.most_repeats(np.concatenate([a, a, a, b, a, a]) + hiss, RATE, 8) == 3
    assert measures.most_repeats(np.concatenate([a, b, a, b, a, b]) + hiss, RATE, 8) == 1
    assert measures.most_repeats(a[: 4 * RATE], RATE, 8) == 0


def test_log_mel_distance_of_a_gain_is_that_gain_and_hears_what_is_missing():
    audio = noise(2, 48_000)
    assert measures.log_mel_distance_db(audio, audio, 48_000) == 0
    assert measures.log_mel_distance_db(0.5 * audio, audio, 48_000) == pytest.approx(6.02, abs=0.01)
    dull = signal.sosfilt(signal.butter(8, 6000, fs=48_000, output="sos"), audio)
    assert measures.log_mel_distance_db(dull, audio, 48_000) < measures.log_mel_distance_db(dull, audio, 48_000, top_hz=24_000)


def test_band_levels_hear_drums_thin_out_or_wash_over_and_not_when_they_come():
    def beat(hits):  # each rings for half the time to the next
        hit = noise(0.25, RATE) * np.exp(-np.arange(RATE // 4) / (RATE / 30))
        return np.concatenate([hit if played else np.zeros_like(hit) for played in hits])

    steady, thinner = beat([1, 0, 1, 1] * 8), beat([1, 0, 0, 0, 0, 0, 0, 0] * 4)
    assert measures.band_level_distance_db(steady, steady, RATE) == 0
    assert measures.band_level_distance_db(steady / 2, steady, RATE) < 6.1
    assert measures.band_level_distance_db(noise(8, RATE) / 2, noise(8, RATE), RATE) == pytest.approx(6.02, abs=0.01)
    assert measures.band_level_distance_db(np.roll(steady, RATE // 3), steady, RATE) < 0.5
    for changed in (thinner, steady + 0.2 * noise(8, RATE)):
        assert measures.band_level_distance_db(changed, steady, RATE) > 5


def test_frechet_distance_between_known_gaussians():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 4000, 3))
    assert measures.frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert measures.frechet_distance(a, b) < 0.02
    # |Δμ|² + Σ(σ₁ - σ₂)², and the shift alone
    assert measures.frechet_distance(a + [3, 0, 0], a) == pytest.approx(9, abs=1e-6)
    assert measures.frechet_distance(2 * a, a) == pytest.approx(np.sum(a.mean(0) ** 2) + np.sum(a.var(0, ddof=1)), rel=1e-6)


# --- the listener ----------------------------------------------------------------------------------------------------


def test_ridge_finds_a_line_whatever_its_units():
    x = np.random.default_rng(0).standard_normal((500, 2)) * [1000, 0.01] + [5000, 3]
    y = np.stack([2e-3 * x[:, 0] + 1, -50 * x[:, 1]], 1)
    np.testing.assert_allclose(Ridge.fit(x, y)(x), y, atol=0.1)


def test_curve_tells_apart_what_no_line_parts():
    """A ring around its middle."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 2)) * [1000, 0.01]
    outside = np.where(np.hypot(x[:, 0] / 1000, x[:, 1] / 0.01) > 1.2, 1.0, -1.0)[:, None]
    learn, prove = slice(400), slice(400, None)
    right = [
        np.mean(np.sign(told(x[prove])) == outside[prove])
        for told in (Ridge.fit(x[learn], outside[learn]), Curve.fit(x[learn], outside[learn], rng, cosines=1500, narrowness=0.05))
    ]
    assert right[0] < 0.7 and right[1] > 0.85


def test_listener_hears_past_what_a_path_does_to_all_music(corpus):
    """Here it adds ticks, which who has only heard the pieces themselves takes for drums."""

    def ticking(audio):
        ticks = clicks(200, len(audio) / RATE, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), RATE)[: len(audio)]
        return audio + 0.5 * np.sqrt(np.mean(audio**2)) * ticks

    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    naive, used_to_it = (listener_accuracy(Listener.train(training, change=c), held_out, ticking) for c in (None, ticking))
    assert naive["style"] <= 50 and naive["drums"] <= 50
    assert used_to_it["style"] == used_to_it["drums"] == 100


def test_listener_is_right_about_held_out_pieces(corpus, listener):
    held_out = Corpus(corpus, held_out=True)
    accuracy = listener_accuracy(listener, held_out)
    assert accuracy["style"] == accuracy["drums"] == accuracy["key"] == 100
    heard = listener.hear(read_section(held_out, held_out.names[0], "chorus", np.random.default_rng(0))[0], RATE)
    assert measures.tempo_met(heard.bpm, held_out.facts[held_out.names[0]]["bpm"])


@pytest.mark.parametrize(
    ("bpm", "pattern", "tapped"),
    [
        (176, QUARTERS, 176), (117, QUARTERS, 117), (130, QUARTERS, 130),
        (88, QUARTERS, 176), (70, QUARTERS, 140), (90, (0, 1.5, 2, 3), 180), (144, (0, 2), 144),
    ],
)  # fmt: skip
def test_tempo_is_tapped_where_a_style_has_its_tempi(listener, bpm, pattern, tapped):
    """At a style's edges too, and at its double or half where a piece plays that."""
    swing = dataclasses.replace(listener, styles=("swing",), tempi=((117.0, 178.0),), beats=(4,))
    assert swing._tapped(clicks(bpm, 8, pattern, RATE), 0) == pytest.approx(tapped, rel=0.005)


@pytest.mark.parametrize(
    ("bpm", "pattern"), [(60, (0, 0.75, 2.25)), (66, (0, 2.5)), (82, (0, 1.5)), (88, (0, 2.5)), (88, (0, 0.75, 2.25))]
)
def test_tempo_of_few_notes_is_tapped_by_its_bars(listener, bpm, pattern):
    """Here by beats alone three quarters or four thirds of the tempo recur as well."""
    ambient = dataclasses.replace(listener, styles=("ambient",), tempi=((60.0, 90.0),), beats=(4,))
    assert ambient._tapped(clicks(bpm, 8, pattern, RATE), 0) == pytest.approx(bpm, rel=0.005)


def test_listener_hears_no_drums_in_chords_nor_a_tempo_in_noise(listener):
    assert listener.hear(progression("A minor", 80, 8, RATE), RATE).drums < 0
    assert listener.hear(noise(8, RATE), RATE).bpm is None


def test_listener_hears_every_key_as_it_hears_one(corpus, listener):
    """The synthetic corpus has six of the 24."""
    levels = registers(progression("A minor", 100, 8, RATE), RATE)
    tonic, mode = listener.key(levels)
    assert measures.key_met((tonic, mode), (9, "minor"))
    for up in range(12):
        assert listener.key(np.roll(levels, up, axis=1)) == ((tonic + up) % 12, mode)


def test_listener_hears_no_key_in_noise_and_drums(listener):
    assert listener.hear(noise(8, RATE), RATE).key is None
    assert listener.hear(clicks(120, 8, QUARTERS, RATE), RATE).key is None


def test_listener_does_not_mind_level_or_rate(corpus, listener):
    held_out = Corpus(corpus, held_out=True)
    audio, _ = read_section(held_out, held_out.names[0], "chorus", np.random.default_rng(0))
    a, b = listener.hear(audio, RATE), listener.hear(0.05 * audio, RATE)
    assert a.style == b.style and a.drums == pytest.approx(b.drums, abs=0.05) and a.bpm == b.bpm


def test_embedding_sets_kinds_of_music_apart(corpus, listener):
    held_out = Corpus(corpus, held_out=True)
    rng = np.random.default_rng(0)
    clouds = {}
    for name in held_out.names:
        row = listener.embed(read_section(held_out, name, "chorus", rng)[0], RATE)
        clouds.setdefault(held_out.facts[name]["style"], []).append(row)
    (a1, a2), (b1, _) = clouds["house"], clouds["ambient"]
    assert np.linalg.norm(a1.mean(0) - a2.mean(0)) < np.linalg.norm(a1.mean(0) - b1.mean(0))


def test_an_intro_must_be_both_softer_and_sparser():
    chorus = clicks(120, 8, rate=RATE) + progression("A minor", 120, 8, RATE)
    intro = 0.3 * progression("A minor", 120, 8, RATE)
    assert is_below(intro, chorus, RATE) and not is_below(chorus, intro, RATE)
    assert not is_below(0.3 * chorus, chorus, RATE)


# --- prompts and rows ------------------------------------------------------------------------------------------------


def test_prompts_say_what_they_ask_for():
    prompts = draw_prompts(51)
    for prompt in prompts:
        request = GenerationRequest(prompt=prompt.text)
        assert asked_bpm(request) == prompt.bpm and asked_key(request) == prompt.key, prompt.text
        denied = any(words in prompt.text for words in ("no drums", "without drums", "drumless"))
        assert denied is not prompt.drums, prompt.text
    assert prompts == draw_prompts(51) and len({p.style for p in prompts}) == 17
    assert 0.1 < np.mean([not p.drums for p in prompts]) < 0.5


def test_highs_that_beat_with_the_frames_are_told_from_what_moves_otherwise():
    rng, t = np.random.default_rng(0), np.arange(20 * 48_000) / 48_000
    hats = 0.1 * rng.standard_normal(len(t)) * np.exp(-(t % 0.25) / 0.05)
    heard = {}
    for hz in (50, 100, 80):
        movement = measures.movement_of_highs(hats * (1 + 0.3 * np.cos(2 * np.pi * hz * t)), 48_000)
        heard[hz] = measures.beat_of_frames(movement, 50.0)
    assert heard[50] > 5 and heard[100] > 5 and heard[80] < 3


def test_a_share_is_judged_against_its_bar():
    assert share("x", [True] * 9 + [False], 90).met is True and share("x", [True, False], 90).met is False
    nothing = share("x", [], 90)
    assert nothing.met is None and nothing.value is None and "nothing" in nothing.note
    assert Result("x", 41.0, "MB", 40.0, at_most=True).met is False and Result("x", 1.0).met is None


def test_table_shows_bars_and_what_was_not_measured():
    text = report.table(
        [share("tempo", [True, False], 90, "note"), Result("speed", 0.1, "", 0.35, at_most=True), Result("style", None)]
    )
    assert "| tempo | 50 % | 2 | ≥ 90 % | **no** | note |" in text and "| speed | 0.10 |  | ≤ 0.35 | yes |" in text
    assert "| style | not measured |" in text


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg: install the Debian package ffmpeg")
def test_opus_keeps_length_time_and_most_of_the_sound():
    audio = clicks(120, 4, rate=48_000).astype(np.float32) + 0.5 * progression("A minor", 120, 4, 48_000).astype(np.float32)
    low, high = (codec_trial.through_opus(audio, 48_000, kbps) for kbps in (6, 96))
    assert len(low) == len(high) == len(audio)
    assert np.argmax(np.correlate(high[:4800], audio[:4800], "full")) - 4799 == pytest.approx(0, abs=12)
    assert measures.log_mel_distance_db(high, audio, 48_000) < measures.log_mel_distance_db(low, audio, 48_000)


def test_a_loop_has_the_tempo_of_its_own_beat_not_of_its_repeating():
    bar, strum = clicks(120, 2), np.zeros(round(3.5 * 24_000), np.float32)
    for time_s in (0.16, 0.35, 0.55, 0.72, 0.94, 1.18):
        strum[round(time_s * 24_000) :][:240] += np.hanning(240)
    assert loop_bpm(bar) == pytest.approx(120, rel=0.005)
    assert loop_bpm(np.tile(bar, 4)) == pytest.approx(120, rel=0.005)
    assert measure_bpm(round_and_round(strum), 24_000) is not None and loop_bpm(strum) is None


def test_a_clip_is_asked_to_play_what_it_does_not(tmp_path, monkeypatch):
    """Drums at the end of an intro without them, or in a chorus without; none in a chorus with them."""
    write_corpus(tmp_path, pieces=4, held_out=4)
    held_out, asked = Corpus(tmp_path, held_out=True), []
    house, ambient, *_ = held_out.names
    held_out.names = [house, ambient, ambient, house]

    def generate(engine, *, clip, **request):
        asked.append((clip, request["from_s"], request["prompt"], request["join"]))
        return np.zeros(240_000), 24_000, {}

    monkeypatch.setattr(trials, "generate", generate)
    listener = SimpleNamespace(hear=lambda audio, rate: Heard("house", 1.0, held_out.facts[house]["bpm"], (0, "major")))
    come, cease = trials.turn_trial(None, "model", held_out, listener, "fast", 4)
    bars = [held_out.facts[name]["bar_frames"] / 50 for name in held_out.names]
    wavs = [str(tmp_path / f"{name}.wav") for name in held_out.names]
    places = [4 * bars[0], 12 * bars[1], 12 * bars[2], 12 * bars[3]]
    assert asked == [
        (wav, pytest.approx(at), "drums", "new") for wav, at in zip(wavs[:3], places, strict=False)
    ] + [(wavs[3], pytest.approx(places[3]), "no drums", "new")]  # fmt: skip
    assert (come.value, come.count, cease.value, cease.count, come.bar) == (100, 3, 0, 1, None)
    assert come.note == "33 % in its tempo, 100 % in its key"
    assert all(result.value is None for result in trials.turn_trial(None, "model", held_out, listener, "fast", 0))


# --- the whole -------------------------------------------------------------------------------------------------------


def test_the_whole_evaluation_runs_and_judges_a_model_of_noise(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    corpus = tmp_path / "corpus"
    write_corpus(corpus, pieces=4, held_out=1)
    (tmp_path / "loops").mkdir()
    soundfile.write(tmp_path / "loops" / "beat.wav", clicks(120, 2, rate=48_000), 48_000)
    model = write_tiny_model(tmp_path / "model")
    folder = tmp_path / "report"
    options = ["--prompts", "1", "--corpus", str(corpus), "--loops", str(tmp_path / "loops"), "--report", str(folder)]
    assert main([str(model), *options, "--decode", "fast"]) == 0
    written = json.loads((folder / "results.json").read_text())
    rows = {row["name"]: row for row in written["results"]}
    assert rows["shipped weights"]["met"] is True
    assert rows["asked tempo met within 2 %"]["met"] is False and rows["asked tempo met within 2 %"]["count"] == 1
    assert rows["rhythmic loops keep their tempo within 3 %"]["details"] == []
    distance = rows["Fréchet distance to held-out music, times the codec's"]
    assert distance["count"] == 1 and distance["value"] > 0 and "after the codec" in distance["note"]
    turned = [row["count"] for name, row in rows.items() if name.startswith("drums ") and "beside a clip" in name]
    assert len(turned) == 2 and sum(turned) == 1
    takes = rows["loops joined without a click"]["details"]
    assert [take["bpm"] for take in takes] == [pytest.approx(120, rel=0.01)] * 3
    assert len({take["band_levels_db"] for take in takes}) == 3
    likeness = rows["level of each band, rhythmic loops and what follows"]
    assert likeness["count"] == 3 and likeness["value"] > 0 and "after the codec" in likeness["note"]
    assert "| asked tempo met within 2 % |" in capsys.readouterr().out
    assert (folder / "evaluation.png").stat().st_size > 10_000


def test_without_a_corpus_it_says_what_it_did_not_measure(tmp_path, capsys):
    model = write_tiny_model(tmp_path / "model", flow=False)
    assert main([str(model), "--prompts", "1"]) == 0
    assert "not measured" in capsys.readouterr().out


def test_bad_input_is_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "no model" in capsys.readouterr().err
    model = write_tiny_model(tmp_path / "model", flow=False)
    assert main([str(model), "--corpus", str(tmp_path)]) == 2
    assert "is no corpus" in capsys.readouterr().err
