"""Composition: what a seed gives it always gives, and equal bars have equal notes."""

import re

import numpy as np
import pytest

from engine.corpus.arrange import compose
from engine.corpus.captions import caption
from engine.corpus.piece import DRUM_CHANNEL, FRAME_RATE
from engine.corpus.render import describe
from engine.corpus.styles import STYLES

OWN_STYLES = [style for style in STYLES if not style.mma]


def piece(style, seed=0):
    return compose(style, np.random.default_rng([seed, 7]))


@pytest.mark.parametrize("style", OWN_STYLES, ids=lambda style: style.name)
def test_a_seed_gives_the_same_piece_and_another_seed_another(style):
    assert piece(style) == piece(style)
    assert any(piece(style, seed).notes != piece(style).notes for seed in (1, 2, 3))


@pytest.mark.parametrize("style", OWN_STYLES, ids=lambda style: style.name)
def test_bars_are_whole_token_frames_and_equal_bars_have_equal_notes(style):
    made = piece(style)
    assert made.bar_frames % 2 == 0 and made.seconds * FRAME_RATE == made.bars * made.bar_frames
    assert style.bpm[0] * 0.98 < made.bpm < style.bpm[1] * 1.02
    assert [s.first_bar for s in made.sections] == list(np.cumsum([0, *(s.bars for s in made.sections)])[:-1])
    verse, cycle = made.sections[1], len(made.progression)

    def notes_of(bar):
        first = (verse.first_bar + bar) * style.beats
        here = [n for n in made.notes if first <= n.start < first + style.beats]
        return sorted((round(n.start - first, 6), n.pitch, n.velocity, n.channel) for n in here)

    assert notes_of(0) == notes_of(cycle) and notes_of(1) == notes_of(1 + cycle)


@pytest.mark.parametrize("style", OWN_STYLES, ids=lambda style: style.name)
def test_an_intro_has_fewer_and_softer_notes_than_the_chorus(style):
    made = piece(style)

    def notes_of(label):
        section = next(s for s in made.sections if s.label == label)
        first, after = section.first_bar * style.beats, (section.first_bar + section.bars) * style.beats
        here = [n for n in made.notes if first <= n.start < after]
        return len(here) / section.bars, np.mean([n.velocity for n in here])

    (few, soft), (many, loud) = notes_of("intro"), notes_of("chorus")
    assert few < many and soft < 0.95 * loud


@pytest.mark.parametrize("style", [style for style in OWN_STYLES if style.drums], ids=lambda style: style.name)
def test_drums_alone_play_from_beginning_to_end(style):
    """Every bar has some, and nothing else; its captions name no key."""
    rng = np.random.default_rng(3)
    made = next(p for p in iter(lambda: compose(style, rng, drums_alone=1.0), None) if "drums" in p.instruments)
    assert {n.channel for n in made.notes} == {DRUM_CHANNEL} and made.instruments == {"drums": "drums"}
    assert {int(n.start // style.beats) for n in made.notes} == set(range(made.bars))
    assert [s.first_bar for s in made.sections] == list(np.cumsum([0, *(s.bars for s in made.sections)])[:-1])
    facts = describe(made, 0, 0)
    words = [caption(facts, ["drums"], np.random.default_rng(n)) for n in range(50)]
    assert not any(re.search("major|minor", text) for text in words) and any("drums" in text for text in words)


@pytest.mark.parametrize("style", OWN_STYLES[:3], ids=lambda style: style.name)
def test_pieces_without_drums_can_be_asked_for(style):
    """The same music for the same seed, but for the drums."""
    bare, *more = (compose(style, np.random.default_rng(seed), drumless=1.0) for seed in range(8))
    assert all("drums" not in p.instruments and DRUM_CHANNEL not in {n.channel for n in p.notes} for p in (bare, *more))
    full = compose(style, np.random.default_rng(0), drums_alone=0.0, drumless=0.0)
    assert "drums" in full.instruments and (full.key, full.bpm, full.progression) == (bare.key, bare.bpm, bare.progression)
