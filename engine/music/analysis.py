"""Measures music: tempo, key, and how clean a join is. Mono float32 [frames] in, plain numbers out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from engine.arrays import FloatArray

# How much each degree from the tonic upwards speaks for a key, in the logarithm of its chroma: what is missing says as much as
# what is there, most of all the degree of the next key in the circle of fifths. From engine.training.key_profiles.
PROFILES = {
    "major": (3, -3, 0, -3, 2, 2, -2, 3, -2, 2, -5, 2),
    "minor": (6, -6, 2, 2, -2, 0, -2, 2, 2, -3, 2, -2),
}
CHROMA_FLOOR = 0.02  # below which a pitch class is not there
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
SCALE_SHARE = 0.64  # of the chroma inside the best scale: 0.65 to 0.87 in music, 0.6 to 0.63 in drum loops, 0.58 were all alike
NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
ONSET_RATE = 100.0  # Hz of the onset envelope, as near as whole samples allow
STEADY = 0.005  # deviation of the envelope under which nothing but the beating of held notes moves; ambient music has 0.01
ONSET_LAG = 3.0  # windows from where the envelope rises most to the onset: 2.8 for most instruments, 4 for clicks
GRID_STRENGTH = 0.2  # of the onsets' mean direction on the circle of a sixteenth; scattered ones have 0.05
TEMPI = np.geomspace(50, 200, 1600)  # bpm that measure_bpm compares before it refines
CHROMA_RANGE = (60.0, 1000.0)  # Hz: above, the overtones of thirds and fifths outnumber the notes
BLOCK_VALUES = 250_000  # of a spectrogram that are in memory at once, however long the audio is


def onset_envelope(audio: FloatArray, samplerate: int) -> tuple[FloatArray, float]:
    """How much louder the spectrum gets at each moment: ([n], rate in Hz), mean 0, slow changes removed.

    Rising log-magnitude in up to 80 bands against the loudest neighbour band two hops before, so that vibrato is no onset
    (SuperFlux, Böck and Widmer, DAFx 2013).
    """
    hop = round(samplerate / ONSET_RATE)
    n_fft = 1 << round(np.log2(0.085 * samplerate))
    if len(audio) < 2 * n_fft:
        return np.zeros(0), samplerate / hop
    edges = np.unique(np.geomspace(1, n_fft // 2, 80).astype(int))
    blocks = _magnitudes(audio, samplerate, "hann", n_fft, hop)
    bands = np.concatenate([np.add.reduceat(block, edges, axis=0) for block, _, _ in blocks], axis=1)
    scale, count, ahead = 10 / max(bands.mean(), 1e-6), bands.shape[1], 2
    flux = np.zeros(max(0, count - ahead), bands.dtype)
    for first in range(0, len(flux), size := BLOCK_VALUES // len(bands)):
        level = np.log1p(scale * bands[:, first : first + size + ahead])
        before = ndimage.maximum_filter1d(level, 3, axis=0)
        flux[first : first + size] = np.maximum(0, level[:, ahead:] - before[:, :-ahead]).mean(0)
    flux -= ndimage.uniform_filter1d(flux, round(ONSET_RATE))
    return flux - flux.mean(), samplerate / hop


def measure_bpm(audio: FloatArray, samplerate: int, *, near: float | None = None, within: float | None = None) -> float | None:
    """Tempo in beats per minute from 50 to 200, None where there is no beat or less than 3 s to find one in.

    The onset envelope's autocorrelation, averaged over the beat period's multiples. A tempo's half and double fit almost as well;
    a preference, as wide as a third of an octave around `near` and twice as wide around 115 without it, decides. within: the
    share by which it may differ from `near` at all.
    """
    flux, rate = onset_envelope(audio, samplerate)
    size = len(flux)
    if size < 3 * rate or flux.std() < STEADY:
        return None
    correlation = autocorrelation(flux)
    score = comb(correlation, TEMPI, rate)
    if score.max() < 0.3 * (size / rate) ** -0.5:  # what noise reaches falls with the root of the duration
        return None
    preference = np.exp(-0.5 * (np.log2(TEMPI / (near or 115.0)) / (0.35 if near else 0.8)) ** 2)
    if within is not None:
        assert near is not None, "within says how far from near"
        preference = np.abs(TEMPI / near - 1) <= within
    best = TEMPI[np.argmax(score * preference)]
    fine = best * np.linspace(0.985, 1.015, 241)
    return float(fine[np.argmax(comb(correlation, fine, rate, multiples=range(1, 33)))])


def grid_offset(audio: FloatArray, samplerate: int, bpm: float, beat: float) -> float:
    """By how many beats, at most an eighth of one either way, onsets come later than the sixteenths of a steady tempo.

    `beat` is the beat the first sample is taken for. 0 where onsets keep to no such grid.
    """
    flux, rate = onset_envelope(audio, samplerate)
    if not flux.any():
        return 0.0
    n_fft = 1 << round(np.log2(0.085 * samplerate))
    time = (np.arange(len(flux)) + ONSET_LAG) / rate + n_fft / 2 / samplerate
    onsets = np.maximum(flux, 0)
    mean = onsets @ np.exp(2j * np.pi * 4 * (beat + time * bpm / 60)) / onsets.sum()
    return float(np.angle(mean) / (2 * np.pi * 4)) if abs(mean) > GRID_STRENGTH else 0.0


def autocorrelation(flux: FloatArray) -> FloatArray:
    """How alike an onset envelope [n], not all 0, is to itself from each number of its frames on: [n], 1 at none.

    At long lags little overlaps, and is not blown up beyond four times.
    """
    size = len(flux)
    correlation: FloatArray = np.fft.irfft(np.abs(np.fft.rfft(flux, 2 * size)) ** 2)[:size]
    correlation /= np.maximum(size - np.arange(size), size // 4)
    correlation /= correlation[0]
    return correlation


def comb(correlation: FloatArray, tempi: FloatArray, rate: float, multiples: range = range(1, 9)) -> FloatArray:
    """Mean autocorrelation of an envelope at `rate` Hz at multiples of each tempo's beat period: [tempi]."""
    period = 60 * rate / tempi
    total, count = np.zeros(len(tempi)), np.zeros(len(tempi))
    for multiple in multiples:
        lag = period * multiple
        inside = lag < len(correlation) - 1
        total[inside] += np.interp(lag[inside], np.arange(len(correlation)), correlation)
        count += inside
    total /= np.maximum(count, 1)
    return total


