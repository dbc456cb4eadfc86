"""Notes have their pitch, their length and their loudness, whatever synthesiser plays them."""

import numpy as np
import pytest

from engine.corpus.styles import STYLES
from engine.corpus.synthesis.mix import DESKS, PARTS
from engine.corpus.synthesis.oscillators import SAMPLE_RATE
from engine.corpus.synthesis.synthesisers import ACID, PAD, VOICES, choose, play

HZ = 220.0


def bright(audio):
    """How much of the power lies above 600 Hz."""
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), SAMPLE_RATE)) ** 2
    return power[600:].sum() / power.sum()


def partials(audio):
    """How much of the power lies at multiples of HZ / 2."""
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), SAMPLE_RATE)) ** 2
    bins = np.arange(len(power))
    return power[np.abs((bins + HZ / 4) % (HZ / 2) - HZ / 4) < 12].sum() / power.sum()


@pytest.mark.parametrize("word", VOICES)
def test_a_note_has_its_pitch(word):
    for voice in VOICES[word]:
        note = play(voice, HZ, 0.5, 100)
        assert note.dtype == np.float32 and note.shape == (round((0.5 + voice.release) * SAMPLE_RATE), 2)
        assert partials(note[4_800:24_000].mean(1)) > 0.8
        assert np.isfinite(note).all() and np.abs(note[-1]).max() < 1e-3


def test_louder_notes_are_louder_and_brighter():
    soft, hard = (play(ACID, 55.0, 0.3, velocity).mean(1) for velocity in (60, 120))
    assert hard.std() > 1.5 * soft.std()
    assert bright(hard) > 1.5 * bright(soft)


def test_an_acid_note_closes_its_filter_and_a_knob_opens_it():
    note = play(ACID, 55.0, 0.5, 100).mean(1)
    assert bright(note[:4_800]) > 2 * bright(note[14_400:24_000])
    assert bright(play(ACID, 55.0, 0.5, 100, (2.0, 2.0)).mean(1)) > 1.5 * bright(note)


def test_a_pad_is_wide_and_mixes_to_mono():
    note = play(PAD, HZ, 1.0, 100)
    middle, side = note.mean(1), (note[:, 0] - note[:, 1]) / 2
    assert -14 < 20 * np.log10(side.std() / middle.std()) < 0


def test_every_part_of_the_electronic_styles_has_a_voice_and_seeds_differ():
    for style in STYLES:
        if style.name in DESKS:
            for part in PARTS:
                for word in getattr(style, part).instruments if getattr(style, part) else ():
                    assert choose(style.name, word, part, np.random.default_rng(0)) != choose(
                        style.name, word, part, np.random.default_rng(1)
                    )
