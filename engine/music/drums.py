"""Kick, snare and hi-hat strokes in music. Mono float32 [frames]; needs no tempo.

Where the spectrum rises is a candidate; a small network that sees 24 bands around it says which of the three are struck there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from engine.music import networks
from engine.music.networks import Array

RATE = 12_000  # Hz, that `audio` is expected at
HOP, WINDOW, FFT = 60, 384, 512  # 5 ms, 32 ms
BANDS, LOWEST_HZ = 24, 30.0
REGISTERS = ((0, 6), (6, 15), (15, 24))  # bands: what a kick, a snare and a hi-hat are clearest in
OFFSETS = (-16, -8, -4, -2, -1, 0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 26)  # hops from a candidate at which the bands are seen
APART = 5  # hops: nearer candidates are one
LEAST_RISE = 0.08  # of a candidate, of the result's strongest (99 of 100 are weaker)
CLASSES = ("kick", "snare", "hat")
AHEAD_S = 0.0  # that a candidate is seen before its stroke, by the median of the corpus'
CHUNK = 4096


@dataclass(frozen=True)
class Stroke:
    """at_s: from the beginning. drums: some of CLASSES, in their order. velocity: of MIDI, 1 to 127."""

    at_s: float
    drums: tuple[str, ...]
    velocity: int


def detect_drums(audio: Array) -> list[Stroke]:
    """`audio` at RATE. In time's order; empty where there are none."""
    level = bands(audio)
    places = candidates(level)
    if not len(places):
        return []
    network = networks.load("drums")
    likely = networks.sigmoid(networks.layers(network, networks.standardised(network, patches(level, places))))
    sure = likely >= network["threshold"]
    loud = _velocities(level, places)
    return [
        Stroke(round(max(0.0, place * HOP / RATE + AHEAD_S), 3), tuple(np.array(CLASSES)[row].tolist()), int(velocity))
        for place, row, velocity in zip(places, sure, loud, strict=True)
        if row.any()
    ]


def bands(audio: Array) -> Array:
    """How loud each band is, in a logarithm, every HOP: [hops, BANDS]. Gain changes nothing."""
    count = len(audio) // HOP
    padded = np.pad(audio.astype(np.float32), (WINDOW // 2, WINDOW))
    window, weights = np.hanning(WINDOW).astype(np.float32), _filters()
    power = np.empty((count, BANDS), np.float32)
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    for first in range(0, count, CHUNK):
        spectrum = fft.rfft(view[first : min(count, first + CHUNK)] * window, FFT, axis=1)
        power[first : first + CHUNK] = (spectrum.real**2 + spectrum.imag**2) @ weights
    usual = float(power.mean()) if count else 0.0
    level: Array = np.log(power / max(usual, 1e-9) + 1e-4)
    return level


@lru_cache
def _filters() -> Array:
    """[bins, BANDS]: triangles, evenly in the logarithm of frequency above 200 Hz, each at least a bin wide."""
    edges = np.geomspace(LOWEST_HZ + 150, RATE / 2 + 150, BANDS + 2) - 150
    hz = np.arange(FFT // 2 + 1)[:, None] * RATE / FFT
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    width = RATE / FFT
    weights = np.minimum((hz - low) / np.maximum(middle - low, width), (high - hz) / np.maximum(high - middle, width))
    weights = np.maximum(weights, 0)
    out: Array = (weights / np.maximum(weights.sum(0), 1e-9)).astype(np.float32)
    return out


def candidates(level: Array) -> NDArray[np.int64]:
    """Hops at which something may begin."""
    if len(level) < 8:
        return np.zeros(0, np.int64)
    rise = np.zeros_like(level)
    rise[2:-1] = np.maximum(0, level[3:] - level[:-3])
    flux = np.zeros(len(level))
    for first, last in REGISTERS:
        own = rise[:, first:last].mean(1)
        flux += own / max(float(np.quantile(own, 0.99)), 0.1)
    flux = ndimage.gaussian_filter1d(flux, 0.8)
    highest = ndimage.maximum_filter1d(flux, 2 * APART + 1)
    found = np.flatnonzero((flux == highest) & (flux > LEAST_RISE * len(REGISTERS)))
    return found


def patches(level: Array, places: NDArray[np.int64]) -> Array:
    """What the network sees of each candidate: [candidates, OFFSETS x BANDS]."""
    at = np.clip(places[:, None] + np.array(OFFSETS), 0, len(level) - 1)
    seen: Array = level[at].reshape(len(places), -1)
    return seen


def _velocities(level: Array, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """From how loud all bands are right after each, against the loudest."""
    at = np.clip(places[:, None] + np.arange(0, 6), 0, len(level) - 1)
    loud = level[at].max(1).mean(1)
    under = np.maximum(0, float(loud.max()) - loud)
    return np.asarray(np.clip(np.round(112 - 14 * under), 30, 127), np.int64)
