"""The corpus: what a seed gives it always gives, bars are whole token frames, held-out pieces share nothing with the others."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.corpus.arrange import compose, tempi
from engine.corpus.dataset import Corpus
from engine.corpus.piece import FRAME_RATE
from engine.corpus.render import SAMPLE_RATE, check, describe, is_held_out, render, render_piece
from engine.corpus.styles import PROGRESSIONS, STYLES
from tests.engine.conftest import needs_fluidsynth

OWN_STYLES = [style for style in STYLES if not style.mma]


def piece(style, seed=0):
    return compose(style, np.random.default_rng([seed, 7]))


@needs_fluidsynth
@pytest.mark.parametrize("number, synthesised", [(0, 0.0), (1, 1.0)])
def test_the_same_piece_twice_is_equal_bit_by_bit(tmp_path, number, synthesised):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        render_piece(tmp_path / folder, number, seed=1, synthesised=synthesised)
    piece = f"p{number:06d}"
    for name in (f"{piece}.wav", f"{piece}.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    facts = json.loads((tmp_path / "a" / f"{piece}.json").read_text())
    audio, rate = soundfile.read(tmp_path / "a" / f"{piece}.wav")
    assert rate == SAMPLE_RATE and len(audio) == round(facts["seconds"] * rate)
    bar = facts["bar_frames"] * rate // FRAME_RATE
    verse = facts["sections"][1]["first_frame"] * rate // FRAME_RATE
    first, again = audio[verse + bar : verse + 2 * bar], audio[verse + 5 * bar : verse + 6 * bar]
    assert np.abs(first - again).max() < 0.05 * np.abs(first).max()  # the cycle of four bars comes round


def test_electronic_styles_are_synthesised_without_a_soundfont_and_in_stereo_if_asked(tmp_path):
    """Number 1 is techno."""
    facts = render_piece(tmp_path, 1, seed=1, soundfont=Path("none"), stereo=True)
    audio, _ = soundfile.read(tmp_path / "p000001.wav")
    assert facts["style"] == "techno" and facts["synthesised"] and audio.shape == (round(facts["seconds"] * SAMPLE_RATE), 2)
    assert np.abs(audio[:, 0] - audio[:, 1]).max() > 0.05
    middle = Corpus(tmp_path, held_out=facts["held_out"]).read("p000001")
    assert np.allclose(middle, audio.mean(1), atol=1e-4)


@needs_fluidsynth
def test_rendering_goes_on_where_it_stopped(tmp_path):
    (tmp_path / "p000000.json").write_text("{}")
    render(tmp_path, range(0, 1))
    assert (tmp_path / "p000000.json").read_text() == "{}" and not (tmp_path / "p000000.wav").exists()


def test_silent_and_clipped_pieces_are_rejected():
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