def chroma(audio: FloatArray, samplerate: int) -> FloatArray:
    """How strongly each pitch class sounds, on average over time whatever the level: [12] from C, sum 1 (0 for silence)."""
    energy: FloatArray = chroma_by_register(audio, samplerate, (CHROMA_RANGE,))[0]
    return energy


def chroma_by_register(audio: FloatArray, samplerate: int, registers: Sequence[tuple[float, float]]) -> FloatArray:
    """`chroma` of each of `registers`, which are spans of frequency in Hz: [registers, 12]."""
    n_fft = 1 << round(np.log2(0.68 * samplerate))  # two notes a semitone apart are two peaks down to 60 Hz
    if len(audio) < n_fft:
        audio = np.pad(audio, (0, n_fft - len(audio)))
    hop = n_fft // 4
    found: list[list[FloatArray]] = [[] for _ in registers]
    for block, first, last in _magnitudes(audio, samplerate, "blackmanharris", n_fft, hop, around=2):
        # A drum is there in one window of many; a note stays. Only what is in the median of neighbouring windows counts.
        lasting = ndimage.median_filter(block, (1, 5), mode="nearest")
        level = np.log(np.minimum(block, lasting)[:, first:last] + 1e-9)
        pitch, frequency, strength, window = _partials(level, samplerate / n_fft)
        for classes, (lowest, highest) in zip(found, registers, strict=True):
            inside = (frequency > lowest) & (frequency < highest)
            sums = np.zeros((level.shape[1], 12))
            np.add.at(sums, (window[inside], np.round(pitch[inside]).astype(int) % 12), strength[inside])
            classes.append(sums)
    return np.array([_on_average(np.concatenate(classes)) for classes in found])


def _partials(level: FloatArray, bin_hz: float) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.intp]]:
    """Peaks of a logarithmic spectrogram [bins, windows]: each one's MIDI pitch, frequency in Hz, strength and window."""
    low, here, high = level[:-2], level[1:-1], level[2:]
    bin_, window = np.nonzero((here > low) & (here >= high))
    low, here, high = low[bin_, window], here[bin_, window], high[bin_, window]
    frequency = (bin_ + 1 + 0.5 * (low - high) / (low - 2 * here + high)) * bin_hz  # parabola through the peak
    pitch = 69 + 12 * np.log2(frequency / 440)
    strength = np.exp(0.7 * here) * np.cos(np.pi * (pitch - np.round(pitch))) ** 2  # between two notes says nothing
    return pitch, frequency, strength, window


