"""How far a decoded recording is from the original: mono float [N] audio in, plain numbers out."""

from __future__ import annotations

import numpy as np
from scipy import signal

from engine.arrays import FloatArray
from engine.evaluation.measures import frechet_distance, timbre

FFT_S = (0.021, 0.043, 0.085)  # windows of the multi-resolution STFT: 512, 1024 and 2048 samples at 24 kHz
RANGE_DB = 80.0  # what lies further below the reference's loudest bin counts as being there
CLOUD_WINDOW_S, CLOUD_HOP_S = 1.0, 0.5
CLOUD_SPACE = (
    "40 numbers of each second (hop 0.5 s): means and deviations of 20 cepstral coefficients of the log-mel spectrum, "
    "24 kHz mono, each clip at the same level"
)


def stft_distance(audio: FloatArray, reference: FloatArray, samplerate: int) -> float:
    """Multi-resolution STFT distance (Yamamoto et al., arXiv 1910.11480): spectral convergence plus the mean absolute difference
    of the natural logarithms of the magnitudes, averaged over three window lengths. 0 for equal audio.
    """
    frames = min(len(audio), len(reference))
    return float(np.mean([_one_resolution(audio[:frames], reference[:frames], samplerate, window_s) for window_s in FFT_S]))


def _one_resolution(audio: FloatArray, reference: FloatArray, samplerate: int, window_s: float) -> float:
    size = 1 << round(np.log2(window_s * samplerate))
    a, b = (np.abs(signal.stft(sound, samplerate, nperseg=size, noverlap=size * 3 // 4)[2]) for sound in (audio, reference))
    floor = max(float(b.max()) * 10 ** (-RANGE_DB / 20), 1e-9)
    convergence = float(np.linalg.norm(a - b)) / max(float(np.linalg.norm(b)), 1e-9)
    return float(convergence + np.abs(np.log(np.maximum(a, floor)) - np.log(np.maximum(b, floor))).mean())


def si_sdr_db(audio: FloatArray, reference: FloatArray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., arXiv 1811.02508), of at most 100.

    It compares waveforms: a codec that plays other phases scores below 0 dB however alike it sounds.
    """
    frames = min(len(audio), len(reference))
    a, b = (np.asarray(sound[:frames], np.float64) - np.mean(sound[:frames]) for sound in (audio, reference))
    target = (a @ b) / max(b @ b, 1e-12) * b
    ratio = (target @ target) / max(np.sum((a - target) ** 2), 1e-12)
    return float(np.clip(10 * np.log10(max(ratio, 1e-12)), -100, 100))


def cloud(sounds: list[FloatArray], samplerate: int) -> FloatArray:
    """The points of CLOUD_SPACE that mono clips give: [windows, 40]."""
    sounds = [0.1 * sound / max(float(np.sqrt(np.mean(np.square(sound)))), 1e-6) for sound in sounds]
    window, hop = round(CLOUD_WINDOW_S * samplerate), round(CLOUD_HOP_S * samplerate)
    return np.stack(
        [
            timbre(sound[first : first + window], samplerate)
            for sound in sounds
            for first in range(0, max(1, len(sound) - window + 1), hop)
        ]
    )


def distance_between(made: list[FloatArray], real: list[FloatArray], samplerate: int) -> float | None:
    """Fréchet distance of two groups of clips in CLOUD_SPACE; None where one of them is too short for two points."""
    clouds = [cloud(clips, samplerate) if clips else np.zeros((0, 0)) for clips in (made, real)]
    return frechet_distance(*clouds) if min(map(len, clouds)) > 1 else None
