"""The tables of styles: bars of the right length, instruments that General MIDI has, names that no two styles share."""

import pytest

from engine.corpus.styles import PROGRAMS, PROGRESSIONS, STYLES


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_patterns_fill_a_bar_and_instruments_are_known(style):
    steps = 4 * style.beats
    for part in (style.bass, style.chords, style.pad):
        if part is not None:
            assert {len(pattern) for pattern in part.patterns} == {steps} and set("".join(part.patterns)) <= set(".-1857cabd")
    assert all(len(pattern) == steps and set(pattern) <= set(".xXo") for drums in style.drums for pattern in drums.values())
    parts = [part for part in (style.bass, style.chords, style.pad, style.lead) if part is not None]
    assert all(word in PROGRAMS for part in parts for word in part.instruments)
    assert all((style.progressions, mode) in PROGRESSIONS for mode in style.modes) and style.bpm[0] < style.bpm[1]


def test_a_word_names_one_style():
    words = [word for style in STYLES for word in (style.name, *style.synonyms)]
    assert len(words) == len(set(words))