def _on_average(classes: FloatArray) -> FloatArray:
    """How strongly each pitch class sounds in each window [windows, 12] → [12], each window counting alike but for silence."""
    total = classes.sum(1, keepdims=True)
    energy = (classes / (total + 1e-3 * total.max() + 1e-12)).mean(0)
    energy /= max(energy.sum(), 1e-12)
    return np.asarray(energy)


def _magnitudes(
    audio: FloatArray, samplerate: int, window: str, n_fft: int, hop: int, around: int = 0
) -> Iterator[tuple[FloatArray, int, int]]:
    """The magnitude spectrogram in blocks [bins, windows], and which of a block's windows are its own: up to `around` on either
    side belong to its neighbours. All of it at once would take more than a megabyte for each second.
    """
    count, size = (len(audio) - n_fft) // hop + 1, max(1, BLOCK_VALUES // (n_fft // 2 + 1))
    for first in range(0, count, size):
        begin, end, last = max(0, first - around), min(count, first + size + around), min(count, first + size)
        piece = audio[begin * hop : (end - 1) * hop + n_fft]
        _, _, spectrum = signal.stft(piece, samplerate, window, n_fft, n_fft - hop, boundary=None, padded=False)
        yield np.abs(spectrum), first - begin, last - begin


def measure_key(audio: FloatArray, samplerate: int) -> tuple[int, str] | None:
    """(pitch class, mode) whose profile fits the chroma best; None where no scale stands out, as in drums and noise.

    A key and its relative share a scale and are easily confused.
    """
    energy = chroma(audio, samplerate)
    measured = log_chroma(energy)
    tonic, mode = max(
        ((k, mode) for mode in PROFILES for k in range(12)), key=lambda key: measured @ np.roll(PROFILES[key[1]], key[0])
    )
    inside = energy[(tonic + np.array(SCALES[mode])) % 12].sum()
    return (tonic, mode) if inside >= SCALE_SHARE else None


def log_chroma(energy: FloatArray) -> FloatArray:
    """How clearly each pitch class is there or is not, mean 0: what PROFILES are for."""
    levels: FloatArray = np.log(energy + CHROMA_FLOOR)
    levels -= levels.mean()
    return levels


def key_name(key: tuple[int, str]) -> str:
    """(9, "minor") → "A minor"."""
    return f"{NOTE_NAMES[key[0]]} {key[1]}"


def scale_of(key: tuple[int, str]) -> int:
    """The pitch class of the major scale that has a key's notes: that of A minor is C's."""
    tonic, mode = key
    return (tonic + 3) % 12 if mode == "minor" else tonic


@dataclass(frozen=True)
class JoinReport:
    """How a join sounds, in dB, see `join_report`."""

    level_db: float
    click_db: float


def join_report(audio: FloatArray, samplerate: int, join_frame: int) -> JoinReport:
    """How a join at `join_frame` sounds, in dB: the level's step, from one second before to one after, and the click.

    Click: power above 6 kHz in the 10 ms around the join against the loudest such 10 ms within half a second either side; 0 or
    less is no louder than the music itself. Right beside the join counts too: a stroke on the beat sounds on, a click is over.
    """
    before, after = audio[max(0, join_frame - samplerate) : join_frame], audio[join_frame : join_frame + samplerate]
    edge = signal.butter(4, min(6000, 0.4 * samplerate), "high", fs=samplerate, output="sos")
    high = signal.sosfilt(edge, audio.astype(np.float64))
    block, half = samplerate // 100, samplerate // 2
    here = _power(high[max(0, join_frame - block // 2) : join_frame + block // 2])
    before_it = range(join_frame - block // 2 - block, max(0, join_frame - half) - 1, -block)
    after_it = range(join_frame + block // 2, min(len(high), join_frame + half) - block + 1, block)
    around = [_power(high[start : start + block]) for start in (*before_it, *after_it)]
    level_db, click_db = _ratio_db(_power(after), _power(before)), _ratio_db(here, max(around, default=0))
    return JoinReport(round(level_db, 2), round(click_db, 1))


def _ratio_db(power: float, reference: float) -> float:
    return float(10 * np.log10((power + 1e-12) / (reference + 1e-12)))


def _power(audio: FloatArray) -> float:
    return float(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
