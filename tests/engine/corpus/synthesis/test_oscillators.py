"""Oscillators have the spectrum that is asked for, and nothing beside it."""

import numpy as np
import pytest

from engine.corpus.synthesis.oscillators import SAMPLE_RATE, drive, envelope, fm, harmonics, ladder, read_tables, tables_of


def spectrum(audio):
    """Amplitudes of a second of audio, one a Hz."""
    return np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) / len(audio) * 4


def played(wave, hz, count=40):
    spectra = np.repeat(harmonics(wave, count)[None], 2, axis=0)
    return read_tables(tables_of(spectra), np.full(SAMPLE_RATE, float(hz)), SAMPLE_RATE // 2, 0.0)


def test_a_saw_has_all_harmonics_and_a_square_the_odd_ones():
    saw, square = spectrum(played("saw", 441)), spectrum(played("pulse", 441))
    for number in range(1, 12):
        assert saw[441 * number] == pytest.approx(1 / number, rel=0.02)
        assert square[441 * number] == pytest.approx(2 / number if number % 2 else 0, rel=0.02, abs=0.005)


def test_nothing_folds_back():
    """41 harmonics of 441 Hz end below half the rate: 60 dB below the lowest there is nothing between them."""
    levels = spectrum(played("saw", 441))
    between = levels[[441 * number + offset for number in range(1, 50) for offset in (100, 200, 300)]]
    assert between.max() < 1e-3


def test_the_ladder_falls_by_24_db_an_octave_and_resonates_at_its_cutoff():
    flat = np.abs(ladder(np.array([100.0, 8_000.0, 16_000.0]), np.array([1_000.0]), 0.0))[0]
    assert flat[0] == pytest.approx(1, abs=0.05) and 20 * np.log10(flat[1] / flat[2]) == pytest.approx(24, abs=0.5)
    sharp = np.abs(ladder(np.geomspace(100, 10_000, 200), np.array([1_000.0]), 0.85))[0]
    assert sharp.max() > 4 * sharp[0] and np.geomspace(100, 10_000, 200)[sharp.argmax()] == pytest.approx(1_000, rel=0.1)


def test_a_moving_filter_moves_without_steps():
    hz = 110 * np.arange(1, 150)
    spectra = harmonics("saw", 149) * ladder(hz, np.geomspace(100, 8_000, 101), 0.5)
    audio = read_tables(tables_of(spectra), np.full(24_000, 110.0), 240, 0.0)
    bright = [spectrum(part)[1_000 // 20 :].sum() for part in np.split(audio, 10)]
    assert min(bright[-3:]) > 100 * max(bright[:3])
    assert spectrum(audio)[18_000 // 2 :].max() < 1e-4  # steps would be clicks, and clicks have highs


def test_fm_has_side_bands_and_an_envelope_rises_holds_and_ends():
    levels = spectrum(fm(1_000, SAMPLE_RATE, 0.5, np.full(SAMPLE_RATE, 1.0)))
    assert levels[500] > 0.3 and levels[1_500] > 0.3 and levels[1_250] < 1e-3
    shape = envelope(48_000, 0.5, 0.1, 0.1, 0.4, 0.2)
    assert shape[0] == 0 and shape.max() == pytest.approx(1, abs=0.01) and shape[-1] == 0
    assert shape[23_000] == pytest.approx(0.4, abs=0.03) and shape[36_000] < 0.02


def test_saturation_keeps_peaks_and_an_unknown_waveform_is_named():
    assert drive(np.array([-1.0, 0.0, 1.0]), 2.0).tolist() == pytest.approx([-1, 0, 1])
    assert drive(np.array([0.3]), 2.0)[0] > 0.5
    with pytest.raises(ValueError, match="no waveform noise: there are sine, saw"):
        harmonics("noise", 4)
