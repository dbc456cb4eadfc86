"""Synthesisers: a note from oscillators through a ladder filter and an amplifier, or from FM.

`play(voice, hz, seconds, velocity)` gives one note in stereo. `VOICES` holds a few settings for each instrument word of the
corpus; `choose` draws one and turns its knobs a little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.arrays import Audio, FloatArray
from engine.corpus.synthesis.oscillators import (
    SAMPLE_RATE,
    TOP_HZ,
    drive,
    envelope,
    fm,
    harmonics,
    ladder,
    read_tables,
    tables_of,
)

STEP = 240  # samples between two states of the filter
CHOIR_HZ = ((650, 1_080, 2_650), (400, 1_600, 2_700), (350, 600, 2_700))  # formants of the vowels a, e and o


@dataclass(frozen=True)
class Voice:
    """One setting of a synthesiser. Times in seconds, frequencies in Hz or in octaves above another."""

    wave: str = "saw"
    pulse: float = 0.5  # width of a pulse
    unison: int = 1  # oscillators a note
    detune: float = 0.0  # cents, of the outermost of them
    width: float = 0.0  # of their places in stereo, 0 to 1
    sub: float = 0.0  # a sine an octave below, against the oscillators
    cutoff: float = 2_000.0
    follow: float = 0.5  # octaves that the cutoff rises with each octave of the note above 220 Hz
    resonance: float = 0.1
    sweep: float = 0.0  # octaves the filter's envelope lifts the cutoff at first
    sweep_s: float = 0.2
    slow: bool = False  # the filter opens instead of closing
    accent: float = 1.0  # octaves that a velocity of 127 opens the filter further than one of 64
    attack: float = 0.003
    decay: float = 0.3
    sustain: float = 0.8
    release: float = 0.08
    damping: float = 0.0  # a second's loss of each harmonic, times its number, as of a string
    drive: float = 0.0
    vibrato: float = 0.0  # cents
    glide: float = 0.0  # octaves that a note begins above its pitch; 40 ms later it is there
    breath: float = 0.0  # noise with a note's own envelope
    formant: int = -1  # of CHOIR_HZ
    ratio: float = 0.0  # FM instead of all that: the modulator's frequency in carriers
    index: float = 0.0  # its depth in radians, which falls as `sweep_s` says


BASS = Voice(sustain=0.5, decay=0.2, follow=0.2)
PAD = Voice(attack=0.25, sustain=1.0, release=0.7, unison=5, detune=14, width=0.8)
ACID = replace(BASS, cutoff=260, resonance=0.82, sweep=3.2, sweep_s=0.13, drive=1.5, accent=1.6, decay=0.35, sustain=0.3)
SUB = Voice("sine", cutoff=4_000, resonance=0, sustain=0.9, decay=0.8, release=0.12, drive=0.6)
STAB = Voice(unison=4, detune=12, width=0.6, cutoff=900, resonance=0.35, sweep=2.2, sweep_s=0.11, decay=0.22, sustain=0.12,
             release=0.18)  # fmt: skip
LEAD = Voice(unison=3, detune=9, width=0.3, cutoff=2_600, resonance=0.2, sweep=1.2, sweep_s=0.3, sustain=0.8, release=0.15,
             vibrato=9)  # fmt: skip
STRINGS = replace(PAD, attack=0.14, cutoff=2_600, unison=7, detune=18, release=0.4, vibrato=5)
PIANO = Voice("string", unison=2, detune=2, width=0.5, cutoff=5_500, follow=0.6, sustain=0.0, decay=1.6, release=0.15,
              damping=0.5, accent=1.4)  # fmt: skip

VOICES: dict[str, tuple[Voice, ...]] = {
    "synth bass": (
        ACID, replace(ACID, wave="pulse", resonance=0.72, cutoff=320),
        replace(BASS, cutoff=500, resonance=0.3, sweep=2.0, sweep_s=0.1, sub=0.5, drive=0.8),
        replace(BASS, wave="pulse", cutoff=600, sub=0.4, sweep=1.0, decay=0.12, sustain=0.3),
        Voice(ratio=1.0, index=2.4, sweep_s=0.12, decay=0.25, sustain=0.4, drive=0.5),
    ),
    "reese": (
        replace(BASS, unison=4, detune=26, width=0.3, cutoff=420, resonance=0.25, sub=0.8, sustain=1.0, drive=1.2, attack=0.01),
    ),
    "rolling": (replace(BASS, cutoff=420, resonance=0.35, sweep=2.2, sweep_s=0.08, decay=0.12, sustain=0.3, sub=0.4, drive=1.0),),
    "sub bass": (SUB, replace(SUB, wave="triangle", cutoff=300, drive=0.2)),
    "808": (replace(SUB, glide=0.9, drive=2.2, decay=1.0, sustain=0.35, release=0.2), replace(SUB, glide=0.5, drive=4.0)),
    "piano": (PIANO, replace(PIANO, cutoff=8_500, damping=0.35, drive=0.4)),
    "electric piano": (
        Voice(ratio=14.0, index=0.5, sweep_s=0.06, decay=1.2, sustain=0.1, release=0.2, unison=2, detune=4, width=0.6,
              accent=0.8),
        Voice(ratio=1.0, index=1.3, sweep_s=0.5, decay=1.4, sustain=0.15, release=0.25, unison=2, detune=5, width=0.7,
              accent=0.8),
    ),
    "organ": (
        Voice("organ", cutoff=6_000, resonance=0, sustain=1.0, release=0.05, drive=0.6, vibrato=4, unison=2, detune=3, width=0.5),
        Voice(ratio=2.0, index=0.9, sweep_s=0.04, decay=0.2, sustain=0.5, release=0.06),
    ),
    "warm pad": (replace(PAD, cutoff=750, resonance=0.15), replace(PAD, wave="pulse", pulse=0.35, cutoff=900, detune=10)),
    "halo pad": (
        replace(PAD, cutoff=1_800, resonance=0.4, breath=0.15), replace(PAD, wave="triangle", cutoff=6_000, breath=0.25),
    ),
    "sweep pad": (
        replace(PAD, cutoff=350, resonance=0.55, sweep=3.0, sweep_s=0.9, slow=True),
        replace(PAD, cutoff=300, resonance=0.65, sweep=3.6, sweep_s=0.7),
    ),
    "strings": (STRINGS,),
    "slow strings": (replace(STRINGS, attack=0.4, cutoff=1_900, release=0.7),),
    "choir": (replace(PAD, formant=0, cutoff=5_000, breath=0.05, vibrato=8), replace(PAD, formant=2, cutoff=5_000, vibrato=8)),
    "polysynth": (
        STAB, replace(STAB, wave="pulse", pulse=0.3, cutoff=1_200, decay=0.35),
        replace(STAB, unison=6, detune=22, width=0.9, cutoff=2_400, sustain=0.5, decay=0.4),
    ),
    "dub chord": (
        replace(STAB, cutoff=650, resonance=0.45, sweep=1.6, decay=0.16, release=0.12), replace(STAB, wave="pulse", cutoff=520),
    ),
    "saw lead": (LEAD, replace(LEAD, unison=7, detune=24, width=0.9, cutoff=5_000, sweep=0.6, vibrato=0)),
    "pluck": (
        Voice(unison=7, detune=20, width=0.8, cutoff=1_100, resonance=0.2, sweep=3.0, sweep_s=0.09, decay=0.25, sustain=0.15,
              release=0.2),
    ),
    "square lead": (replace(LEAD, wave="pulse", unison=2, detune=6), replace(LEAD, wave="pulse", pulse=0.25, unison=1)),
    "flute": (Voice("triangle", cutoff=3_500, attack=0.05, sustain=0.9, release=0.1, breath=0.25, vibrato=14),),
    "vibraphone": (Voice(ratio=4.0, index=0.5, sweep_s=0.1, decay=1.0, sustain=0.0, release=0.5, unison=2, detune=3, width=0.7),),
}  # fmt: skip
# Where a style has a sound of its own for a word.
OWN = {
    ("drum and bass", "synth bass"): "reese", ("trance", "synth bass"): "rolling", ("trap", "sub bass"): "808",
    ("dub techno", "polysynth"): "dub chord", ("trance", "polysynth"): "pluck", ("trance", "saw lead"): "pluck",
}  # fmt: skip


def choose(style: str, word: str, part: str, rng: np.random.Generator) -> Voice:
    """A voice for an instrument word as this style has it, its knobs turned a little. part: of the piece, such as "lead"."""
    named = word if (style, word) == ("trance", "saw lead") and part == "lead" else OWN.get((style, word), word)
    options = VOICES[named]
    voice = options[int(rng.integers(len(options)))]
    octaves, times, amount = rng.uniform(-0.6, 0.6), 2.0 ** rng.uniform(-0.4, 0.4, 2), rng.uniform(0.75, 1.25, 3)
    return replace(
        voice, cutoff=voice.cutoff * 2**octaves, resonance=min(0.88, voice.resonance * amount[0]),
              detune=voice.detune * amount[1],
        sweep=voice.sweep * amount[2], sweep_s=voice.sweep_s * times[0], decay=voice.decay * times[1],
        pulse=float(np.clip(voice.pulse * amount[1], 0.1, 0.5)),
    )  # fmt: skip


def play(voice: Voice, hz: float, seconds: float, velocity: int, opened: tuple[float, float] = (0.0, 0.0)) -> Audio:
    """One note, float32 [N, 2], as loud as every other of its velocity. opened: octaves that the filter's knob has been turned by
    at the note's beginning and at its end.
    """
    samples = round((seconds + voice.release) * SAMPLE_RATE)
    amplitude = envelope(samples, seconds, voice.attack, voice.decay, voice.sustain, voice.release)
    spread = np.linspace(-1, 1, voice.unison) if voice.unison > 1 else np.zeros(1)
    phases = np.random.default_rng(round(hz * 8)).random(voice.unison)  # all at once would be a click
    rates = hz * 2 ** (voice.detune / 1_200 * spread)
    if voice.ratio:
        oscillators = _fm_oscillators(voice, rates, phases, samples, velocity)
    else:
        oscillators = _filtered_oscillators(voice, rates, phases, samples, seconds, velocity, opened)
    note: FloatArray = np.zeros((samples, 2))
    for place, audio in zip(voice.width * spread, oscillators, strict=True):
        note += audio[:, None] * np.sqrt([(1 - place) / 2, (1 + place) / 2])
    note /= np.sqrt(np.mean(note[: max(480, round(min(seconds, 0.4) * SAMPLE_RATE))] ** 2)) + 1e-9
    if voice.breath:
        note += voice.breath * np.random.default_rng(0).standard_normal((samples, 2))
    if voice.sub:
        note += voice.sub * 1.4 * np.sin(np.pi * hz * np.arange(samples) / SAMPLE_RATE)[:, None]
    note = drive(0.5 * note, voice.drive) if voice.drive else 0.5 * note
    loudness: FloatArray = (0.3 * (velocity / 100) ** 1.2 * amplitude)[:, None]
    played: Audio = (note * loudness).astype(np.float32)
    return played


def _fm_oscillators(voice: Voice, rates: FloatArray, phases: FloatArray, samples: int, velocity: int) -> list[FloatArray]:
    hard = 2 ** (voice.accent * (velocity - 96) / 64)
    index = voice.index * hard * (0.25 + 0.75 * np.exp(-np.arange(samples) / SAMPLE_RATE / voice.sweep_s))
    return [fm(rate, samples, voice.ratio, index, phase) for rate, phase in zip(rates, phases, strict=True)]


def _filtered_oscillators(
    voice: Voice, rates: FloatArray, phases: FloatArray, samples: int, seconds: float, velocity: int, opened: tuple[float, float]
) -> list[Audio]:
    hz = float(np.mean(rates))
    step = STEP if voice.sweep_s < 0.3 else 4 * STEP
    times = np.arange(0, samples + step, step) / SAMPLE_RATE
    numbers = np.arange(1, max(2, int(TOP_HZ / hz)) + 1)
    moved = np.exp(-times / voice.sweep_s)
    knob = opened[0] + (opened[1] - opened[0]) * np.minimum(1.0, times / max(seconds, 1e-3))
    octaves = voice.sweep * ((1 - moved) if voice.slow else moved) + voice.accent * (velocity - 96) / 64 + knob
    cutoff = np.minimum(20_000, voice.cutoff * 2 ** (octaves + voice.follow * np.log2(hz / 220)))
    spectra = harmonics(voice.wave, len(numbers), voice.pulse) * ladder(hz * numbers, cutoff, voice.resonance)
    if voice.damping:
        spectra = spectra * np.exp(-voice.damping * times[:, None] * numbers)
    if voice.formant >= 0:
        peaks = [np.exp(-0.5 * (np.log2(hz * numbers / f) / 0.18) ** 2) / (1 + i) for i, f in enumerate(CHOIR_HZ[voice.formant])]
        spectra = spectra * (np.sum(peaks, 0) + 0.02)
    tables = tables_of(spectra)
    t = np.arange(samples) / SAMPLE_RATE
    bent = 2 ** (voice.glide * np.exp(-t / 0.012) + voice.vibrato / 1_200 * np.sin(2 * np.pi * 5.2 * t) * np.minimum(1, t / 0.3))
    return [read_tables(tables, rate * bent, step, phase) for rate, phase in zip(rates, phases, strict=True)]
