"""Build-ups: how electronic music leads to a chorus. A riser, a snare roll, a gap, a drop.

Over a section's last four bars a sweep of noise rises while the snare rolls on quarters, eighths, then sixteenths, louder and
louder. Kick and bass leave for the last two, on the last beat nothing plays, and then the chorus begins at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import signal

from engine.arrays import FloatArray
from engine.corpus.piece import DRUM_CHANNEL, FRAME_RATE, Note, Piece, Section
from engine.corpus.styles import CLAP, KICK, RIM, SNARE

BARS = 4
WITHOUT_BASS = 2  # of those, the last ones
ROLL = (1.0, 0.5, 0.25, 0.25)  # beats between its hits, bar by bar
ROLL_VELOCITY = (44, 112)  # of its first and last hit
SWEEP_HZ = (300.0, 9_000.0)
SWEEP_OCTAVES = 0.7
SWEEP_DB = (-36.0, -6.0)  # at its beginning and end, against the piece
BASS_CHANNEL = 0


def may_build_up(piece: Piece) -> bool:
    """Whether a piece has a style that builds up, and a verse with drums and bass before its chorus."""
    return piece.style.build_ups and any(map(_leads, piece.sections, piece.sections[1:]))


def build_up(piece: Piece) -> Piece:
    """The piece with a build-up before its chorus."""
    sections = [
        replace(section, build_up=BARS) if _leads(section, following) else section
        for section, following in zip(piece.sections, [*piece.sections[1:], None], strict=True)
    ]
    notes = list(piece.notes)
    for section in sections:
        if section.build_up:
            notes = _lead(notes, section, piece.style.beats)
    return replace(piece, sections=tuple(sections), notes=tuple(notes))


def add_sweeps(audio: FloatArray, piece: Piece, samplerate: int) -> FloatArray:
    """A rising sweep of noise in each build-up of `audio` [N] or [N, channels]: the same noise every time, to be learnt."""
    audio, level = audio.copy(), np.sqrt(np.mean(np.square(audio, dtype=np.float64)))
    bar = piece.bar_frames * samplerate // FRAME_RATE
    for section in piece.sections:
        if section.build_up:
            after = (section.first_bar + section.bars) * bar
            first, gap = after - section.build_up * bar, after - bar // piece.style.beats
            sweep = level * _sweep(gap - first, samplerate)
            audio[first:gap] += sweep if audio.ndim == 1 else sweep[:, None]
    return audio


def _leads(section: Section, following: Section | None) -> bool:
    return (
        following is not None and following.label == "chorus" and section.bars > BARS
        and {"drums", "bass"} <= set(section.layers)
    )  # fmt: skip


def _lead(notes: list[Note], section: Section, beats: int) -> list[Note]:
    """The notes of a piece with a build-up over the last bars of `section`."""
    after = (section.first_bar + section.bars) * beats
    first, thin, gap = after - BARS * beats, after - WITHOUT_BASS * beats, after - 1
    kept = []
    for note in notes:
        drum = note.channel == DRUM_CHANNEL
        struck = first <= note.start and drum and note.pitch in (SNARE, CLAP, RIM)
        low = thin <= note.start and (note.channel == BASS_CHANNEL or (drum and note.pitch == KICK))
        if note.start >= after or not (struck or low or note.start >= gap):
            cut = note.start < gap < note.start + note.length <= after
            kept.append(replace(note, length=gap - note.start) if cut else note)
    starts = [first + bar * beats + step for bar, every in enumerate(ROLL) for step in np.arange(0, beats, every)]
    starts = [float(start) for start in starts if start < gap]
    velocities = np.linspace(*ROLL_VELOCITY, len(starts)).round().astype(int).tolist()
    roll = [Note(start, 0.2, SNARE, velocity, DRUM_CHANNEL) for start, velocity in zip(starts, velocities, strict=True)]
    return kept + roll


def _sweep(samples: int, samplerate: int) -> FloatArray:
    """[samples] of noise in a band that rises; its level against 1 is SWEEP_DB."""
    noise = np.random.default_rng(0).standard_normal(samples)
    frequencies, times, bins = signal.stft(noise, samplerate, nperseg=2_048)
    centres = SWEEP_HZ[0] * (SWEEP_HZ[1] / SWEEP_HZ[0]) ** (times * samplerate / samples)
    octaves = np.log2(np.maximum(frequencies, 1.0))[:, None] - np.log2(centres)
    _, band = signal.istft(bins * np.exp(-0.5 * (octaves / SWEEP_OCTAVES) ** 2), samplerate, nperseg=2_048)
    band = np.pad(band, (0, max(0, samples - len(band))))[:samples]
    level = np.sqrt(signal.oaconvolve(band**2, np.full(4_800, 1 / 4_800), mode="same").clip(1e-12))
    fade = np.minimum(1.0, np.arange(samples, 0, -1) / (0.01 * samplerate))
    sweep: FloatArray = band / level * 10 ** (np.linspace(*SWEEP_DB, samples) / 20) * fade
    return sweep
