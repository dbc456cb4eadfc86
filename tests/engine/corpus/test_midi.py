"""Pieces as MIDI files: their tempo meets the token frames, their notes and programs are those of the piece."""

import numpy as np
import pytest

from engine.corpus.arrange import compose
from engine.corpus.midi import to_midi
from engine.corpus.styles import STYLES

OWN_STYLES = [style for style in STYLES if not style.mma]


def piece(style, seed=0):
    return compose(style, np.random.default_rng([seed, 7]))


@pytest.mark.parametrize("style", OWN_STYLES, ids=lambda style: style.name)
def test_midi_meets_the_token_frames_to_a_tenth_of_a_millisecond(style):
    made = piece(style)
    tempo = next(m.tempo for m in to_midi(made).tracks[0] if m.type == "set_tempo")
    assert made.bars * style.beats * tempo / 1e6 == pytest.approx(made.seconds, abs=1e-4)


@pytest.mark.parametrize("style", OWN_STYLES[:4], ids=lambda style: style.name)
def test_a_file_has_every_note_and_each_channel_its_program(style):
    made = piece(style)
    messages = [message for track in to_midi(made).tracks for message in track]
    assert sum(m.type == "note_on" for m in messages) == sum(m.type == "note_off" for m in messages) == len(made.notes)
    programs = {m.channel: m.program for m in messages if m.type == "program_change"}
    assert programs == {channel: made.programs.get(channel, 0) for channel in {note.channel for note in made.notes}}
