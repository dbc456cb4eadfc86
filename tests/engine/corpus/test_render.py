"""The corpus: what a seed gives it always gives, bars are whole token frames, held-out pieces share nothing with the others."""

import json
import re
import shutil

import numpy as np
import pytest
import soundfile

from engine.corpus.arrange import DRUM_CHANNEL, FRAME_RATE, compose, tempi, to_midi
from engine.corpus.captions import caption
from engine.corpus.dataset import Corpus, halve_rate
from engine.corpus.render import SAMPLE_RATE, check, describe, is_held_out, render, render_piece
from engine.corpus.styles import PROGRESSIONS, STYLES
from tests.engine.conftest import needs_fluidsynth

OWN_STYLES = [style for style in STYLES if not style.mma]
needs_mma = pytest.mark.skipif(shutil.which("mma") is None, reason="needs mma: install the Debian package mma")


def piece(style, seed=0):
    return compose(style, np.random.default_rng([seed, 7]))


@pytest.mark.parametrize("style", OWN_STYLES, ids=lambda style: style.name)
def test_a_seed_gives_the_same_piece_and_another_seed_another(style):
    assert piece(style) == piece(style)
    assert any(piece(style, seed).notes != piece(style).notes for seed in (1, 2, 3))


@needs_mma
def test_mma_gives_the_same_notes_for_the_same_seed():
    style = next(style for style in STYLES if style.mma)
    assert piece(style) == piece(style)


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
def test_midi_meets_the_token_frames_to_a_tenth_of_a_millisecond(style):
    made = piece(style)
    tempo = next(m.tempo for m in to_midi(made).tracks[0] if m.type == "set_tempo")
    assert made.bars * style.beats * tempo / 1e6 == pytest.approx(made.seconds, abs=1e-4)


@needs_fluidsynth
def test_the_same_piece_twice_is_equal_bit_by_bit(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        render_piece(tmp_path / folder, 0, seed=1)
    for name in ("p000000.wav", "p000000.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    facts = json.loads((tmp_path / "a" / "p000000.json").read_text())
    audio, rate = soundfile.read(tmp_path / "a" / "p000000.wav")
    assert rate == SAMPLE_RATE and len(audio) == round(facts["seconds"] * rate)
    bar = facts["bar_frames"] * rate // FRAME_RATE
    verse = facts["sections"][1]["first_frame"] * rate // FRAME_RATE
    first, again = audio[verse + bar : verse + 2 * bar], audio[verse + 5 * bar : verse + 6 * bar]
    assert np.abs(first - again).max() < 0.05 * np.abs(first).max()  # the cycle of four bars comes round


@needs_fluidsynth
def test_rendering_goes_on_where_it_stopped(tmp_path):
    (tmp_path / "p000000.json").write_text("{}")
    render(tmp_path, range(0, 1))
    assert (tmp_path / "p000000.json").read_text() == "{}" and not (tmp_path / "p000000.wav").exists()


def test_silent_and_clipped_pieces_are_refused():
    facts = {"number": 1, "style": "house"}
    good = 0.2 * np.sin(np.arange(48_000))
    check(good, facts)
    for bad in (0.01 * good, 6 * good, np.where(np.arange(48_000) == 5, np.nan, good)):
        with pytest.raises(ValueError, match="house"):
            check(bad, facts)


def test_held_out_pieces_share_no_identity_with_the_others():
    """Style, progression, mode and tempo make an identity; all keys of it lie on the same side."""
    sides: dict[tuple, set[bool]] = {}
    flags = []
    for seed in range(25):
        for style in OWN_STYLES:
            facts = describe(piece(style, seed), 0, seed)
            identity = (facts["style"], tuple(facts["progression"]), facts["mode"], facts["bar_frames"])
            sides.setdefault(identity, set()).add(facts["held_out"])
            flags.append(facts["held_out"])
    assert all(len(side) == 1 for side in sides.values())
    assert len(sides) < len(flags) and 0.01 < np.mean(flags) < 0.12


def test_every_style_has_held_out_identities_and_most_are_for_training():
    for style in STYLES:
        flags = [
            is_held_out(style, mode, progression, frames)
            for mode in style.modes
            for progression in PROGRESSIONS[style.progressions, mode]
            for frames in tempi(style)
        ]
        assert 0 < sum(flags) < 0.25 * len(flags), style.name


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


def test_a_corpus_reads_one_side_only(corpus):
    training, held_out = Corpus(corpus), Corpus(corpus, held_out=True)
    assert training.names == ["p000000", "p000001"] and held_out.names == ["p000002"]
    crops = training.crops(5, 48_000, np.random.default_rng(0))
    assert crops.shape == (5, 48_000) and crops.abs().amax(1).min() > 1e-3
    assert (crops == training.crops(5, 48_000, np.random.default_rng(0))).all()


def test_halving_the_rate_keeps_what_is_below_and_drops_what_is_above():
    import torch

    t = torch.arange(48_000) / 48_000
    low, high = (torch.sin(2 * torch.pi * f * t)[None] for f in (1000, 20_000))
    assert halve_rate(low).shape == (1, 24_000)
    assert halve_rate(low)[0, 100:-100].square().mean() == pytest.approx(0.5, abs=0.005)
    assert halve_rate(high)[0, 100:-100].square().mean() < 1e-5
