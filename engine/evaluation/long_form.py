"""Drift and repetition over a long piece, measured: mono float [N] audio or a list of tokens in, plain values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.arrays import FloatArray
from engine.evaluation.measures import Key, key_met, log_mel, loudness_db
from engine.music.analysis import measure_bpm, measure_key

WINDOW_S = 30.0
BLOCK_S = 1.0  # of the self-similarity
SHORTEST_S = 10.0  # a last window that is shorter belongs to the one before
BANDS = (("low", 20.0, 250.0), ("middle", 250.0, 2_500.0), ("high", 2_500.0, 12_000.0))  # Hz
N_GRAMS = (4, 8, 16, 32)  # tokens
_BLOCK_RANGE_DB = 60.0


@dataclass(frozen=True)
class Window:
    """WINDOW_S of a piece. bpm, key: None where none stands out. balance_db: of each of BANDS against the whole window."""

    start_s: float
    seconds: float
    bpm: float | None
    key: Key | None
    loudness_db: float
    balance_db: tuple[float, ...]


def windows(audio: FloatArray, samplerate: int, bpm: float | None = None) -> list[Window]:
    """The whole piece in windows. bpm: that was asked for, so that no multiple of it is taken for the tempo."""
    return [
        _window(audio[start:end], samplerate, start / samplerate, bpm)
        for start, end in _spans(len(audio), round(WINDOW_S * samplerate), round(SHORTEST_S * samplerate))
    ]


def _spans(frames: int, window: int, shortest: int) -> list[tuple[int, int]]:
    starts = list(range(0, max(1, frames), window))
    if len(starts) > 1 and frames - starts[-1] < shortest:
        starts.pop()
    return list(zip(starts, [*starts[1:], frames], strict=True))


def _window(audio: FloatArray, samplerate: int, start_s: float, bpm: float | None) -> Window:
    power = np.abs(np.fft.rfft(audio)) ** 2
    hz = np.fft.rfftfreq(len(audio), 1 / samplerate)
    whole = power.sum() + 1e-12
    balance = tuple(
        float(10 * np.log10(power[(hz >= low) & (hz < high)].sum() / whole + 1e-9)) for _, low, high in BANDS
    )
    return Window(
        start_s, len(audio) / samplerate, measure_bpm(audio, samplerate, near=bpm), measure_key(audio, samplerate),
        loudness_db(audio, samplerate), balance,
    )  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """How far a piece moves from where it began; None where a figure has nothing to stand on."""

    tempo: float | None  # largest share by which a window's tempo differs from the median
    in_key: float | None  # share of windows whose key has the notes of the asked one, or of the first window's
    loudness_db: float  # loudest less softest window
    balance_db: float  # largest change of one band's share between the first window and a later one


def drift(found: Sequence[Window], key: Key | None = None) -> Drift:
    tempi = [one.bpm for one in found if one.bpm is not None]
    asked = key or next((one.key for one in found if one.key is not None), None)
    levels = [one.loudness_db for one in found]
    balance = np.array([one.balance_db for one in found])
    return Drift(
        tempo=max(abs(bpm / float(np.median(tempi)) - 1) for bpm in tempi) if tempi else None,
        in_key=float(np.mean([key_met(one.key, asked) for one in found])) if asked else None,
        loudness_db=max(levels) - min(levels),
        balance_db=float(np.abs(balance - balance[0]).max()),
    )


def self_similarity(audio: FloatArray, samplerate: int) -> FloatArray:
    """How alike the seconds of a piece are: [n, n], 1 for the same spectrum over time, 0 for unrelated ones.

    Correlation of the log-mel spectra (40 bands, four moments a block) after each band's mean over the piece is taken away.
    """
    block = round(BLOCK_S * samplerate)
    count = max(1, len(audio) // block)
    levels = [log_mel(audio[first * block : (first + 1) * block], samplerate, 40) for first in range(count)]
    floor = max(level.max() for level in levels) - _BLOCK_RANGE_DB
    blocks = np.stack([_moments(np.maximum(level, floor)) for level in levels])  # [n, 4, 40]
    blocks = (blocks - blocks.mean((0, 1))).reshape(count, -1)
    blocks /= np.maximum(np.linalg.norm(blocks, axis=1, keepdims=True), 1e-9)
    similarity: FloatArray = blocks @ blocks.T
    return similarity


def _moments(level: FloatArray) -> FloatArray:
    """[bands, frames] → [4, bands], the means of its quarters."""
    return np.stack([part.mean(1) for part in np.array_split(level, 4, axis=1)])


def similarity_to_beginning(similarity: FloatArray) -> list[float]:
    """Of each WINDOW_S of a piece, how well its blocks match the best of the first window's, on average; the first: to itself."""
    size = round(WINDOW_S / BLOCK_S)
    first = similarity[:, :size].copy()
    rows, columns = np.indices(first.shape)
    first[rows == columns] = -1.0  # a block is not its own repetition
    best = first.max(1)
    return [float(best[start:end].mean()) for start, end in _spans(len(best), size, round(SHORTEST_S / BLOCK_S))]


def repetition(tokens: Sequence[int], n: int) -> float:
    """The share of a piece's n-grams that have come before in it: 0 for none, near 1 for a loop."""
    grams = [tuple(tokens[first : first + n]) for first in range(len(tokens) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def repetition_by_window(tokens: Sequence[int], n: int, token_rate: float) -> list[float]:
    """The share of each WINDOW_S's n-grams that have come before it, or earlier in it."""
    size = round(WINDOW_S * token_rate)
    seen: set[tuple[int, ...]] = set()
    shares = []
    for start, end in _spans(len(tokens), size, round(SHORTEST_S * token_rate)):
        again = count = 0
        for first in range(start, min(end, len(tokens) - n + 1)):
            gram = tuple(tokens[first : first + n])
            again, count = again + (gram in seen), count + 1
            seen.add(gram)
        shares.append(again / count if count else 0.0)
    return shares


def longest_repeat(tokens: Sequence[int]) -> int:
    """The length of the longest run of tokens that occurs at least twice in a piece; the two may overlap."""
    least, most = 0, len(tokens) - 1
    while least < most:  # a run that repeats contains shorter ones that do
        middle = (least + most + 1) // 2
        if repetition(tokens, middle) > 0:
            least = middle
        else:
            most = middle - 1
    return max(0, least)
