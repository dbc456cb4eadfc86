"""Measures music: tempo, key, and how clean a join is. Mono float32 [frames] in, plain numbers out."""

from __future__ import annotations

import numpy as np
from scipy import signal

# Krumhansl and Kessler's key profiles (Psychological Review 89, 1982), from the tonic upwards.
PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
ONSET_RATE = 100.0  # Hz of the onset envelope


def onset_envelope(audio: np.ndarray, samplerate: int) -> np.ndarray:
    """Spectral flux in log-magnitude, one value a 10 ms hop: [n], mean 0."""
    hop = round(samplerate / ONSET_RATE)
    n_fft = 1 << (2 * hop - 1).bit_length()
    if len(audio) < 2 * n_fft:
        return np.zeros(0)
    _, _, spectrum = signal.stft(audio, samplerate, nperseg=n_fft, noverlap=n_fft - hop, boundary=None, padded=False)
    bands = np.add.reduceat(np.abs(spectrum), np.unique(np.geomspace(1, len(spectrum) - 1, 40).astype(int)), axis=0)
    flux = np.maximum(0, np.diff(np.log1p(1000 * bands), axis=1)).mean(0)
    return flux - flux.mean()


def measure_bpm(audio: np.ndarray, samplerate: int, *, near: float | None = None) -> float | None:
    """Tempo in beats per minute, None where there is no beat.

    The onset envelope's autocorrelation, summed over the period's multiples and weighted towards 60 to 180 bpm. `near` breaks the
    tie between a tempo, its half and its double: the octave nearest to it wins where its evidence is at least half the best.
    """
    flux = onset_envelope(audio, samplerate)
    if len(flux) < 3 * ONSET_RATE or flux.std() < 1e-6:
        return None
    size = len(flux)
    padded = np.fft.rfft(flux, 2 * size)
    correlation = np.fft.irfft(np.abs(padded) ** 2)[:size] / np.maximum(size - np.arange(size), size // 4)
    correlation /= correlation[0]
    tempi = np.geomspace(50, 200, 1600)
    score = _comb(correlation, tempi)
    if score.max() < 0.05:
        return None
    prior = np.exp(-0.5 * (np.log2(tempi / (near or 115.0)) / (0.35 if near else 0.9)) ** 2)
    best = tempi[np.argmax(score * prior)]
    fine = best * np.linspace(0.985, 1.015, 241)
    return float(fine[np.argmax(_comb(correlation, fine, multiples=range(1, 33)))])


def _comb(correlation: np.ndarray, tempi: np.ndarray, multiples: range = range(1, 9)) -> np.ndarray:
    """Mean autocorrelation at multiples of each tempo's beat period."""
    period = 60 * ONSET_RATE / tempi
    total, count = np.zeros(len(tempi)), np.zeros(len(tempi))
    for multiple in multiples:
        lag = period * multiple
        inside = lag < len(correlation) - 1
        total[inside] += np.interp(lag[inside], np.arange(len(correlation)), correlation)
        count += inside
    return total / np.maximum(count, 1)


def chroma(audio: np.ndarray, samplerate: int) -> np.ndarray:
    """Energy of the twelve pitch classes between 55 and 2,000 Hz, [12] from C, sum 1."""
    n_fft = 1 << int(np.ceil(np.log2(samplerate / 3)))
    if len(audio) < n_fft:
        audio = np.pad(audio, (0, n_fft - len(audio)))
    frequency, _, spectrum = signal.stft(audio, samplerate, nperseg=n_fft, noverlap=n_fft // 2, boundary=None)
    energy = np.sqrt(np.abs(spectrum)).mean(1)
    inside = (frequency > 55) & (frequency < 2000)
    pitch = 69 + 12 * np.log2(frequency[inside] / 440)
    nearness = np.maximum(0, 1 - 4 * np.abs(pitch - np.round(pitch)))  # between two notes tells nothing
    weight = np.bincount(np.round(pitch).astype(int) % 12, energy[inside] * nearness * (200 / frequency[inside]) ** 0.3, 12)
    return weight / max(weight.sum(), 1e-12)


def measure_key(audio: np.ndarray, samplerate: int) -> tuple[int, str]:
    """(pitch class, mode) whose profile correlates best with the chroma."""
    energy = chroma(audio, samplerate)
    scores = {(tonic, mode): np.corrcoef(energy, np.roll(profile, tonic))[0, 1] for mode, profile in PROFILES.items() for tonic in range(12)}
    return max(scores, key=scores.get)


def join_report(audio: np.ndarray, samplerate: int, join_frame: int) -> dict[str, float]:
    """How a join at `join_frame` sounds: level step in dB over 1 s either side, and the click: energy above 6 kHz in the 10 ms around
    it against the loudest such 10 ms within half a second either side, in dB (0 or less: no louder than the music itself)."""
    before, after = audio[max(0, join_frame - samplerate) : join_frame], audio[join_frame : join_frame + samplerate]
    high = signal.sosfilt(signal.butter(4, min(6000, 0.4 * samplerate), "high", fs=samplerate, output="sos"), audio.astype(np.float64))
    block = samplerate // 100
    here = _power(high[max(0, join_frame - block // 2) : join_frame + block // 2])
    around = [
        _power(high[start : start + block])
        for start in range(max(0, join_frame - samplerate // 2), min(len(high) - block, join_frame + samplerate // 2), block)
        if abs(start + block / 2 - join_frame) > 1.5 * block
    ]
    level = 10 * np.log10((_power(after) + 1e-12) / (_power(before) + 1e-12))
    return {"level_db": round(float(level), 2), "click_db": round(float(10 * np.log10((here + 1e-12) / (max(around, default=0) + 1e-12))), 1)}


def _power(audio: np.ndarray) -> float:
    return float(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
