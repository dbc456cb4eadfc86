"""The bass line of music: one note at a time, from C1 to C4. Mono float32 [frames]; needs no tempo.

The same small network looks at every pitch: at the spectrum in semitones from an octave below it to three above. It says how
likely the bass plays that pitch and how likely it begins there; the likeliest way through them is the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from engine.music import networks
from engine.music.networks import Array

RATE = 12_000  # Hz, that `audio` is expected at
HOP = 192  # 16 ms
LONG, SHORT = 4096, 1024  # samples: one tells low pitches apart, one when they begin
LOWEST, HIGHEST = 24, 60  # MIDI pitches
BELOW, ABOVE = 12, 40  # semitones that are seen around a pitch
PITCHES = HIGHEST - LOWEST + 1
SEMITONES = PITCHES + BELOW + ABOVE  # of the spectrum, from LOWEST - BELOW on
BEFORE, AFTER = 2, 2  # hops between which a rise is seen
VIEWS = 3
CHUNK = 1024

Curve = NDArray[np.float32]


@dataclass(frozen=True)
class BassNote:
    """In seconds from the beginning, and as a MIDI pitch."""

    start_s: float
    end_s: float
    pitch: int


def transcribe_bass(audio: Array) -> list[BassNote]:
    """`audio` at RATE. In time's order; empty where there is none."""
    if len(audio) < LONG:
        return []
    network = networks.load("bass")
    sounds, begins = likelihoods(network, spectra(audio))
    return line(sounds, begins, network["decoding"])


def spectra(audio: Array) -> Array:
    """[hops, VIEWS, SEMITONES]: levels in a logarithm by a long and by a short window, and how much the latter rise."""
    count = len(audio) // HOP
    out: Array = np.empty((count, VIEWS, SEMITONES), np.float32)
    for view, size in enumerate((LONG, SHORT)):
        out[:, view] = _semitones(audio, size, count)
    short, at = out[:, 1], np.arange(count)
    np.subtract(short[np.minimum(at + AFTER, count - 1)], short[np.maximum(at - BEFORE, 0)], out=out[:, 2])
    return out


def _semitones(audio: Array, size: int, count: int) -> Array:
    window, weights = np.hanning(size).astype(np.float32), _filters(size)
    power = np.empty((count, SEMITONES), np.float32)
    for first in range(0, count, CHUNK):
        hops = min(CHUNK, count - first)
        begin, end = first * HOP - size // 2, (first + hops - 1) * HOP - size // 2 + size
        piece = np.pad(audio[max(0, begin) : end].astype(np.float32), (max(0, -begin), max(0, end - len(audio))))
        view = np.lib.stride_tricks.sliding_window_view(piece, size)[::HOP]
        spectrum = fft.rfft(view * window, axis=1)[:, : len(weights)]
        power[first : first + hops] = (spectrum.real**2 + spectrum.imag**2) @ weights
    power /= max(float(power.mean()), 1e-9)
    power += np.float32(1e-4)
    level: Array = np.log(power, out=power)
    return level


@lru_cache
def _filters(size: int) -> Array:
    """[bins, SEMITONES]: bells a semitone wide, or as wide as the window's own where that is wider."""
    centres = 440 * 2 ** ((LOWEST - BELOW + np.arange(SEMITONES) - 69) / 12)
    bin_hz = RATE / size
    hz = np.arange(int(centres[-1] * 1.06 / bin_hz) + 2)[:, None] * bin_hz
    width = np.maximum(centres * 0.025, 0.7 * bin_hz)
    weights = np.exp(-0.5 * ((hz - centres) / width) ** 2)
    weights[weights < 1e-3] = 0
    out: Array = (weights / np.maximum(weights.sum(0), 1e-9)).astype(np.float32)
    return out


def around(seen: Array) -> Array:
    """What the network sees of each pitch: [hops, PITCHES, VIEWS x (BELOW + ABOVE + 1)]."""
    windows = np.lib.stride_tricks.sliding_window_view(seen, BELOW + ABOVE + 1, axis=2)[:, :, :PITCHES]
    out: Array = np.ascontiguousarray(windows.transpose(0, 2, 1, 3)).reshape(len(seen), PITCHES, -1)
    return out


