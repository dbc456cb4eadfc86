"""Trials of what prompts are played: whether drums and level stay, how high notes go, and how far takes of a prompt are apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import soxr

from engine.arrays import FloatArray
from engine.corpus.dataset import Corpus
from engine.evaluation import measures, transcriber
from engine.evaluation.excerpts import RATE, read_section, with_key
from engine.evaluation.prompts import Prompt
from engine.evaluation.results import Result, Row, share
from engine.evaluation.steadiness import LEVEL_DB, STROKES_DB, level_db, strokes_db, there_and_back_db
from engine.evaluation.trials import PLAYED_S, ModelUnderTest
from engine.music.analysis import chroma

HIGH_NOTES = 8.0  # percent of notes above C5, at least
SEEDS, STYLES, TAKE_S = 8, 4, 8.0  # takes of a prompt, prompts, and how long they are
PIECES_APART = 0.16  # the distance that pieces of one style are given, to which that of takes is scaled
TAKES_APART = 0.12
MIN_PIECES = 3  # of a style, for a distance
REGISTERS = ((0, 8), (8, 24), (24, 40))  # mel bands of low, middle and high onsets
EIGHTHS = 32  # eighths of a beat: lags up to four beats


def steadiness_trial(model: ModelUnderTest, prompts: list[Prompt]) -> list[Result]:
    """Of every prompt's PLAYED_S, as `sound_trials.sound_trial` plays them."""
    rows: list[Row] = []
    notes: list[transcriber.Note] = []
    for seed, prompt in enumerate(prompts):
        audio, rate, _ = model.play(prompt=prompt.text, seed=seed, duration_s=PLAYED_S)
        rows.append({
            "prompt": prompt.text, "level_db": there_and_back_db(level_db(audio, rate)),
            "strokes_db": there_and_back_db(strokes_db(audio, rate)),
        })  # fmt: skip
        if transcriber.is_there():
            notes += transcriber.transcribe(audio, rate)
    stay = [row["level_db"] <= LEVEL_DB and row["strokes_db"] <= STROKES_DB for row in rows]
    level, strokes = (max(row[measure] for row in rows) for measure in ("level_db", "strokes_db"))
    farthest = f"level by {level:.1f} dB at most, strokes by {strokes:.1f}"
    name = f"drums and level do not come and go, by {STROKES_DB:g} and {LEVEL_DB:g} dB within {PLAYED_S:g} s"
    high = "notes above C5, by another's transcriber"
    if not transcriber.is_there():
        return [share(name, stay, 97, farthest, rows), Result(high, None, note="pip install --no-deps basic-pitch")]
    return [
        share(name, stay, 97, farthest, rows),
        Result(high, transcriber.share_above(notes), "%", HIGH_NOTES, count=len(notes), note=f"of {len(prompts)} prompts"),
    ]


def variety_trial(model: ModelUnderTest, prompts: list[Prompt], held_out: Corpus) -> list[Result]:
    """How far takes of one prompt are apart in timbre, harmony and rhythm, against choruses of different pieces of one style.

    The prompts name style and tempo, no more. No measure knows the corpus, and that in rhythm counts in beats.
    """
    takes: list[FloatArray] = []
    pieces: list[FloatArray] = []
    rng = np.random.default_rng(0)
    for style in sorted({held_out.facts[name]["style"] for name in with_key(held_out)}):
        names = [name for name in with_key(held_out) if held_out.facts[name]["style"] == style][:SEEDS]
        if len(names) >= MIN_PIECES:
            sections = [read_section(held_out, name, "chorus", rng)[0] for name in names]
            bpm = [held_out.facts[name]["bpm"] for name in names]
            pieces.append(distances([aspects(audio, RATE, own) for audio, own in zip(sections, bpm, strict=True)]))
    name = f"takes of one prompt apart, where pieces of one style are {PIECES_APART:g}"
    if not pieces:
        return [Result(name, None, bar=TAKES_APART, note=f"the corpus has no {MIN_PIECES} held-out pieces of one style")]
    for prompt in {prompt.style: prompt for prompt in reversed(prompts)}.values():
        if len(takes) == STYLES:
            break
        text = f"{prompt.style}, {prompt.bpm} bpm"
        played = (model.play(prompt=text, seed=seed, duration_s=TAKE_S) for seed in range(SEEDS))
        takes.append(distances([aspects(audio, rate, prompt.bpm) for audio, rate, _ in played]))
    ratios = PIECES_APART * np.mean(takes, 0) / np.maximum(np.mean(pieces, 0), 1e-9)
    each = ", ".join(f"{aspect} {value:.2f}" for aspect, value in zip(ASPECTS, ratios, strict=True))
    return [Result(name, float(ratios.min()), "", TAKES_APART, count=SEEDS * len(takes), note=f"the least of {each}")]


ASPECTS = ("timbre", "harmony", "rhythm")


def aspects(audio: FloatArray, samplerate: int, bpm: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of mono [N] audio: cepstral coefficients but for the level's, the share of each pitch class, and how onsets recur."""
    low = soxr.resample(audio, samplerate, RATE) if samplerate != RATE else audio
    pitch_classes = chroma(low, RATE)
    return measures.timbre(low, RATE)[1:], pitch_classes / (np.linalg.norm(pitch_classes) + 1e-9), rhythm(low, RATE, bpm)


def rhythm(audio: FloatArray, samplerate: int, bpm: float) -> FloatArray:
    """Autocorrelation of the onsets of three registers, at each eighth of a beat up to four beats."""
    levels = measures.log_mel(audio, samplerate, 40)
    rate = levels.shape[1] / (len(audio) / samplerate)
    rises = np.maximum(0, np.diff(np.maximum(levels, levels.max() - 60), axis=1))
    lags = np.arange(1, EIGHTHS + 1) / 8 * 60 / bpm * rate
    return np.concatenate([_recurrence(rises[low:high].mean(0), lags) for low, high in REGISTERS])


def _recurrence(onsets: FloatArray, lags: FloatArray) -> FloatArray:
    onsets = onsets - onsets.mean()
    size = len(onsets)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(onsets, 2 * size)) ** 2)[:size]
    return np.asarray(np.interp(lags, np.arange(size), correlation / (correlation[0] + 1e-9)))


def distances(embedded: list[tuple[FloatArray, FloatArray, FloatArray]]) -> FloatArray:
    """Mean distance of all pairs in timbre (Euclidean), harmony (cosine) and rhythm (Euclidean)."""
    pairs = list(combinations(embedded, 2))
    apart = [[float(np.linalg.norm(a[0] - b[0])), float(1 - a[1] @ b[1]), float(np.linalg.norm(a[2] - b[2]))] for a, b in pairs]
    return np.asarray(np.mean(apart, axis=0))
