"""A synthesised piece is a mix: in stereo, ducked by its kick, equal where music repeats, and not slow to make."""

import dataclasses

import numpy as np
import pytest

from engine.corpus.arrange import compose
from engine.corpus.piece import DRUM_CHANNEL, Note, Section
from engine.corpus.styles import KICK, STYLES
from engine.corpus.synthesis.mix import DESKS, _Clock, can_synthesise, ducks, filters, ping_pong, room, synthesise


def named(name):
    return next(style for style in STYLES if style.name == name)


def piece(name, bars=1, seed=3):
    """The first bars of a chorus."""
    whole = compose(named(name), np.random.default_rng(seed), drums_alone=0, drumless=0)
    chorus = next(section for section in whole.sections if section.label == "chorus")
    first, beats = chorus.first_bar * whole.style.beats, whole.style.beats
    notes = [dataclasses.replace(n, start=n.start - first) for n in whole.notes if first <= n.start < first + bars * beats]
    section = dataclasses.replace(chorus, first_bar=0, bars=bars)
    return dataclasses.replace(whole, notes=tuple(notes), sections=(section,))


@pytest.fixture(scope="module")
def house():
    return piece("house"), synthesise(piece("house"), np.random.default_rng(1))


def test_a_mix_is_stereo_fits_its_bars_and_is_another_with_another_seed(house):
    composed, audio = house
    assert audio.dtype == np.float32 and audio.shape == (composed.bars * composed.bar_frames * 960, 2)
    side, middle = (audio[:, 0] - audio[:, 1]) / 2, audio.mean(1)
    assert -30 < 20 * np.log10(side.std() / middle.std()) < -6 and np.abs(audio).max() < 1.5
    assert not np.array_equal(audio, synthesise(composed, np.random.default_rng(2)))


@pytest.mark.parametrize("name", [name for name in DESKS if name != "house"])
def test_every_electronic_style_plays(name):
    audio = synthesise(piece(name, bars=1), np.random.default_rng(0))
    assert np.isfinite(audio).all() and 0.1 < audio.std() < 0.7


def test_acoustic_styles_are_rejected():
    swing = piece("funk")
    assert not can_synthesise(swing)
    with pytest.raises(ValueError, match="funk is no electronic style: there are house, techno"):
        synthesise(swing, np.random.default_rng(0))


def test_the_fifth_bar_of_a_cycle_is_its_first_again():
    """But for what rings on from before, which has not begun in the first."""
    composed = piece("techno")
    repeated = [dataclasses.replace(n, start=n.start % 4) for n in composed.notes if n.start < 4]
    notes = [dataclasses.replace(n, start=n.start + 4 * bar) for bar in range(8) for n in repeated]
    composed = dataclasses.replace(composed, notes=tuple(notes), sections=(Section("chorus", 0, 8, ()),))
    audio = synthesise(composed, np.random.default_rng(0))
    bars = audio.reshape(8, -1, 2)
    assert np.abs(bars[3] - bars[7]).max() < 0.01 * np.abs(bars).max()


def test_the_kick_ducks_and_lets_go():
    composed = piece("house", bars=1)
    composed = dataclasses.replace(composed, notes=(Note(1.0, 0.2, KICK, 118, DRUM_CHANNEL),))
    clock = _Clock(composed)
    closed, beat = ducks(composed, clock), clock.at(1)
    assert closed[: beat + 1].max() == 0 and closed[beat + 96] > 0.9
    assert closed[beat + clock.at(0.4)] < 0.5 and not closed[beat + clock.at(0.75) :].any()


def test_filters_come_round_every_four_bars_and_rise_before_a_drop():
    composed = piece("trance", bars=8)
    knob = filters(composed, 1.0)
    note = lambda start: Note(start, 1.0, 60, 90, 1)  # noqa: E731
    assert knob(note(0.0))[0] == -1.0 and knob(note(8.0))[0] == 1.0 and knob(note(3.0)) == knob(note(19.0))
    rising = filters(dataclasses.replace(composed, sections=(Section("verse", 0, 8, (), build_up=4),)), 1.0)
    assert rising(note(16.0))[0] == -1.5 and rising(note(31.0))[1] == 1.5 and rising(note(0.0)) == knob(note(0.0))


def test_echoes_wander_and_a_room_rings():
    click = np.zeros((48_000, 2))
    click[0] = 1
    echoes = np.abs(ping_pong(click, 10_000, 0.5))
    assert echoes[:10_000].max() == 0
    sides = [int(echoes[n * 10_000 : n * 10_000 + 2_000].sum(0).argmax()) for n in (1, 2, 3)]
    assert sides == [1, 0, 1] and echoes[10_000:12_000].sum() > 1.8 * echoes[20_000:22_000].sum()
    tail = room(click, 0.5)
    assert np.abs(tail[:500]).max() < 1e-6 and np.abs(tail[1_000:4_000]).mean() > 20 * np.abs(tail[20_000:24_000]).mean()
    assert abs(np.corrcoef(tail.T)[0, 1]) < 0.1