def likelihoods(network: networks.Network, seen: Array) -> tuple[Curve, Curve]:
    """Log odds that the bass plays each pitch, and that it begins it: [hops, PITCHES] each. The same as the network of `around`,
    for all pitches in one product of matrices.
    """
    weights, bias = _for_all_pitches(network)
    out = np.empty((len(seen), PITCHES, 2), np.float32)
    for first in range(0, len(seen), CHUNK):
        hops = seen[first : first + CHUNK]
        hidden = np.maximum(hops.reshape(len(hops), -1) @ weights + bias, 0).reshape(len(hops) * PITCHES, -1)
        out[first : first + CHUNK] = networks.layers(network, hidden, 1).reshape(-1, PITCHES, 2)
    return out[..., 0], out[..., 1]


def _for_all_pitches(network: networks.Network) -> tuple[Array, Array]:
    """The first layer, standardising included: [VIEWS x SEMITONES, PITCHES x hidden] and [PITCHES x hidden]. Each pitch has its
    own register's bias, as a low one is likelier a bass than a high one.
    """
    scaled = network["scale"][:, None] * network["0.weight"]
    own = scaled.reshape(VIEWS, BELOW + ABOVE + 1, -1)
    weights = np.zeros((VIEWS, SEMITONES, PITCHES, own.shape[-1]), np.float32)
    for pitch in range(PITCHES):
        weights[:, pitch : pitch + BELOW + ABOVE + 1, pitch] = own
    bias = network["0.bias"] - network["mean"] @ scaled + network["register"]
    return weights.reshape(VIEWS * SEMITONES, -1), bias.reshape(-1)


def line(sounds: Curve, begins: Curve, decoding: Array) -> list[BassNote]:
    """The likeliest way through silence and pitches (Viterbi). decoding: what silence is worth in a hop, what a change costs, how
    much of it is spared where a note likely begins, log odds from which a note is struck again.
    """
    silence, change, spared, again = (float(value) for value in decoding)
    hops = len(sounds)
    score = np.concatenate([np.full((hops, 1), silence, np.float32), np.clip(sounds, -8, 8)], axis=1)
    entry = np.concatenate([np.full((hops, 1), change, np.float32), change - spared * np.clip(begins, -6, 6)], axis=1)
    came = np.empty((hops, PITCHES + 1), np.uint8)
    own, total = np.arange(PITCHES + 1), score[0].copy()
    for hop in range(1, hops):
        best = int(total.argmax())
        moved = total[best] - entry[hop]
        moves = moved > total
        came[hop] = np.where(moves, best, own)
        total = np.where(moves, moved, total) + score[hop]
    path = np.empty(hops, np.int64)
    path[-1] = int(total.argmax())
    for hop in range(hops - 1, 0, -1):
        path[hop - 1] = came[hop, path[hop]]
    return _notes(path, begins, again)


def _notes(path: NDArray[np.int64], begins: Curve, again: float) -> list[BassNote]:
    """Its stretches of one pitch, cut where that is struck again."""
    edges = np.flatnonzero(np.diff(path, prepend=-1, append=-1))
    notes: list[BassNote] = []
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        if path[first] == 0:
            continue
        pitch = int(path[first]) - 1
        odds = begins[first:last, pitch]
        struck = [0]
        for hop in range(3, len(odds) - 1):
            if odds[hop] > again and odds[hop] == odds[max(0, hop - 2) : hop + 3].max() and hop - struck[-1] >= 4:
                struck.append(hop)
        for begin, end in zip(struck, [*struck[1:], len(odds)], strict=True):
            if end - begin >= 2:
                start_s, end_s = ((first + hop) * HOP / RATE for hop in (begin, end))
                notes.append(BassNote(round(start_s, 3), round(end_s, 3), LOWEST + pitch))
    return notes
