"""Sounds with a known tempo, key and level, for tests of what measures them (mono float64 [N]), and a corpus of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from engine.api import parse_key

SAMPLE_RATE = 12_000
DEGREES = {"major": (0, 3, 4, 0), "minor": (0, 3, 4, 0)}  # I IV V I and i iv v i: every note of the scale, and home
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


def noise(seconds: float, rate: int = SAMPLE_RATE) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(round(seconds * rate))


def clicks(bpm: float, seconds: float, pattern: tuple[float, ...] = (0, 1, 2, 3), rate: int = SAMPLE_RATE) -> np.ndarray:
    """Drum-like bursts at `pattern`'s beats of each four-beat bar; the first of each bar is lower and louder, as a kick is."""
    audio = np.zeros(round(seconds * rate))
    t = np.arange(round(0.06 * rate)) / rate
    hit = np.exp(-60 * t) * np.random.default_rng(1).standard_normal(len(t))
    kick = np.exp(-40 * t) * np.sin(2 * np.pi * 60 * t)
    for bar in range(int(seconds * bpm / 240) + 1):
        for beat in pattern:
            start = round((4 * bar + beat) * 60 / bpm * rate)
            sound = (0.4 * hit + 0.8 * kick * (beat == 0))[: max(0, len(audio) - start)]
            audio[start : start + len(sound)] += sound
    return audio


def chords(notes: list[tuple[int, ...]], seconds: float, rate: int = SAMPLE_RATE) -> np.ndarray:
    """Equally long chords of MIDI notes, each note with five falling overtones."""
    length = round(seconds * rate / len(notes))
    t = np.arange(length) / rate
    parts = [
        sum(0.6**k / k * np.sin(2 * np.pi * k * 440 * 2 ** ((note - 69) / 12) * t) for note in chord for k in range(1, 6))
        / len(chord)
        for chord in notes
    ]
    return 0.3 * np.concatenate(parts)


def progression(key: str, bpm: float, seconds: float, rate: int = SAMPLE_RATE) -> np.ndarray:
    """Four triads with their bass in `key`, one a bar, over and over."""
    tonic, mode = parse_key(key)
    scale, bars = SCALES[mode], round(seconds * bpm / 240)
    cycle = [
        (36 + tonic + scale[d], *(48 + tonic + scale[(d + step) % 7] + 12 * ((d + step) // 7) for step in (0, 2, 4)))
        for d in DEGREES[mode]
    ]
    return chords([cycle[bar % 4] for bar in range(bars)], seconds, rate)


def write_corpus(
    folder: Path, pieces: int = 3, held_out: int = 1, sections: tuple[str, ...] = ("intro", "verse", "chorus")
) -> None:
    """WAV and JSON as a corpus has them: by turns "house" (drums, chords) and "ambient" (slow chords). The last are held out."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = ("A minor", "C major", "E minor", "F major", "D minor", "G major")
    for number in range(pieces):
        house, key = number % 2 == 0, keys[number // 2 % len(keys)]
        bar_frames = 100 + 4 * (number // 2 % 3) if house else 150 + 8 * (number // 2 % 3)
        bpm, seconds = 60 * 4 * 50 / bar_frames, 4 * bar_frames / 50
        tonic, mode = parse_key(key)
        layers = {label: ["chords", "drums"] if house and label != "intro" else ["chords"] for label in sections}
        bars = 0.6 * progression(key, bpm, seconds, 48_000)[: round(seconds * 48_000)]
        parts = [
            bars + clicks(bpm, seconds, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), 48_000)[: len(bars)]
            if "drums" in layers[s]
            else 0.5 * bars
            for s in sections
        ]
        facts = {
            "number": number, "style": "house" if house else "ambient", "synonyms": ["club" if house else "drone"],
            "mood": "warm",
            "key": tonic, "mode": mode, "bpm": bpm, "beats": 4, "bar_frames": bar_frames, "instruments": {"chords": "piano"},
            "progression": list(DEGREES[mode]), "seconds": seconds * len(sections), "held_out": number >= pieces - held_out,
            "sections": [
                {"label": s, "first_frame": i * 4 * bar_frames, "frames": 4 * bar_frames, "layers": layers[s]}
                for i, s in enumerate(sections)
            ],
        }  # fmt: skip
        soundfile.write(folder / f"p{number:06d}.wav", np.concatenate(parts), 48_000)
        (folder / f"p{number:06d}.json").write_text(json.dumps(facts))
