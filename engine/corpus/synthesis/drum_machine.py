"""A drum machine: every stroke from oscillators and noise, tuned as the machines of electronic music are.

Kick drums and toms are sines that fall in pitch, snares a sine and noise, claps bursts of noise, hats and cymbals six squares at
frequencies without a common measure, as in the analogue machines of about 1980.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import signal

from engine.arrays import FloatArray
from engine.corpus.styles import (
    CLAP,
    CONGA_HIGH,
    CONGA_LOW,
    COWBELL,
    CRASH,
    HAT,
    KICK,
    OPEN_HAT,
    RIDE,
    RIM,
    SHAKER,
    SNARE,
    TAMBOURINE,
    TOM_HIGH,
    TOM_LOW,
    TOM_MID,
)
from engine.corpus.synthesis.oscillators import SAMPLE_RATE, drive

METAL_HZ = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0])


@dataclass(frozen=True)
class Kit:
    """How a machine is tuned. Times in seconds until a stroke has fallen by 60 dB."""

    kick_hz: float = 50.0
    kick_from: float = 5.0  # times that frequency, where a stroke begins
    kick_fall: float = 0.035  # of the pitch
    kick_s: float = 0.45
    kick_drive: float = 1.0
    click: float = 0.25
    snare_hz: float = 185.0
    snare_s: float = 0.22
    snap: float = 0.7  # noise of a snare against its tone
    clap_hz: float = 1_150.0
    clap_s: float = 0.3
    hat_s: float = 0.07
    open_s: float = 0.38
    metal: float = 0.6  # squares in a hat against noise
    pitch: float = 1.0  # of all metal, toms and percussion


KITS = {
    "909": Kit(),
    "808": Kit(kick_hz=46.0, kick_from=3.0, kick_fall=0.025, kick_s=0.9, kick_drive=0.4, click=0.12, snare_hz=170.0, snare_s=0.18,
               snap=0.5, clap_hz=1_000.0, hat_s=0.05, open_s=0.45, metal=0.85),
    "dub": Kit(kick_hz=45.0, kick_from=3.5, kick_fall=0.03, kick_s=0.5, kick_drive=0.3, click=0.05, hat_s=0.05, open_s=0.22,
               metal=0.4, clap_hz=900.0),
    "break": Kit(kick_hz=62.0, kick_from=3.2, kick_fall=0.02, kick_s=0.22, kick_drive=1.4, click=0.4, snare_hz=210.0,
                 snare_s=0.26, snap=1.0, hat_s=0.09, open_s=0.3, metal=0.35, pitch=1.15),
    "gated": Kit(kick_hz=55.0, kick_from=4.0, kick_s=0.3, kick_drive=0.8, click=0.35, snare_hz=165.0, snare_s=0.4, snap=1.1,
                 hat_s=0.06, metal=0.3, pitch=0.9),
}  # fmt: skip


def tune(kit: Kit, rng: np.random.Generator) -> Kit:
    """A kit as another producer would set it: up to a fifth off in pitch, a third in length, more or less drive and snap."""
    pitch, length, amount = (2.0 ** rng.uniform(-r, r, 4) for r in (0.18, 0.4, 0.5))
    return replace(
        kit, kick_hz=kit.kick_hz * pitch[0], kick_from=kit.kick_from * amount[0], kick_s=kit.kick_s * length[0],
        kick_drive=kit.kick_drive * amount[1], click=kit.click * amount[2], snare_hz=kit.snare_hz * pitch[1],
        snare_s=kit.snare_s * length[1], snap=kit.snap * amount[3], clap_hz=kit.clap_hz * pitch[2], clap_s=kit.clap_s * length[2],
        hat_s=kit.hat_s * length[3], open_s=kit.open_s * length[1], pitch=kit.pitch * pitch[3],
    )  # fmt: skip


# Of a stroke at full velocity, against the kick; and where it stands, from left -1 to right 1.
LEVELS_DB = {
    KICK: 0.0, SNARE: -2.0, CLAP: -2.0, RIM: -8.0, HAT: -7.0, OPEN_HAT: -6.0, RIDE: -9.0, CRASH: -6.0, SHAKER: -11.0,
    TAMBOURINE: -10.0, CONGA_HIGH: -8.0, CONGA_LOW: -8.0, COWBELL: -11.0, TOM_LOW: -4.0, TOM_MID: -4.0, TOM_HIGH: -4.0,
}  # fmt: skip
PLACES = {HAT: 0.3, OPEN_HAT: 0.3, RIDE: -0.4, CRASH: -0.2, SHAKER: -0.6, TAMBOURINE: 0.4, RIM: -0.25, CONGA_HIGH: 0.3,
          CONGA_LOW: -0.3, COWBELL: 0.3, TOM_LOW: -0.4, TOM_HIGH: 0.4}  # fmt: skip


def stroke(pitch: int, kit: Kit) -> FloatArray:
    """One stroke at full velocity, mono [N]; always the same for one kit. pitch: of the General MIDI drum map."""
    noise = np.random.default_rng(pitch)
    match pitch:
        case _ if pitch == KICK:
            played = _kick(kit)
        case _ if pitch == SNARE:
            played = _snare(kit, noise)
        case _ if pitch == CLAP:
            played = _clap(kit, noise)
        case _ if pitch == RIM:
            played = _tones((480 * kit.pitch, 1_750 * kit.pitch), 0.05, 0.0) + 0.2 * _noise(noise, 0.05, 0.012, 2_500)
        case _ if pitch in (HAT, OPEN_HAT):
            played = _metal(kit, noise, kit.hat_s if pitch == HAT else kit.open_s, 7_000)
        case _ if pitch in (RIDE, CRASH):
            played = _metal(kit, noise, 0.9 if pitch == RIDE else 1.6, 4_500)
        case _ if pitch in (SHAKER, TAMBOURINE):
            played = _shaken(kit, noise, 0.06 if pitch == SHAKER else 0.12)
        case _ if pitch == COWBELL:
            played = _tones((540 * kit.pitch, 800 * kit.pitch), 0.35, 1.5)
        case _ if pitch in (CONGA_HIGH, CONGA_LOW):
            played = _falling(kit.pitch * (330 if pitch == CONGA_HIGH else 220), 1.15, 0.02, 0.18)
        case _:
            hz = {TOM_LOW: 90, TOM_MID: 130, TOM_HIGH: 180}.get(pitch, 130)
            played = _falling(kit.pitch * hz, 1.8, 0.06, 0.45) + 0.05 * _noise(noise, 0.45, 0.1, 1_000)
    level = 10 ** (LEVELS_DB.get(pitch, -12.0) / 20)
    scaled: FloatArray = played * (level / np.abs(played).max())
    return scaled


def _times(seconds: float) -> FloatArray:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _decay(t: FloatArray, seconds: float) -> FloatArray:
    """Falls by 60 dB in so many seconds, and is faded out at the end."""
    fallen: FloatArray = np.exp(-6.9 * t / seconds) * np.minimum(1.0, (len(t) - np.arange(len(t))) / 480)
    return fallen


def _falling(hz: float, above: float, fall_s: float, seconds: float) -> FloatArray:
    t = _times(seconds)
    rate = hz * (1 + (above - 1) * np.exp(-t / fall_s))
    played: FloatArray = np.sin(2 * np.pi * np.cumsum(rate) / SAMPLE_RATE) * _decay(t, seconds)
    return played


def _kick(kit: Kit) -> FloatArray:
    t = _times(kit.kick_s)
    body = _falling(kit.kick_hz, kit.kick_from, kit.kick_fall, kit.kick_s)
    # A second, slower fall holds the body up: a plain exponential thumps without weight.
    body = np.sign(body) * np.abs(body) ** 0.75
    click = np.sin(2 * np.pi * 2_600 * t) * np.exp(-t / 0.0022)
    played: FloatArray = drive(body, kit.kick_drive) + kit.click * click
    return played


def _noise(rng: np.random.Generator, seconds: float, fall_s: float, above_hz: float, below_hz: float = 16_000) -> FloatArray:
    t = _times(seconds)
    band = signal.butter(2, (above_hz, below_hz), "band", fs=SAMPLE_RATE, output="sos")
    coloured: FloatArray = signal.sosfilt(band, rng.standard_normal(len(t))) * np.exp(-t / fall_s)
    faded: FloatArray = coloured * np.minimum(1.0, (len(t) - np.arange(len(t))) / 480)
    return faded


def _snare(kit: Kit, rng: np.random.Generator) -> FloatArray:
    tone = _falling(kit.snare_hz, 1.6, 0.015, kit.snare_s) + 0.5 * _falling(1.8 * kit.snare_hz, 1.4, 0.01, kit.snare_s)
    rattle = _noise(rng, kit.snare_s, kit.snare_s / 4, 1_800)
    return drive(0.7 * tone + 1.1 * kit.snap * rattle, 0.5)


def _clap(kit: Kit, rng: np.random.Generator) -> FloatArray:
    t = _times(kit.clap_s)
    hands = sum(np.where(t >= at, np.exp(-np.maximum(0, t - at) / 0.006), 0.0) for at in (0.0, 0.011, 0.023))
    tail = np.where(t >= 0.034, np.exp(-np.maximum(0, t - 0.034) / (kit.clap_s / 5)), 0.0)
    played: FloatArray = _noise(rng, kit.clap_s, 10.0, 0.6 * kit.clap_hz, min(15_000, 5 * kit.clap_hz)) * (hands + 0.8 * tail)
    return played


def _metal(kit: Kit, rng: np.random.Generator, seconds: float, above_hz: float) -> FloatArray:
    t = _times(seconds)
    hz = 2.4 * kit.pitch * METAL_HZ
    squares = sum(
        np.sin(2 * np.pi * k * f * t + f) / k for f in hz for k in range(1, 40, 2) if k * f < 20_000
    ) / len(hz)  # additive: what a square folds back would sound like a toy
    mixed = kit.metal * squares + (1.1 - kit.metal) * 0.4 * rng.standard_normal(len(t))
    bright: FloatArray = signal.sosfilt(signal.butter(4, above_hz, "high", fs=SAMPLE_RATE, output="sos"), mixed)
    played: FloatArray = bright * _decay(t, seconds)
    return played


def _shaken(kit: Kit, rng: np.random.Generator, seconds: float) -> FloatArray:
    t = _times(2 * seconds)
    swell = np.minimum(1.0, t / (0.3 * seconds)) * np.exp(-np.maximum(0, t - 0.3 * seconds) / (0.3 * seconds))
    played: FloatArray = _noise(rng, 2 * seconds, 10.0, 4_500 * kit.pitch, 15_000) * swell
    return played


def _tones(hz: tuple[float, float], seconds: float, hard: float) -> FloatArray:
    t = _times(seconds)
    both = drive(np.sin(2 * np.pi * hz[0] * t) + np.sin(2 * np.pi * hz[1] * t), hard)
    played: FloatArray = both * _decay(t, seconds)
    return played
