"""Sound generators: oscillators without aliases through a resonant filter that moves, FM, envelopes.

A filtered oscillator is a wavetable that is computed anew every few milliseconds: the waveform's harmonics times the filter's
response at that moment. It costs the same for one harmonic as for 500, needs no sample-by-sample loop, and nothing folds back.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.arrays import Audio, FloatArray

SAMPLE_RATE = 48_000
TOP_HZ = 18_000.0  # no harmonic is higher


def harmonics(wave: str, count: int, width: float = 0.5) -> NDArray[np.complexfloating]:
    """Complex amplitudes [count] of a waveform's harmonics 1, 2, 3 …; `width` of a pulse, 0 to 1."""
    k = np.arange(1, count + 1)
    odd = k % 2 == 1
    drawbars = np.select([k == 1, k == 2, k == 3, k == 4, k == 6], [1.0, 0.8, 0.5, 0.4, 0.2], 0.0)
    shapes: dict[str, NDArray[np.number]] = {
        "sine": np.where(k == 1, -1j, 0), "saw": -1j / k, "pulse": (1 - np.exp(-2j * np.pi * k * width)) / k,
        "triangle": np.where(odd, np.where(k % 4 == 1, -1j, 1j) / k**2, 0), "organ": -1j * drawbars,
        "string": -1j * np.abs(np.sin(np.pi * k / 7)) / k**1.1,  # struck at a seventh of its length
    }  # fmt: skip
    if wave not in shapes:
        raise ValueError(f"no waveform {wave}: there are {', '.join(shapes)}")
    return shapes[wave].astype(np.complex128)


def ladder(hz: FloatArray, cutoff: FloatArray, resonance: float) -> NDArray[np.complexfloating]:
    """Complex response of a four-pole ladder filter, [steps, len(hz)]. cutoff: [steps] Hz; resonance: 0 to below 1, where it
    would sound by itself. Half of the bass that resonance takes from a ladder is given back.
    """
    feedback = 4 * resonance
    response: NDArray[np.complexfloating] = (1 + 0.5 * feedback) / ((1 + 1j * hz / cutoff[:, None]) ** 4 + feedback)
    return response


def tables_of(spectra: NDArray[np.complexfloating]) -> Audio:
    """Harmonics [steps, count] → one period each, [steps, samples + 1]; the first sample comes again at its end."""
    size = 2 ** int(np.ceil(np.log2(10 * max(16, spectra.shape[1]))))
    bins = np.zeros((len(spectra), size // 2 + 1), np.complex64)
    bins[:, 1 : spectra.shape[1] + 1] = spectra
    tables = scipy.fft.irfft(bins, axis=1) * np.float32(size / 2)
    return np.concatenate([tables, tables[:, :1]], axis=1)


def read_tables(tables: Audio, hz: FloatArray, step: int, phase: float) -> Audio:
    """One oscillator [N] of frequency `hz` [N]: periods that follow one another every `step` samples, cross-faded. phase: 0 to 1,
    where the first period begins.
    """
    size = tables.shape[1] - 1
    position = (phase + np.cumsum(hz) / SAMPLE_RATE) % 1 * size
    sample = np.minimum(position.astype(np.int64), size - 1)
    between = (position - sample).astype(np.float32)
    rows = np.arange(len(hz)) / step
    row = np.minimum(rows.astype(np.int64), len(tables) - 1)
    fade = (rows - row).astype(np.float32)
    flat, at = tables.ravel(), row * tables.shape[1] + sample
    after = np.minimum(row + 1, len(tables) - 1) * tables.shape[1] + sample
    now = flat[at] + between * (flat[at + 1] - flat[at])
    then = flat[after] + between * (flat[after + 1] - flat[after])
    played: Audio = now + fade * (then - now)
    return played


def envelope(samples: int, gate_s: float, attack_s: float, decay_s: float, sustain: float, release_s: float) -> FloatArray:
    """[samples], 0 to 1: rises over `attack_s`, falls exponentially to `sustain`, and from `gate_s` on to nothing."""
    t = np.arange(samples) / SAMPLE_RATE
    rise = np.minimum(1.0, t / max(attack_s, 1e-4))
    fall = sustain + (1 - sustain) * np.exp(-np.maximum(0, t - attack_s) / max(decay_s, 1e-4))
    end = np.exp(-np.maximum(0, t - gate_s) / max(release_s / 4, 1e-4))
    shape: FloatArray = rise * fall * end
    fade = min(samples, 240)
    shape[-fade:] *= np.linspace(1, 0, fade)
    return shape


def fm(hz: float, samples: int, ratio: float, index: FloatArray, phase: float = 0.0) -> FloatArray:
    """A sine whose phase another one modulates: `ratio` times its frequency, by `index` [samples] radians."""
    angle = 2 * np.pi * (hz * np.arange(samples) / SAMPLE_RATE + phase)
    modulated: FloatArray = np.sin(angle + index * np.sin(ratio * angle))
    return modulated


def drive(audio: FloatArray, amount: float) -> FloatArray:
    """Soft saturation of audio that peaks about 1; 0 is none."""
    if not amount:
        return audio
    driven: FloatArray = np.tanh(audio * (1 + amount)) / np.tanh(1 + amount)
    return driven
