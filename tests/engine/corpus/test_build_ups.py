"""Build-ups: the roll grows, the sweep rises, nothing plays on the last beat, and what is around them stays as it was."""

import json

import numpy as np
import pytest
import soundfile

from engine.corpus.arrange import compose
from engine.corpus.build_ups import BARS, BASS_CHANNEL, WITHOUT_BASS, add_sweeps, build_up, may_build_up
from engine.corpus.piece import DRUM_CHANNEL
from engine.corpus.render import SAMPLE_RATE, render_piece
from engine.corpus.styles import KICK, SNARE, STYLES
from tests.engine.conftest import needs_fluidsynth

BUILDING = [style for style in STYLES if style.build_ups]
RATE = 12_000


def composed(style, seed=0):
    return compose(style, np.random.default_rng(seed), drums_alone=0.0, drumless=0.0)


def beats_of(piece):
    """First beat, first without bass, the gap, the chorus: in beats."""
    verse = next(section for section in piece.sections if section.build_up)
    after = (verse.first_bar + verse.bars) * piece.style.beats
    return after - BARS * piece.style.beats, after - WITHOUT_BASS * piece.style.beats, after - 1, after


@pytest.mark.parametrize("style", BUILDING, ids=lambda style: style.name)
def test_the_verse_leads_to_the_chorus(style):
    plain = composed(style)
    assert may_build_up(plain)
    built = build_up(plain)
    first, thin, gap, chorus = beats_of(built)
    assert [s.label for s in built.sections if s.build_up] == ["verse"]
    assert {n for n in built.notes if not first <= n.start < chorus} == {n for n in plain.notes if not first <= n.start < chorus}
    assert not [n for n in built.notes if gap <= n.start < chorus]
    assert not [n for n in built.notes if n.start < gap < n.start + n.length <= chorus]
    rising = [n for n in built.notes if thin <= n.start < chorus]
    assert rising and not [n for n in rising if n.channel == BASS_CHANNEL or (n.channel == DRUM_CHANNEL and n.pitch == KICK)]


@pytest.mark.parametrize("style", BUILDING, ids=lambda style: style.name)
def test_the_roll_grows_denser_and_louder(style):
    built = build_up(composed(style))
    first, _, gap, _ = beats_of(built)
    snare = [n for n in built.notes if (n.channel, n.pitch) == (DRUM_CHANNEL, SNARE)]
    roll = sorted((n for n in snare if first <= n.start < gap), key=lambda n: n.start)
    bars = [sum(first + 4 * bar <= n.start < first + 4 * (bar + 1) for n in roll) for bar in range(BARS)]
    assert bars == [4, 8, 16, 12]  # the last one without its last beat
    velocities = [n.velocity for n in roll]
    assert velocities == sorted(velocities) and velocities[-1] > 2 * velocities[0]


def test_the_sweep_rises_until_the_gap_and_nothing_else_changes():
    built = build_up(composed(BUILDING[0]))
    bar = built.bar_frames * RATE // 50
    audio = 0.1 * np.random.default_rng(1).standard_normal(built.bars * bar)
    first, _, gap, chorus = (round(beat * bar / 4) for beat in beats_of(built))
    sweep = add_sweeps(audio, built, RATE) - audio
    assert not sweep[:first].any() and not sweep[gap:].any() and chorus - gap == bar // 4
    assert np.array_equal(sweep, add_sweeps(audio, built, RATE) - audio)
    quarters = np.array_split(sweep[first:gap], 4)
    levels = [np.sqrt(np.mean(quarter**2)) for quarter in quarters]
    assert levels == sorted(levels) and levels[-1] > 8 * levels[0] and levels[-1] < 0.1
    spectra = [np.abs(np.fft.rfft(quarter)) ** 2 for quarter in quarters]
    centres = [np.sum(s * np.arange(len(s))) / np.sum(s) / len(s) for s in spectra]
    assert centres == sorted(centres) and centres[-1] > 3 * centres[0]
    plain = composed(BUILDING[0])
    assert np.array_equal(add_sweeps(audio, plain, RATE), audio)


@pytest.mark.parametrize("style", [s for s in STYLES if not s.build_ups and not s.mma], ids=lambda style: style.name)
def test_other_styles_do_not_build_up(style):
    assert not may_build_up(composed(style))


def test_without_drums_there_is_none():
    assert not may_build_up(compose(BUILDING[0], np.random.default_rng(0), drumless=1.0))
    assert not may_build_up(compose(BUILDING[0], np.random.default_rng(0), drumless=0.0, drums_alone=1.0))


@needs_fluidsynth
def test_asked_for_a_rendered_piece_has_one_and_no_other_does(tmp_path):
    """Number 0 is house."""
    (tmp_path / "built").mkdir()
    plain = render_piece(tmp_path, 0, seed=1, drumless=0.0, synthesised=0.0)
    built = render_piece(tmp_path / "built", 0, seed=1, drumless=0.0, build_ups=1.0)
    assert "build_up" not in json.dumps(plain) and plain["bpm"] == built["bpm"]
    assert built["synthesised"] and "synthesised" not in plain
    verse = next(s for s in built["sections"] if s.get("build_up") == BARS)
    audio, _ = soundfile.read(tmp_path / "built" / "p000000.wav")
    after = (verse["first_frame"] + verse["frames"]) * SAMPLE_RATE // 50
    beat = built["bar_frames"] * SAMPLE_RATE // 200
    level = lambda part: np.sqrt(np.mean(part**2))  # noqa: E731
    assert level(audio[after - beat // 2 : after - 500]) < 0.1 * level(audio[after - 2 * beat : after - beat])
    assert level(audio[after : after + beat]) > 0.5 * level(audio)
